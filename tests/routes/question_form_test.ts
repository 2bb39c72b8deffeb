import assert from "node:assert/strict";
import { fieldsOfRun } from "../../routes/question_form.ts";
import { FakeEngine } from "../support/fake_engine.ts";

Deno.test("fieldsOfRun() writes the tokens of a model without tokenizer as ids with spaces between them", async () => {
  const engine = new FakeEngine();
  const { result } = await engine.run({ prompts: [{ tokens: [12, 34], targets: [56] }] });
  const [model] = engine.models();
  assert.ok(model !== undefined);
  const byIds = {
    ...result,
    sides: result.sides.map((side) => ({ ...side, tokens: side.tokens.map(({ id }) => ({ id, text: String(id) })) })),
  };
  const { prompts, bos } = fieldsOfRun(byIds, { ...model, hasTokenizer: false, bos: null });
  assert.equal(prompts[0]?.text, "12 34");
  assert.equal(bos, false);
});

Deno.test("fieldsOfRun() knows what to show of a run whose model is not loaded any more", async () => {
  const { result } = await new FakeEngine().run({ prompts: [{ text: "a b", targets: [" c"] }] });
  const { prompts, model } = fieldsOfRun(result, undefined);
  assert.equal(model, "demo");
  assert.deepEqual(prompts, [{ text: "a b", targets: [" c"], distractors: [""] }]);
});
