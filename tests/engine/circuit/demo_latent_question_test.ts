/** The indirect-object question in the latents of the demo model's own dictionaries: the figures that its card states. */
import assert from "node:assert/strict";
import { openEngine, type RunSpecInput } from "../../../engine/mod.ts";
import { assertClose } from "../../support/assert_close.ts";

const FOLDER = new URL("../../../models/demo/", import.meta.url).pathname;

const QUESTION: RunSpecInput = {
  prompts: [{
    text: "When Mary and John went to the store, John gave a drink to",
    targets: [" Mary"],
    distractors: [" John"],
  }],
  basis: { mlp: "latent", attention: "latent" },
};

Deno.test("the indirect-object question is answered in latents, and the errors are a small share of it", async () => {
  const card = await Deno.readTextFile(`${FOLDER}README.md`);
  const dataFolder = await Deno.makeTempDir();
  const engine = await openEngine({ modelFolders: [FOLDER], dataFolder, device: "cpu", version: "test" });
  try {
    const { result: { sides: [side], nodes, dictionaries = [] } } = await engine.run(QUESTION);
    const close = (value: number | undefined, expected: number, label: string) => {
      assertClose([value ?? NaN], [expected], { label, absolute: 0.01 });
      assert.ok(card.includes(expected.toFixed(2)), `the card states ${label}`);
    };
    const part = (name: "latents" | "error" | "rest") =>
      dictionaries.map(({ directEffect }) => directEffect[name][0] ?? NaN);
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    assert.equal(dictionaries.length, 8);
    close(side?.objective, 16.83, "the logit difference");
    close(sum(part("latents")), 16.28, "the share of latents");
    close(sum(part("error")), 0.58, "the share of errors");
    close(sum(part("rest")), 0.03, "the share of biases");
    close(sum(part("error").map(Math.abs)), 1.49, "the absolute share of errors");
    const strongest = (effect: "directEffect" | "totalEffect") =>
      nodes.filter(({ ref }) => ref.includes("-latent/")).toSorted((a, b) => (b[effect][0] ?? 0) - (a[effect][0] ?? 0));
    const direct = strongest("directEffect").slice(0, 3);
    assert.deepEqual(direct.map(({ ref }) => ref), [
      "attn-latent/3/176@14",
      "attn-latent/2/176@14",
      "mlp-latent/3/0@14",
    ]);
    assertClose(direct.map((row) => row.directEffect[0] ?? NaN), [4.33, 4.33, 1.81], {
      label: "direct",
      absolute: 0.01,
    });
    const [total] = strongest("totalEffect");
    assert.equal(total?.ref, "mlp-latent/0/374@14");
    close(total.totalEffect[0] ?? NaN, 6.88, "its total effect");
    const alone = await engine.run({ ...QUESTION, dropErrors: true });
    close(alone.result.sides[0]?.objective, 16.39, "the difference without errors");
  } finally {
    await engine.close();
    await Deno.remove(dataFolder, { recursive: true });
  }
});
