/** However much is asked for at once, an endpoint never has more calls to answer than it was configured for. */
import assert from "node:assert/strict";
import { startChatServer, usualAnswer } from "../../support/chat_server.ts";
import { openExplainedEngine, withExplainedModel } from "../../support/explained_model.ts";

const COMPONENTS = ["mlp/0/1", "mlp/0/2", "mlp/1/1", "head/0/0", "head/0/1"];

for (const concurrency of [1, 3]) {
  Deno.test(`components explained at once, and a job beside them: at most ${concurrency} calls are under way, tries again among them`, () =>
    withExplainedModel(async (model) => {
      let [underWay, most] = [0, 0];
      await using server = startChatServer(async (call, number) => {
        underWay++;
        most = Math.max(most, underWay);
        await new Promise((resolve) => setTimeout(resolve, 5));
        underWay--;
        return number % 5 === 0
          ? new Response("", { status: 429, headers: { "retry-after": "0.001" } })
          : usualAnswer(call);
      });
      const engine = await openExplainedEngine(model, { url: server.url, concurrency });
      try {
        const { id } = await engine.startJob({
          kind: "explain",
          explain: { by: "assistant", components: ["mlp/0/3", "mlp/0/4"], candidates: 1 },
        });
        await Promise.all(
          COMPONENTS.map((component) =>
            engine.explanations.explain({ model: "tiny", component, by: "assistant", candidates: 2 })
          ),
        );
        await Promise.all(COMPONENTS.map(async (component) => {
          const { explanations } = await engine.explanations.settled({ model: "tiny", component });
          assert.ok(explanations.length > 0, component);
        }));
        assert.equal((await engine.finishedJob(id)).state, "done");
        assert.ok(server.calls.length > 50, `${server.calls.length} calls`);
        assert.equal(most, concurrency, "as many as are allowed, and no more");
      } finally {
        await engine.close();
      }
    }));
}
