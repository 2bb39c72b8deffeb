/** Reports are computed once: found again in the store, shared while under way, apart where anything differs. */
import assert from "node:assert/strict";
import { parseOrThrow } from "../../engine/circuit/field_issues.ts";
import { resolveSpec } from "../../engine/circuit/resolve_spec.ts";
import { runSpecSchema } from "../../engine/circuit/run_spec.ts";
import { NodeReports } from "../../engine/node_reports.ts";
import type { EngineRequests } from "../../engine/protocol.ts";
import { type Asked, ReportCache, type ReportKind } from "../../engine/report_cache.ts";
import type { ReportSource } from "../../engine/report_source.ts";
import { SideReports } from "../../engine/side_reports.ts";
import { Store } from "../../engine/store/store.ts";
import { Asker } from "../support/asker.ts";
import { goldenModelFolder } from "../support/golden.ts";

const asker = await Asker.open(goldenModelFolder("tiny"));
const QUESTION = { prompts: [{ tokens: [96, 20, 39, 70], targets: [54], distractors: [76] }] };

function ask(input: unknown = QUESTION, texts: string | null = null): Asked {
  return { model: asker.model, resolved: resolveSpec(parseOrThrow(runSpecSchema, input), asker.model, null), texts };
}

/** A store in a folder of its own. */
async function withStore(use: (store: Store) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    using store = Store.open(folder, () => {});
    await use(store);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function cacheOf(store: Store, weights = "sha256:a", version = "1"): ReportCache {
  return new ReportCache(store, { version, weights: () => Promise.resolve(weights) });
}

/** A maker of reports that counts how often it is asked. */
class Counter {
  count = 0;

  /** Asks a cache for a report of this number. */
  async ask(
    cache: ReportCache,
    { kind = "edges", asked = ask(), details = null }: { kind?: ReportKind; asked?: Asked; details?: unknown } = {},
  ): Promise<number> {
    const { report } = await cache.answer({ kind, asked, details, signal: undefined }, () => {
      return Promise.resolve(++this.count);
    });
    return report;
  }
}

/** What the makers of reports need, over the questioner of this thread; `calls` names what it was asked. */
function sourceOf(store: Store): { readonly source: ReportSource; readonly calls: string[] } {
  const calls: string[] = [];
  const { questioner, model } = asker;
  const answers = {
    lens: async ({ question }: EngineRequests["lens"]["input"]) => ({ rows: await questioner.lens(model, question) }),
    attention: async ({ question }: EngineRequests["attention"]["input"]) => ({
      values: await questioner.attention(model, question),
    }),
    edges: ({ question }: EngineRequests["edges"]["input"]) => questioner.edges(model, question),
    scores: async ({ question }: EngineRequests["scores"]["input"]) => ({
      scores: await questioner.scores(model, question),
    }),
  };
  const call = async (name: string, input: unknown) => {
    calls.push(name);
    const answer = Object.hasOwn(answers, name) ? answers[name as keyof typeof answers] : undefined;
    assert.ok(answer, `no answer to ${name}`);
    return { output: await answer(input as never), queuedMs: 0 };
  };
  const source: ReportSource = {
    worker: { call: call as ReportSource["worker"]["call"] },
    cache: cacheOf(store),
    resolve: (input) => Promise.try(() => ask(input)),
    compute: () => Promise.reject(new Error("Nothing here is a run")),
  };
  return { source, calls };
}

Deno.test("a report is computed once, also after a restart, and read as it was", () =>
  withStore(async (store) => {
    const report = { small: 1e-9, zero: -0, text: "ü", list: [1, null] };
    const request = { kind: "edges", asked: ask(), details: { node: "mlp/1/2@3" }, signal: undefined } as const;
    const fresh = await cacheOf(store).answer(request, () => Promise.resolve(report));
    const found = await cacheOf(store).answer(request, () => Promise.reject(new Error("Asked again")));
    assert.deepEqual([fresh.isNew, found.isNew], [true, false]);
    assert.deepEqual(fresh.report, found.report);
    assert.deepEqual(found.report, { ...report, zero: 0 });
  }));

Deno.test("another kind, question, detail, model, version or text is another report", () =>
  withStore(async (store) => {
    const counter = new Counter();
    const other = { ...QUESTION, objective: { kind: "log-prob" } } as const;
    const asks = [
      () => counter.ask(cacheOf(store)),
      () => counter.ask(cacheOf(store), { kind: "attention" }),
      () => counter.ask(cacheOf(store), { details: { node: "embed@1" } }),
      () => counter.ask(cacheOf(store), { asked: ask({ ...other, prompts: [{ tokens: [1, 2], targets: [3] }] }) }),
      () => counter.ask(cacheOf(store), { asked: ask(QUESTION, "sha256:texts") }),
      () => counter.ask(cacheOf(store, "sha256:b")),
      () => counter.ask(cacheOf(store, "sha256:a", "2")),
    ];
    for (const expected of [1, 2, 3, 4, 5, 6, 7]) assert.equal(await asks[expected - 1]?.(), expected);
    for (const expected of [1, 2, 3, 4, 5, 6, 7]) assert.equal(await asks[expected - 1]?.(), expected);
    assert.equal(counter.count, 7);
  }));

Deno.test("who asks for what is under way waits for it", () =>
  withStore(async (store) => {
    const [cache, counter] = [cacheOf(store), new Counter()];
    assert.deepEqual(await Promise.all([counter.ask(cache), counter.ask(cache), counter.ask(cache)]), [1, 1, 1]);
  }));

Deno.test("a failure is not kept, and a long report is answered without being kept", () =>
  withStore(async (store) => {
    const [cache, counter] = [cacheOf(store), new Counter()];
    const request = { kind: "edges", asked: ask(), details: null, signal: undefined } as const;
    await assert.rejects(cache.answer(request, () => Promise.reject(new Error("No luck"))), /No luck/);
    const long = "x".repeat(1_000_001);
    assert.equal((await cache.answer(request, () => Promise.resolve(long))).report, long);
    assert.equal(await counter.ask(cache), 1);
  }));

Deno.test("a store that fails is no failure of the request, and what is known stays known", async () => {
  const folder = await Deno.makeTempDir();
  const lines: string[] = [];
  const store = Store.open(folder, (line) => lines.push(line));
  const [cache, counter] = [cacheOf(store), new Counter()];
  // A closed database refuses everything.
  store[Symbol.dispose]();
  assert.equal(await counter.ask(cache), 1);
  assert.equal(await counter.ask(cache), 1);
  for (let i = 0; i < 200; i++) await counter.ask(cache, { details: i });
  assert.equal(await counter.ask(cache), 202, "the oldest goes first");
  assert.match(lines[0] ?? "", /^Cannot read a report/);
  assert.match(lines[1] ?? "", /^Cannot store a report/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("every report that is asked for again is answered without the engine thread", () =>
  withStore(async (store) => {
    const { source, calls } = sourceOf(store);
    const asks = [
      () => new SideReports(source).lens({ ...QUESTION, count: 2 }, {}),
      () => new SideReports(source).attention({ ...QUESTION, head: "head/1/2", metric: "totalEffect" }, {}),
      () => new NodeReports(source).edges({ ...QUESTION, node: "embed@1", direction: "downstream" }, {}),
      () => new NodeReports(source).scoredTokens({ ...QUESTION, node: "mlp/1/3@2" }, {}),
    ];
    const first = [];
    for (const again of asks) first.push(await again());
    assert.deepEqual(calls, ["lens", "attention", "edges", "scores", "scores", "scores"]);
    for (const [index, again] of asks.entries()) assert.deepEqual(await again(), first[index]);
    assert.equal(calls.length, 6);
    // The window that is meant, however it was asked for.
    const { from } = await new SideReports(source).lens({ ...QUESTION, from: 2, count: 30 }, {});
    assert.deepEqual([from, calls.length], [2, 6]);
  }));
