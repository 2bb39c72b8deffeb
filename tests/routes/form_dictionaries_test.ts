/** Which dictionaries a form asks for, and which ticks a run's form has. */
import assert from "node:assert/strict";
import { chosenDictionaries, tickedDictionaries } from "../../routes/form_dictionaries.ts";
import { FAKE_DICTIONARIES } from "../support/fake_dictionaries.ts";

const PLAIN = { mlp: "neuron", attention: "head" } as const;
const IN_LATENTS = { mlp: "latent", attention: "latent" } as const;

type Choice = Partial<Parameters<typeof chosenDictionaries>[0]>;

function chosen(choice: Choice): string {
  const all = { basis: PLAIN, nodes: [], dropErrors: false, dictionaries: [], ...choice };
  return chosenDictionaries(all, FAKE_DICTIONARIES)?.toSorted().join(" ") ?? "";
}

Deno.test("without a tick, a question has the first dictionaries that its basis and its nodes need", () => {
  assert.equal(chosen({}), "");
  assert.equal(chosen({ basis: IN_LATENTS }), "attn/1 mlp/0 mlp/1");
  assert.equal(chosen({ basis: { ...PLAIN, mlp: "latent" } }), "mlp/0 mlp/1");
  assert.equal(chosen({ nodes: ["resid-latent/0/3@1", "head/0/1@2<1"] }), "resid/0");
});

Deno.test("ticks choose by kind: of the others, what is needed stays", () => {
  assert.equal(chosen({ basis: IN_LATENTS, dictionaries: ["wide/mlp/1"] }), "attn/1 wide/mlp/1");
  assert.equal(chosen({ basis: IN_LATENTS, dictionaries: ["mlp/0", "wide/mlp/1"] }), "attn/1 mlp/0 wide/mlp/1");
  assert.equal(chosen({ basis: IN_LATENTS, dictionaries: ["resid/0"] }), "attn/1 mlp/0 mlp/1 resid/0");
  assert.equal(chosen({ dictionaries: ["resid/0"] }), "resid/0", "the stream has no basis");
});

Deno.test("a tick of a kind that is not in use waits, unless what is left out is missing from the model", () => {
  assert.equal(chosen({ dictionaries: ["wide/mlp/1"] }), "");
  assert.equal(chosen({ dictionaries: ["wide/mlp/1"], dropErrors: true }), "wide/mlp/1");
  // A node of its place is one of the ticked dictionary's, not of the first.
  assert.equal(chosen({ dictionaries: ["wide/mlp/1"], nodes: ["mlp-latent/1/200@0"] }), "wide/mlp/1");
});

Deno.test("a node that no ticked dictionary has brings its own", () => {
  const nodes = ["mlp-latent/0/3@1", "mlp-latent/1/5@1"];
  assert.equal(chosen({ basis: IN_LATENTS, dictionaries: ["wide/mlp/1"], nodes }), "attn/1 mlp/0 wide/mlp/1");
});

Deno.test("what the model does not know stays, to be refused", () => {
  assert.equal(chosen({ dictionaries: ["gone"] }), "gone");
  assert.equal(chosen({ basis: IN_LATENTS, dictionaries: ["gone"] }), "attn/1 gone mlp/0 mlp/1");
});

Deno.test("the ticks of a run's form ask for the same dictionaries again", () => {
  const choices: readonly (Choice & { readonly ticks: string })[] = [
    { ticks: "" },
    { basis: IN_LATENTS, ticks: "" },
    { basis: IN_LATENTS, dictionaries: ["mlp/0"], ticks: "mlp/0" },
    { basis: IN_LATENTS, dictionaries: ["wide/mlp/1", "resid/0"], ticks: "resid/0 wide/mlp/1" },
    // What is ticked is the usual: no tick is needed.
    { basis: IN_LATENTS, dictionaries: ["mlp/0", "mlp/1"], ticks: "" },
    { nodes: ["attn-latent/1/2@3"], ticks: "" },
    { dictionaries: ["wide/mlp/1"], dropErrors: true, ticks: "wide/mlp/1" },
  ];
  for (const { ticks, ...choice } of choices) {
    const { basis = PLAIN, nodes = [], dropErrors = false } = choice;
    const dictionaries = chosen(choice).split(" ").filter((id) => id !== "");
    const spec = {
      basis,
      dictionaries,
      dropErrors,
      interventions: nodes.map((node) => ({ node, prompt: 0, set: 0 }) as const),
      trace: null,
    };
    const found = tickedDictionaries(spec, FAKE_DICTIONARIES);
    assert.equal(found.toSorted().join(" "), ticks, JSON.stringify(choice));
    assert.equal(chosen({ ...choice, dictionaries: found }), dictionaries.join(" "), JSON.stringify(choice));
  }
});
