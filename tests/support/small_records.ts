/** Records over a few texts of the demo model’s corpus, so that sweeps are short, and what the API says of them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { ComponentRecords, Example } from "../../engine/mod.ts";

/** Texts that are swept. */
const DOCUMENTS = 80;

/** Id of the text set. */
export const SMALL_SET = "small";

/** The first texts of the demo model's corpus, in a file of their own. */
export async function smallCorpus(): Promise<{ readonly path: string } & AsyncDisposable> {
  const text = await Deno.readTextFile(new URL("../../models/demo/corpus.txt", import.meta.url));
  const folder = await Deno.makeTempDir();
  const path = join(folder, `${SMALL_SET}.txt`);
  await Deno.writeTextFile(path, text.split("<|endoftext|>\n").slice(0, DOCUMENTS).join("<|endoftext|>\n"));
  return { path, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

/** Asks the API, and answers what it says. @param body What is posted; without it, the address is read */
// deno-lint-ignore no-explicit-any -- what is read is named where it is used
export async function api(address: string, body?: object): Promise<any> {
  const answer = body === undefined ? await fetch(address) : await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, await (answer.ok ? "" : answer.text()));
  return await answer.json();
}

/** As many examples as its page reads. */
export async function recordsOf(url: string, component: string, query = ""): Promise<ComponentRecords> {
  return await api(`${url}api/v1/models/demo/components/${component}?textSet=${SMALL_SET}&top=20&random=12&${query}`);
}

export async function mostActive(url: string, kind: string, dictionary: string): Promise<string> {
  const query = `textSet=${SMALL_SET}&kind=${kind}&dictionary=${dictionary}&sort=max&pageSize=1`;
  return (await api(`${url}api/v1/models/demo/catalogue?${query}`)).rows[0].component;
}

/** The value that has the full step: the largest that is stored. */
export function largestOf({ statistics, top }: ComponentRecords): number {
  return Math.max(statistics?.max ?? 0, top[0]?.max ?? 0);
}

export function idsOf({ tokens }: Example): readonly number[] {
  return tokens.map(({ id }) => id);
}

/** A token's text as pages write it, for texts without control characters. */
export function visible(example: Example | undefined, token: number): string {
  return (example?.tokens[token]?.text ?? "").replaceAll(" ", "␣").replaceAll("\n", "↵");
}
