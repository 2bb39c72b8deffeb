/** Makes the pictures of the README, in both themes, from the program as it is: `deno task screenshots`. */
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { launchBrowser } from "./browser.ts";
import { askDemo, openRow, showRun } from "./e2e.ts";
import { startServer } from "./test_server.ts";

const FOLDER = fileURLToPath(new URL("../fixtures/screenshots/", import.meta.url));
const SIZE = { width: 1120, height: 760 };
const MOVER = "head/3/3@14<2";
/** A dictionary with a latent that has one evident meaning: the bracket after “def” and a name. */
const DICTIONARY = "mlp-out-2";
const LATENT = "mlp-latent/2/310";

await Deno.mkdir(FOLDER, { recursive: true });
await using server = await startServer();
await using chromium = await launchBrowser();
await sweepDemo({});
await sweepDemo({ dictionary: DICTIONARY });
for (const theme of ["light", "dark"] as const) {
  const page = await chromium.browser.newPage({ colorScheme: theme, viewport: SIZE });
  const picture = (name: string) => `${FOLDER}${name}-${theme}.png`;
  await tour(page, picture);
  await page.close();
}

/** The README's tour, in its order. */
async function tour(page: Page, picture: (name: string) => string): Promise<void> {
  const { url } = server;
  /** What the window shows from an element on. */
  const photograph = async (name: string, from: string, height = SIZE.height) => {
    // Everything that a page loads by itself is there, and nothing is marked by the pointer.
    await page.waitForLoadState("networkidle");
    await page.mouse.move(0, 0);
    await page.locator(from).first().evaluate((element) => {
      element.scrollIntoView();
      element.ownerDocument.defaultView?.scrollBy(0, -12);
    });
    await page.screenshot({ path: picture(name), clip: { x: 0, y: 0, width: SIZE.width, height } });
  };
  await page.goto(url);
  await photograph("landing", "body");
  await askDemo(page, url);
  const answer = page.url().split("?")[0] ?? "";
  await photograph("answer", ".summary");
  await openRow(page, MOVER);
  await page.locator(".detail-lists").waitFor();
  await photograph("nodes", "#nodes");
  await page.goto(`${answer}?cards=effects,lens`);
  await photograph("effects", "#card-effects", 620);
  await page.locator(".lens-grid").waitFor();
  await photograph("lens", "#card-lens", 460);

  await page.goto(`${answer}/attention?head=head/3/3&pin=14`);
  await photograph("attention", "h1");
  await page.goto(`${answer}/circuit`);
  for (let step = 0; step < 2; step++) {
    await page.locator("#grow").click();
    await page.locator("#grow").waitFor();
  }
  await photograph("circuit", "h1");

  await page.goto(answer);
  const offer = page.getByRole("button", { name: "Measure the top 32 nodes" });
  // In the second theme it is measured already.
  if (await offer.count() > 0) await offer.click();
  await page.locator("#measured table").waitFor();
  await photograph("measured", "#measured", 520);
  const details = await openRow(page, MOVER);
  await details.getByRole("button", { name: "Ablate", exact: true }).click();
  await page.locator(".changes-card").waitFor();
  const ablated = page.url().split("?")[0] ?? "";
  await photograph("ablated", "#run");

  await page.goto(`${url}compare?a=${answer}&b=${ablated}`);
  await photograph("compare", "h1");
  await page.goto(`${answer}/node?ref=${encodeURIComponent(MOVER)}`);
  await photograph("node", "h1");
  await page.goto(`${url}models/demo/components/mlp/3/195?run=${answer.split("/").at(-1)}`);
  await page.locator("#examples-title").waitFor();
  await photograph("component", "#examples-title");
  await showRun(page, url, { view: "", basis: { mlp: "latent", attention: "latent" } });
  await photograph("latents", "#nodes");
  await page.goto(`${url}models/demo/components/${LATENT}`);
  await page.locator("#examples-title").waitFor();
  const explain = page.getByRole("button", { name: "Explain by rules" });
  if (await page.locator("#explanations .explanation-text").count() === 0) await explain.click();
  await page.locator("#explanations .explanation-score").waitFor();
  await photograph("latent", "h1");
  await page.goto(`${url}models/demo/catalogue`);
  await photograph("catalogue", "h1", 620);
  await page.goto(`${url}help`);
  await photograph("help", "h1");
}

/** Collects records of the demo model, or of one of its dictionaries, which the pages of components show. */
async function sweepDemo(of: { readonly dictionary?: string }): Promise<void> {
  const jobs = `${server.url}api/v1/jobs`;
  const headers = { "Content-Type": "application/json" };
  await fetch(jobs, { method: "POST", headers, body: JSON.stringify({ kind: "sweep", ...of }) });
  const isDone = async () => {
    const { jobs: all } = await (await fetch(jobs)).json();
    return all.every(({ state }: { readonly state: string }) => state === "done");
  };
  while (!await isDone()) await new Promise((resolve) => setTimeout(resolve, 500));
}
