/** What browser tests share: the program in its own process, a real Chromium, and a page of its own for each test. */
import assert from "node:assert/strict";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import type { Engine, RunResult, RunSpecInput } from "../../engine/mod.ts";
import { createApp } from "../../routes/app.ts";
import { type FixtureTensor, readSafetensors } from "./safetensors_fixture.ts";

/** The question of the demo model that most tests ask. */
export const PROMPT = "When Mary and John went to the store, John gave a drink to";

/** The same with the names' roles turned, and both as a question. */
export const SECOND = PROMPT.replace(", John", ", Mary");
export const PAIR: RunSpecInput["prompts"] = [
  { text: PROMPT, targets: [" Mary"], distractors: [" John"] },
  { text: SECOND, targets: [" John"], distractors: [" Mary"] },
];

/** The name mover of that question. */
export const MOVER = "head/3/3@14<3";

export type ContextOptions = NonNullable<Parameters<Browser["newContext"]>[0]>;

/** A page of its own; any script error or refusal of the content security policy fails the test. */
export async function withPage(
  browser: Browser,
  options: ContextOptions,
  use: (page: Page, context: BrowserContext) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    // A refused question is an error response, and one may be given up; htmx and the browser log it.
    const known = /status of 4\d\d|Response Status Error Code 4\d\d|^htmx:(sendAbort|afterRequest),/;
    if (message.type() === "error" && !known.test(message.text())) {
      problems.push(message.text());
    }
  });
  try {
    await use(page, context);
    assert.deepEqual(problems, []);
  } finally {
    await context.close();
  }
}

/** Asks the first question of the gallery: one click from the landing page. The page is then the answer's. */
export async function askDemo(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByRole("button", { name: /^Show why/ }).click();
  await page.waitForURL(/\/runs\//);
  await page.locator("#nodes").waitFor();
}

/** The row of a node in the table. */
export function rowOf(page: Page, ref: string): Locator {
  return page.locator(`#nodes .node-row[data-ref="${ref}"]`);
}

/** Opens a node's row and answers the place of its details. */
export async function openRow(page: Page, ref: string): Promise<Locator> {
  await rowOf(page, ref).locator(".expander").click();
  const details = page.locator(`#nodes .node-row[data-ref="${ref}"] + .detail-row`);
  await details.waitFor();
  return details;
}

/** Does what asks another question, and waits for another answer than the one shown before. */
export async function untilAnswered(page: Page, act: () => Promise<void>): Promise<void> {
  const before = await page.locator("#run").getAttribute("data-run");
  await act();
  await page.locator(`#run[data-run]:not([data-run="${before}"])`).waitFor();
}

/** Waits until what htmx swapped in last answers to events: it listens a moment after it is seen, and after the address has changed. */
export async function untilSettled(page: Page): Promise<void> {
  await page.locator("html:not(:has(.htmx-request, .htmx-added, .htmx-settling))").waitFor();
}

/** Presses the form's Run and waits for another answer than the one shown before. */
export async function pressRun(page: Page): Promise<void> {
  await untilAnswered(page, () => page.locator(".run-button").click());
}

/** Opens a node's row, presses one of its buttons, and waits for the answer. */
export async function actOn(page: Page, ref: string, name: string): Promise<void> {
  const details = await openRow(page, ref);
  await untilAnswered(page, () => details.getByRole("button", { name, exact: true }).click());
}

/** The run that a page shows, as its JSON tells it: every number unrounded. */
export async function runOf(page: Page): Promise<RunResult> {
  const id = await page.locator("#run").getAttribute("data-run");
  return await (await fetch(new URL(`/runs/${id}.json`, page.url()))).json();
}

/** Asks through the API. Without prompts: the question that most tests ask. */
export async function askApi(url: string, spec: Partial<RunSpecInput> = {}): Promise<RunResult> {
  const prompts = [{ text: PROMPT, targets: [" Mary"], distractors: [" John"] }];
  const answer = await fetch(new URL("/api/v1/runs", url), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ prompts, ...spec }),
  });
  const result = await answer.json();
  assert.ok(answer.ok, JSON.stringify(result));
  return result;
}

/** Asks through the API, and shows the answer in a page. @param view The page's query, as in `size=50` */
export async function showRun(
  page: Page,
  url: string,
  { view = "size=50", ...spec }: Partial<RunSpecInput> & { readonly view?: string } = {},
): Promise<RunResult> {
  const run = await askApi(url, spec);
  await page.goto(`${url}runs/${run.id}?${view}`);
  return run;
}

/** Has sweeps made through the API, and waits until no job is left to do. @param sweeps What is swept, beside `kind` */
export async function sweepAll(url: string, sweeps: readonly { readonly [field: string]: string }[]): Promise<void> {
  for (const sweep of sweeps) {
    const answer = await fetch(new URL("/api/v1/jobs", url), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ kind: "sweep", ...sweep }),
    });
    assert.ok(answer.ok, await answer.text());
  }
  const isOver = async () => {
    const { jobs } = await (await fetch(new URL("/api/v1/jobs", url))).json();
    assert.ok(jobs.every(({ state }: { readonly state: string }) => state !== "failed"), JSON.stringify(jobs));
    return !jobs.some(({ state }: { readonly state: string }) => ["queued", "running"].includes(state));
  };
  while (!await isOver()) await new Promise((resolve) => setTimeout(resolve, 200));
}

/** The number in an element's title: unrounded. */
export async function titleNumber(locator: Locator): Promise<number> {
  return Number(await locator.getAttribute("title") ?? NaN);
}

/** The numbers in the titles of elements, as many as there are now. */
export function titleNumbers(locator: Locator): Promise<number[]> {
  return locator.evaluateAll((found) => found.map((element) => Number(element.getAttribute("title") ?? NaN)));
}

/** Asserts that two numbers are the same but for float32's rounding. */
export function assertNear(actual: number, expected: number, label = "value"): void {
  const allowed = 2e-5 * Math.max(1, Math.abs(expected));
  assert.ok(Math.abs(actual - expected) <= allowed, `${label}: found ${actual}, expected ${expected}`);
}

export type ChoiceKind = "target" | "distractor";

/** What stands in the token boxes of a prompt. */
export function choices(page: Page, kind: ChoiceKind, prompt = 0): Promise<string[]> {
  return valuesOf(page.locator(`input[name='${kind}.${prompt}']`));
}

/** What stands in text fields, as many as there are now. */
export async function valuesOf(fields: Locator): Promise<string[]> {
  return Promise.all((await fields.all()).map((field) => field.inputValue()));
}

/** Fills the token boxes of the first prompt that are there. */
export async function fillChoices(page: Page, texts: Readonly<Record<ChoiceKind, readonly string[]>>): Promise<void> {
  for (const kind of ["target", "distractor"] as const) {
    for (const [index, text] of texts[kind].entries()) await page.locator(`#${kind}-0-${index}`).fill(text);
  }
}

export interface ServedApp extends AsyncDisposable {
  /** With a slash at the end. */
  readonly url: string;
}

/** The application over an engine of the test's own, in this process. */
export function serveApp(engine: Engine): ServedApp {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => app.fetch(request));
  const host = `127.0.0.1:${server.addr.port}`;
  const app = createApp({ engine, allowedHosts: [host] });
  return { url: `http://${host}/`, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** Asserts again and again until it holds; what it fails with after five seconds is thrown. */
export async function eventually(assertion: () => Promise<void>): Promise<void> {
  const end = performance.now() + 5000;
  while (true) {
    try {
      return await assertion();
    } catch (error) {
      if (performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Tensors of a run's first prompt, through the API: what pages must agree with. */
export async function tensorsOf(url: string, { spec }: RunResult, names: readonly string[]): Promise<TestTensors> {
  const { model, prompts, bos, objective, freezeFinalNorm } = spec;
  const answer = await fetch(new URL("/api/v1/tensors", url), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ model, prompts: prompts.slice(0, 1), bos, objective, freezeFinalNorm, tensors: names }),
  });
  assert.ok(answer.ok, await (answer.ok ? "" : answer.text()));
  return readSafetensors(await answer.bytes()).tensors;
}

export type TestTensors = ReadonlyMap<string, FixtureTensor>;

/** An entry of a tensor. */
export function entryOf(tensors: TestTensors, name: string, index: readonly number[]): number {
  const { shape, data } = tensors.get(name) ?? { shape: [], data: [] };
  return data[index.reduce((flat, place, axis) => flat * (shape[axis] ?? 0) + place, 0)] ?? NaN;
}

/** The numbers of all sides and the difference, unrounded. */
export function objectives(page: Page): Promise<number[]> {
  return titleNumbers(page.locator(".objective-value"));
}

/** What the first side's number is, in words. */
export function sentence(page: Page): Promise<string> {
  return page.locator(".objective p").first().innerText();
}
