/** Makes the pictures of the README, from the program as it is: `deno task screenshots`. */
import { fileURLToPath } from "node:url";
import { launchBrowser } from "./browser.ts";
import { startServer } from "./test_server.ts";

const folder = fileURLToPath(new URL("../fixtures/screenshots/", import.meta.url));
await Deno.mkdir(folder, { recursive: true });
await using server = await startServer();
await using chromium = await launchBrowser();

const landing = await chromium.browser.newPage({ colorScheme: "light", viewport: { width: 1280, height: 720 } });
await landing.goto(server.url);
await landing.screenshot({ path: `${folder}landing.png` });

const run = await chromium.browser.newPage({ colorScheme: "dark", viewport: { width: 1280, height: 900 } });
await run.goto(server.url);
await run.getByRole("button", { name: /^Show why/ }).click();
await run.waitForURL(/\/runs\//);
await photograph("#nodes", "nodes.png");
await run.getByRole("button", { name: "Measure the top 32 nodes" }).click();
await run.locator("#measured table").waitFor();
await photograph("#measured", "measured.png");

const second = run.locator("#nodes tbody tr").nth(1);
await second.locator("summary").click();
await second.getByRole("button", { name: "Ablate", exact: true }).click();
await run.locator(".changes-card").waitFor();
await photograph("#run", "ablated.png");

await run.locator("#nodes tbody tr").first().locator("summary").click();
await run.locator("#nodes tbody tr").first().getByRole("link", { name: "Details" }).click();
await run.getByRole("heading", { name: "What reads it after" }).waitFor();
await photograph("h1", "node.png");

/** What the window shows from a part of the page on. */
async function photograph(from: string, file: string): Promise<void> {
  await run.locator(from).first().evaluate((element) => element.scrollIntoView());
  await run.screenshot({ path: `${folder}${file}` });
}
