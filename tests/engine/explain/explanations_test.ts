/** From records to stored explanations with scores: without a provider, and against a real HTTP server. */
import assert from "node:assert/strict";
import { NotFoundError, ValidationError } from "../../../engine/mod.ts";
import { type ChatBody, startChatServer } from "../../support/chat_server.ts";
import { openExplainedEngine, withExplainedModel } from "../../support/explained_model.ts";

const NEURON = "mlp/0/1";

Deno.test("without a provider: explained, scored beside a control, found again, written by hand, removed", () =>
  withExplainedModel(async (model) => {
    const lines: string[] = [];
    const engine = await openExplainedEngine(model, { log: (line) => lines.push(line) });
    const { explanations } = engine;
    try {
      assert.equal(explanations.assistant, null);
      assert.deepEqual((await explanations.list({ model: "tiny", component: NEURON })).explanations, []);
      for (const component of [NEURON, "head/1/1"]) {
        const begun = await explanations.explain({ model: "tiny", component });
        assert.ok(begun.attempts.every(({ state }) => state === "running"));
        const { explanations: [found], attempts } = await explanations.settled({ model: "tiny", component: component });
        assert.deepEqual(attempts, []);
        assert.match(found?.text ?? "", component === NEURON ? /^Fires / : /^Looks /);
        assert.equal(found?.explainer, "statistical");
        assert.equal(found?.provenance.textSet, "corpus");
        assert.equal(found?.provenance.spent, null);
        const [score] = found?.scores ?? [];
        assert.equal(score?.state, "done");
        assert.ok(Number.isFinite(score?.headline?.value));
        assert.ok(Number.isFinite(score?.control?.headline?.value));
        assert.notEqual(score?.control?.component, component);
        assert.equal(score?.score?.simulation === null, false);
        await explanations.explain({ model: "tiny", component });
        const again = await explanations.settled({ model: "tiny", component: component });
        assert.deepEqual(
          again.explanations.map(({ id }) => id),
          [found?.id],
          "the same sentence is the same explanation",
        );
      }
      const own = await explanations.write({ component: NEURON, text: " Fires on “5” (9) " });
      assert.deepEqual([own.text, own.explainer, own.scores], ["Fires on “5” (9)", "hand", []]);
      await explanations.score({ explanation: own.id });
      const { explanations: all } = await explanations.settled({ model: "tiny", component: NEURON });
      assert.ok(Number.isFinite(all.find(({ id }) => id === own.id)?.scores[0]?.headline?.value));
      const prose = await explanations.write({ component: NEURON, text: "numbers of <b>some</b> kind" });
      await explanations.score({ explanation: prose.id });
      const unscored = (await explanations.settled({ model: "tiny", component: NEURON })).explanations.find(({ id }) =>
        id === prose.id
      );
      assert.equal(unscored?.scores[0]?.state, "failed");
      assert.match(unscored?.scores[0]?.problem ?? "", /only sentences of rules/);
      assert.equal(unscored?.scores[0]?.headline, null);
      await assert.rejects(explanations.score({ explanation: own.id, by: "assistant" }), /No assistant is configured/);
      await assert.rejects(explanations.explain({ component: NEURON, by: "assistant" }), ValidationError);
      await assert.rejects(explanations.plan({ component: NEURON }), ValidationError);
      await assert.rejects(explanations.write({ component: NEURON, text: "  " }), ValidationError);
      await assert.rejects(explanations.write({ component: "mlp/9/1", text: "x" }), ValidationError);
      await assert.rejects(explanations.list({ model: "none", component: NEURON }), NotFoundError);
      const { kinds } = await explanations.compare("tiny");
      assert.deepEqual(
        kinds.map(({ kind, rows, pairs }) => [
          kind,
          rows.map(({ explainer, scoredBy, scored, failed }) => [explainer, scoredBy?.scorer, scored, failed]),
          pairs.map(({ shared }) => shared),
        ]),
        [
          ["neuron", [["statistical", "statistical", 1, 0], ["hand", "statistical", 1, 0]], [1]],
          ["head", [["statistical", "statistical", 1, 0]], []],
        ],
      );
      assert.deepEqual(
        kinds.flatMap(({ rows }) => rows.map(({ explainer, mean }) => [explainer, mean])).filter(([by]) =>
          by === "hand"
        ),
        [["hand", all.find(({ id }) => id === own.id)?.scores[0]?.headline?.value]],
      );
      await assert.rejects(explanations.compare("none"), NotFoundError);
      assert.equal((await explanations.compare("tiny")).kinds, kinds, "nothing new is read once");
      explanations.remove(prose.id);
      const [neurons] = (await explanations.compare("tiny")).kinds;
      assert.deepEqual(neurons?.rows.map(({ failed }) => failed), [0, 0]);
      assert.notEqual(neurons, kinds[0], "what was removed is not told");
      assert.throws(() => explanations.remove(prose.id), NotFoundError);
      assert.deepEqual(lines, []);
    } finally {
      await engine.close();
    }
  }));

Deno.test("nothing is explained or scored before a sweep: each attempt says how to begin one, and stays", () =>
  withExplainedModel(async (model) => {
    const engine = await openExplainedEngine({ ...model, dataFolder: `${model.dataFolder}-empty` });
    const { explanations } = engine;
    const failed = async () => {
      const { attempts } = await explanations.settled({ model: "tiny", component: NEURON });
      for (const { state, problem } of attempts) {
        assert.equal(state, "failed");
        assert.match(problem ?? "", /start a sweep/);
      }
      return attempts.map(({ what, explanation }) => [what, explanation]);
    };
    try {
      await explanations.explain({ component: NEURON });
      assert.deepEqual(await failed(), [["explain", null]]);
      const { id } = await explanations.write({ component: NEURON, text: "Fires on “5” (9)" });
      await explanations.score({ explanation: id });
      assert.deepEqual(await failed(), [["explain", null], ["score", id]]);
      explanations.remove(id);
      assert.deepEqual(await failed(), [["explain", null]], "how a score failed goes with what was scored");
    } finally {
      await engine.close();
    }
  }));

Deno.test("with an assistant: several candidates, the score with its control, tokens and cost; asked twice, answered once", () =>
  withExplainedModel(async (model) => {
    await using server = startChatServer();
    const lines: string[] = [];
    const engine = await openExplainedEngine(model, { url: server.url, log: (line) => lines.push(line) });
    const { explanations } = engine;
    try {
      assert.equal(explanations.assistant?.origin, new URL(server.url).origin);
      const plan = await explanations.plan({ component: NEURON, by: "assistant", candidates: 2 });
      assert.equal(server.calls.length, 0, "a plan sends nothing");
      assert.match(plan.first, /Strong: /);
      for (const component of [NEURON, "head/0/1"]) {
        const before: number = server.calls.length;
        await explanations.explain({ component, by: "assistant", candidates: 2 });
        const { explanations: [found], attempts } = await explanations.settled({ model: "tiny", component: component });
        assert.deepEqual(attempts, []);
        assert.match(found?.text ?? "", /^words like /);
        assert.deepEqual([found?.explainer, found?.provenance.assistant], ["assistant", "test-model"]);
        const { messages }: Pick<ChatBody, "messages"> = server.calls[before]?.body ?? { messages: [] };
        const said: string = messages.map(({ role, content }) => `${role}:\n${content}`).join("\n\n");
        assert.equal(found?.provenance.prompt, said, "what was sent first is kept, word for word");
        const [score] = found?.scores ?? [];
        assert.equal(score?.state, "done", score?.problem ?? "");
        assert.ok(Number.isFinite(score?.headline?.value));
        assert.match(score?.control?.text ?? "", /^words like /);
        const calls: number = server.calls.length - before;
        const [told, scored] = [found?.provenance.spent, score?.spent];
        assert.equal((told?.calls ?? 0) + (scored?.calls ?? 0), calls);
        assert.equal(scored?.promptTokens, 100 * (scored?.calls ?? 0));
        assert.ok(Math.abs((scored?.cost ?? 0) - (scored?.calls ?? 0) * 120 / 1e6) < 1e-12);
        if (component === NEURON) assert.ok(calls <= plan.calls, `${calls} calls, ${plan.calls} planned`);
        await explanations.explain({ component, by: "assistant", candidates: 2 });
        await explanations.settled({ model: "tiny", component: component });
        assert.equal(server.calls.length - before, calls, "answers are kept");
      }
      for (const { body } of server.calls) assert.equal(body.stream, false);
      assert.deepEqual(lines, [], "nothing of it is logged");
    } finally {
      await engine.close();
    }
  }));

Deno.test("a provider that fails to explain leaves an attempt that says why, until it succeeds", () =>
  withExplainedModel(async (model) => {
    let isFailing = true;
    await using server = startChatServer(() => isFailing ? new Response("", { status: 404 }) : null);
    const engine = await openExplainedEngine(model, { url: server.url });
    const { explanations } = engine;
    try {
      await explanations.explain({ component: NEURON, by: "assistant", candidates: 1 });
      const failed = await explanations.settled({ model: "tiny", component: NEURON });
      assert.deepEqual(failed.explanations, []);
      assert.match(failed.attempts[0]?.problem ?? "", /does not know the model/);
      isFailing = false;
      await explanations.explain({ component: NEURON, by: "assistant", candidates: 1 });
      const { attempts, explanations: found } = await explanations.settled({ model: "tiny", component: NEURON });
      assert.deepEqual([attempts.length, found.length], [0, 1]);
    } finally {
      await engine.close();
    }
  }));

Deno.test("explanations are found by their words; whatever is typed is only words", () =>
  withExplainedModel(async (model) => {
    const engine = await openExplainedEngine(model);
    const { explanations } = engine;
    try {
      await explanations.write({ component: NEURON, text: "Names of European capitals" });
      await explanations.write({ component: "head/1/0", text: "from a name to an earlier CAPITAL letter" });
      await explanations.write({ component: "mlp/1/2", text: "“quotes” AND <script>alert(1)</script>" });
      const find = async (q: string) =>
        (await explanations.search({ q })).rows.map(({ component }) => component).sort();
      assert.deepEqual(await find("capital"), ["head/1/0", NEURON]);
      assert.deepEqual(await find("capital name"), ["head/1/0", NEURON]);
      assert.deepEqual(await find("europ"), [NEURON]);
      assert.deepEqual(await find("nowhere"), []);
      for (const q of ["", '"', "*", "a OR", "NEAR(", "text:x", "capital) --", "\u0000", "🙂"]) await find(q);
      assert.deepEqual(await find("SCRIPT alert"), ["mlp/1/2"]);
      const page = await explanations.search({ q: "capital", page: 2, pageSize: 1 });
      assert.deepEqual([page.total, page.rows.length], [2, 1]);
      await assert.rejects(explanations.search({ q: "x".repeat(201) }), ValidationError);
    } finally {
      await engine.close();
    }
  }));

Deno.test("published explanations are imported with their publisher's scores; an export is imported again", () =>
  withExplainedModel(async (model) => {
    const engine = await openExplainedEngine(model);
    const { explanations } = engine;
    const published = [
      `{"dataclass_name": "NeuronSimulationResults", "neuron_id": {"layer_index": 0, "neuron_index": 1}, "scored_explanations": ` +
      `[{"explanation": " words about boats", "scored_simulation": {"ev_correlation_score": 0.25, "rsquared_score": NaN}}, ` +
      `{"explanation": "zeros", "scored_simulation": {"ev_correlation_score": 0}}]}`,
      `{"attention_head_id": {"layer_index": 1, "neuron_index": 0}, "scored_explanations": ` +
      `[{"explanation": "earlier names", "scored_attention_simulation": {"roc_auc_score": 0.75}}]}`,
      `{"neuron_id": {"layer": 0, "idx": 2}, "scored_explanation_or_baseline_list": [{"explanation_or_baseline": "old names"}]}`,
    ];
    try {
      assert.equal(await explanations.import("tiny", published.join("\n")), 4);
      assert.equal(await explanations.import("tiny", `${published[0]}\n\n`), 2);
      const { explanations: found } = await explanations.list({ model: "tiny", component: NEURON });
      assert.deepEqual(found.map(({ text, scores: [score] }) => [text, score?.scorer, score?.headline?.value]), [
        ["words about boats", "published", 0.25],
        ["zeros", "published", 0],
      ]);
      assert.equal(found[0]?.scores[0]?.published?.rSquared, null);
      const head = await explanations.list({ model: "tiny", component: "head/1/0" });
      assert.equal(head.explanations[0]?.scores[0]?.published?.area, 0.75);
      const old = await explanations.list({ model: "tiny", component: "mlp/0/2" });
      assert.deepEqual(old.explanations.map(({ text, scores }) => [text, scores[0]?.headline]), [["old names", null]]);
      const lines = [...await explanations.all("tiny")].map((explanation) => JSON.stringify(explanation));
      assert.equal(lines.length, 4);
      const other = await openExplainedEngine({ ...model, dataFolder: `${model.dataFolder}-other` });
      try {
        assert.equal(await other.explanations.import("tiny", lines.join("\n")), 4);
        assert.deepEqual(
          (await other.explanations.list({ model: "tiny", component: "mlp/0/2" })).explanations.map(({ text }) => text),
          [
            "old names",
          ],
        );
      } finally {
        await other.close();
      }
      for (
        const [lines, problem] of [
          ["nonsense", /Line 1: it is no JSON object/],
          [`${published[0]}\n[]`, /Line 2: it is no JSON object/],
          ['{"scored_explanations": []}', /names no component/],
          ['{"neuron_id": {"layer_index": 0, "neuron_index": -1}, "scored_explanations": []}', /names no component/],
          ['{"component": "mlp/0/1"}', /an explanation is no text/],
          ['{"component": "mlp/77/1", "text": "x"}', /Explanation 1: There is no component/],
        ] as const
      ) await assert.rejects(explanations.import("tiny", lines), problem);
    } finally {
      await engine.close();
    }
  }));
