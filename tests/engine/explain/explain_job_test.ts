/** Explaining many: a process that is killed goes on and asks nothing twice; a budget is kept; what fails for one does not stop the rest. */
import assert from "node:assert/strict";
import type { JobRequest } from "../../../engine/mod.ts";
import { type ChatCall, completion, startChatServer, usualAnswer } from "../../support/chat_server.ts";
import { openExplainedEngine, withExplainedModel } from "../../support/explained_model.ts";

const PROCESS = new URL("../../support/explain_process.ts", import.meta.url).pathname;

/** A call, by everything that it asks. */
function keyOf({ body }: ChatCall): string {
  return JSON.stringify(body);
}

const NEURONS = Array.from({ length: 8 }, (_, neuron) => `mlp/0/${neuron}`);
/** All that the model has in a layer. */
const HEADS = ["head/0/0", "head/0/1"];

/** What is explained, which components those are, and after how many more calls each process is killed. */
const KILLED = [
  { of: "neurons", explain: { components: NEURONS }, components: NEURONS, killedAfter: [7, 20, 33] },
  { of: "a layer", explain: { layer: { kind: "head", index: 0 } }, components: HEADS, killedAfter: [1, 1, 1] },
] as const;

for (const { of, explain, components, killedAfter } of KILLED) {
  const name =
    `a process that is killed while it explains ${of} goes on: no call that was answered is repeated, none is lost`;
  Deno.test(name, () =>
    withExplainedModel(async (model) => {
      const answered = new Map<string, number>();
      let held = Infinity;
      const release: (() => void)[] = [];
      const reached = { at: 0, resolve: () => {} };
      await using server = startChatServer(async (call, number) => {
        // From some call on, nobody is answered until the process is dead.
        if (number >= held) {
          if (number === reached.at) reached.resolve();
          await new Promise<void>((resolve) => release.push(resolve));
          return new Response(null, { status: 503 });
        }
        answered.set(keyOf(call), (answered.get(keyOf(call)) ?? 0) + 1);
        return usualAnswer(call);
      });
      for (const calls of killedAfter) {
        held = server.calls.length + calls;
        reached.at = held;
        const { promise, resolve } = Promise.withResolvers<void>();
        reached.resolve = resolve;
        const child = new Deno.Command(Deno.execPath(), {
          args: [
            "run",
            "-A",
            PROCESS,
            model.modelFolder,
            model.dataFolder,
            server.url,
            JSON.stringify({ by: "assistant", candidates: 1, ...explain }),
          ],
          stdout: "null",
          stderr: "null",
        }).spawn();
        await promise;
        // What was answered has arrived by now, and only what is held is under way.
        await new Promise((wait) => setTimeout(wait, 300));
        child.kill("SIGKILL");
        await child.status;
        for (const go of release.splice(0)) go();
      }
      held = Infinity;
      const engine = await openExplainedEngine(model, { url: server.url });
      try {
        const [job] = engine.jobs().filter(({ kind }) => kind === "explain");
        assert.ok(job !== undefined && ["queued", "running"].includes(job.state), "nobody has to ask again");
        const finished = await engine.finishedJob(job.id);
        assert.equal(finished.state, "done", finished.problem ?? "");
        const repeated = [...answered].filter(([, times]) => times > 1);
        assert.deepEqual(repeated, []);
        for (const name of components) {
          const { explanations: found } = await engine.explanations.list({ model: "tiny", component: name });
          assert.equal(found.length, 1, name);
          assert.equal(found[0]?.scores[0]?.state, "done");
        }
      } finally {
        await engine.close();
      }
    }));
}

Deno.test("a budget ends a job before it is exceeded; with more, it goes on where it was", () =>
  withExplainedModel(async (model) => {
    await using server = startChatServer();
    const engine = await openExplainedEngine(model, { url: server.url });
    const explain: JobRequest["explain"] = {
      by: "assistant",
      components: ["mlp/0/1", "mlp/0/2", "mlp/0/3"],
      candidates: 1,
    };
    try {
      const { id } = await engine.startJob({ kind: "explain", explain: { ...explain, budget: { tokens: 6000 } } });
      const stopped = await engine.finishedJob(id);
      assert.equal(stopped.state, "failed");
      assert.match(stopped.problem ?? "", /beyond the budget: 6000 tokens, of which \d+ are used/);
      const calls = server.calls.length;
      assert.ok(calls > 0 && calls * 110 <= 6000);
      engine.resumeJob(id);
      assert.equal((await engine.finishedJob(id)).state, "failed", "what was spent counts on");
      // Calls use less than they were expected to: some more may fit.
      assert.ok(server.calls.length * 110 <= 6000, `${server.calls.length}`);
      const costly = { ...explain, budget: { money: 0.0001 } };
      assert.equal((await engine.startJob({ kind: "explain", explain: costly })).id, id, "the same work");
      assert.match((await engine.finishedJob(id)).problem ?? "", /beyond the budget: 0\.0001/);
      await engine.startJob({ kind: "explain", explain });
      assert.equal((await engine.startJob({ kind: "explain", explain })).id, id, "asked twice, it is one");
      await assert.rejects(
        engine.startJob({ kind: "explain", explain: costly }),
        /explain.budget: They are being explained already, with another budget or number of candidates/,
      );
      assert.equal((await engine.finishedJob(id)).state, "done");
      const keys = server.calls.map(keyOf);
      assert.equal(new Set(keys).size, keys.length, "nothing was asked twice");
    } finally {
      await engine.close();
    }
  }));

Deno.test("one component that cannot be explained does not stop the others; a wrong key does", () =>
  withExplainedModel(async (model) => {
    let status = 200;
    await using server = startChatServer((call, number) =>
      status !== 200 ? new Response("", { status }) : number === 0 ? completion("") : usualAnswer(call)
    );
    const engine = await openExplainedEngine(model, { url: server.url });
    const explain: JobRequest["explain"] = { by: "assistant", components: ["head/0/0", "head/0/1"], candidates: 1 };
    try {
      const { id } = await engine.startJob({ kind: "explain", explain });
      assert.equal((await engine.finishedJob(id)).state, "done");
      const [first, second] = await Promise.all(
        ["head/0/0", "head/0/1"].map((name) => engine.explanations.list({ model: "tiny", component: name })),
      );
      assert.match(first?.attempts[0]?.problem ?? "", /cannot be read/);
      assert.equal(second?.explanations.length, 1);
      status = 401;
      const other = await engine.startJob({
        kind: "explain",
        explain: { by: "assistant", components: ["mlp/1/1", "mlp/1/2"] },
      });
      const failed = await engine.finishedJob(other.id);
      assert.deepEqual([failed.state, failed.done], ["failed", 0]);
      assert.match(failed.problem ?? "", /refuses the key/);
    } finally {
      await engine.close();
    }
  }));

Deno.test("a layer is explained without a provider; what cannot be meant is refused", () =>
  withExplainedModel(async (model) => {
    const engine = await openExplainedEngine(model);
    try {
      const { id } = await engine.startJob({ kind: "explain", explain: { layer: { kind: "head", index: 1 } } });
      const done = await engine.finishedJob(id);
      assert.deepEqual([done.state, done.unit, done.done], ["done", "components", engine.models()[0]?.headCount]);
      const bad = (explain: unknown) => engine.startJob({ kind: "explain", explain } as never);
      await assert.rejects(bad(undefined), /Expected what is to be explained/);
      await assert.rejects(bad({}), /either components or a layer/);
      await assert.rejects(bad({ components: ["mlp/9/9"] }), /There is no component/);
      await assert.rejects(bad({ layer: { kind: "head", index: 9 } }), /There is no component/);
      await assert.rejects(bad({ components: ["mlp/0/0"], by: "assistant" }), /No assistant is configured/);
    } finally {
      await engine.close();
    }
  }));
