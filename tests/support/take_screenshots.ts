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

const run = await chromium.browser.newPage({ colorScheme: "dark", viewport: { width: 1280, height: 1500 } });
await run.goto(server.url);
await run.getByRole("button", { name: /^Show why/ }).click();
await run.waitForURL(/\/runs\//);
await run.screenshot({ path: `${folder}run.png` });
