/** Dictionaries from folders to answers: which are loaded for which model, how a question chooses among them, and what a run remembers. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  type Engine,
  ModelNotLoadedError,
  openEngine,
  type OpenEngineOptions,
  type RunSpecInput,
  ValidationError,
} from "../../engine/mod.ts";
import { assertClose } from "../support/assert_close.ts";
import { goldenModelFolder } from "../support/golden.ts";
import { goldenAutoencoderPath } from "../support/golden_dictionaries.ts";
import { readSafetensors } from "../support/safetensors_fixture.ts";

const MLP = "tiny.mlp_post_act.relu.pt";
const ATTENTION = "tiny.resid_delta_attn.topk.pt";
const OTHER = "tiny.resid_delta_mlp.relu.pt";
const QUESTION: RunSpecInput = {
  prompts: [{ tokens: [100, 65, 92, 95, 92, 67, 65], targets: [54], distractors: [76] }],
};

interface Opened {
  readonly engine: Engine;
  readonly lines: readonly string[];
}

/** A folder with some of the golden dictionaries. */
async function dictionaryFolder(names: readonly string[]): Promise<string> {
  const folder = await Deno.makeTempDir();
  for (const name of names) await copyInto(folder, name);
  return folder;
}

async function copyInto(folder: string, name: string): Promise<void> {
  await Deno.mkdir(join(folder, name));
  for await (const { name: file } of Deno.readDir(goldenAutoencoderPath(name))) {
    await Deno.copyFile(goldenAutoencoderPath(`${name}/${file}`), join(folder, name, file));
  }
}

async function withEngine(
  options: Partial<OpenEngineOptions>,
  use: (opened: Opened) => Promise<void>,
): Promise<void> {
  const dataFolder = options.dataFolder ?? await Deno.makeTempDir();
  const lines: string[] = [];
  const engine = await openEngine({
    modelFolders: [goldenModelFolder("tiny")],
    device: "cpu",
    version: "test",
    log: (line) => lines.push(line),
    ...options,
    dataFolder,
  });
  try {
    await use({ engine, lines });
  } finally {
    await engine.close();
    if (options.dataFolder === undefined) await Deno.remove(dataFolder, { recursive: true });
  }
}

async function issuesOf(engine: Engine, question: Partial<RunSpecInput>): Promise<readonly string[]> {
  try {
    await engine.run({ ...QUESTION, ...question });
  } catch (error) {
    if (error instanceof ValidationError) return error.issues.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
}

Deno.test("dictionaries are loaded with the models that they fit, and the others are told", async () => {
  const folder = await dictionaryFolder([MLP, ATTENTION]);
  await Deno.writeFile(join(folder, "broken.pt"), new Uint8Array(40));
  const modelFolders = [goldenModelFolder("small4"), goldenModelFolder("tiny")];
  await withEngine({ modelFolders, dictionaryFolders: [folder] }, ({ engine, lines }) => {
    assert.deepEqual(engine.model("small4").dictionaries, []);
    const found = engine.model("tiny").dictionaries.map(({ id, writeHook, activation }) => [id, writeHook, activation]);
    assert.deepEqual(found, [
      [`${MLP}/0.pt`, "blocks.0.mlp.hook_post", "relu"],
      [`${ATTENTION}/0.pt`, "blocks.0.hook_attn_out", "topk"],
    ]);
    assert.match(lines.join("\n"), /Cannot load dictionary "broken.pt": Cannot read broken.pt/);
    return Promise.resolve();
  });
  await withEngine({ modelFolders: [goldenModelFolder("small4")], dictionaryFolders: [folder] }, ({ lines }) => {
    assert.match(lines.join("\n"), new RegExp(`Dictionary "${MLP}/0.pt" is not used, it fits no model. small4: .*192`));
    return Promise.resolve();
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a model's own folder may hold dictionaries, and an id is taken once", async () => {
  const models = await Deno.makeTempDir();
  const own = join(models, "tiny", "dictionaries");
  await Deno.mkdir(own, { recursive: true });
  for (const file of ["config.json", "model.safetensors"]) {
    await Deno.copyFile(join(goldenModelFolder("tiny"), file), join(models, "tiny", file));
  }
  await copyInto(own, MLP);
  const folder = await dictionaryFolder([MLP]);
  await withEngine({ modelFolders: [models], dictionaryFolders: [folder] }, ({ engine, lines }) => {
    assert.deepEqual(engine.model("tiny").dictionaries.map(({ id }) => id), [`${MLP}/0.pt`]);
    assert.match(lines.join("\n"), /another one has that id/);
    return Promise.resolve();
  });
  for (const path of [models, folder]) await Deno.remove(path, { recursive: true });
});

Deno.test("the basis chooses dictionaries, layers without one keep their neurons, and nothing of the answer changes", async () => {
  const folder = await dictionaryFolder([MLP, ATTENTION, OTHER]);
  await withEngine({ dictionaryFolders: [folder] }, async ({ engine }) => {
    const { result: plain } = await engine.run(QUESTION);
    const { result } = await engine.run({ ...QUESTION, basis: { mlp: "latent", attention: "latent" } });
    assert.deepEqual(result.spec.dictionaries, [`${ATTENTION}/0.pt`, `${MLP}/0.pt`], "in the order of the pass");
    assert.deepEqual(result.sides[0]?.objective, plain.sides[0]?.objective);
    assert.ok(result.checks.every(({ ok }) => ok), JSON.stringify(result.checks));
    const kinds = new Set(result.nodes.map(({ ref }) => ref.split("/").slice(0, 2).join("/").replace(/@.*/, "")));
    for (const kind of ["mlp-latent/0", "attn-latent/0", "mlp-error/0", "attn-error/0", "mlp/1", "head/1"]) {
      assert.ok(kinds.has(kind), kind);
    }
    assert.ok(!kinds.has("mlp/0") && !kinds.has("head/0"));
    // A node that is named brings its dictionary with it.
    const [latent] = result.nodes.filter(({ ref }) => ref.startsWith("mlp-latent/"));
    const { result: changed } = await engine.run({
      ...QUESTION,
      interventions: [{ node: latent?.ref ?? "", scale: 0 }],
    });
    assert.deepEqual(changed.spec.dictionaries, [`${MLP}/0.pt`]);
    assert.notEqual(changed.sides[0]?.objective, changed.sides[1]?.objective);
    assert.ok(changed.checks.every(({ ok }) => ok), JSON.stringify(changed.checks));
    const { result: chosen } = await engine.run({
      ...QUESTION,
      basis: { mlp: "latent" },
      dictionaries: [`${OTHER}/0.pt`],
      dropErrors: true,
    });
    assert.equal(chosen.spec.dropErrors, true);
    assert.ok(chosen.nodes.every(({ ref }) => !ref.includes("-error/")), "nobody reads what is dropped");
    assert.notEqual(chosen.sides[0]?.objective, plain.sides[0]?.objective);
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("tensors of a question with dictionaries include theirs, and edges and tokens of their nodes can be asked for", async () => {
  const folder = await dictionaryFolder([MLP]);
  await withEngine({ dictionaryFolders: [folder] }, async ({ engine }) => {
    const asked = { ...QUESTION, dictionaries: [`${MLP}/0.pt`] };
    const names = ["scalar:activation:mlp-latent:0", "blocks.0.mlp.hook_post.hook_sae_error"];
    const { tensors } = readSafetensors(await engine.tensors({ ...asked, tensors: names }));
    assert.deepEqual(names.map((name) => tensors.get(name)?.shape), [[7, 64], [7, 192]]);
    const latent = "mlp-latent/0/13@0";
    const { edges } = await engine.edges({ ...asked, node: latent, direction: "downstream" });
    assert.ok(edges.length > 0);
    const upstream = await engine.edges({ ...asked, node: latent, direction: "upstream" });
    // What it gets from before, biases aside, is what it adds: only the embedding and layer 0's heads come before.
    assert.ok(upstream.edges.every(({ ref }) => ref.startsWith("embed") || ref.startsWith("head/0/")));
    const error = await engine.edges({ ...asked, node: "mlp-error/0@6", direction: "downstream" });
    assert.ok(error.edges.length > 0);
    const { write, reads, alone } = await engine.scoredTokens({ ...asked, node: latent, top: 5 });
    assert.deepEqual([write.top.length, reads.length, alone?.top.length], [5, 1, 5]);
    const circuit = await engine.circuit({ ...asked, nodes: [latent, "head/1/2@6<0", "embed@0"] });
    assert.equal(circuit.nodes.length, 3);
    assertClose([circuit.objective], [(await engine.run(asked)).result.sides[0]?.objective ?? NaN], {
      label: "objective",
      absolute: 1e-6,
    });
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("what cannot be honoured about dictionaries is refused at its field", async () => {
  const folder = await dictionaryFolder([MLP, OTHER]);
  await withEngine({ dictionaryFolders: [folder] }, async ({ engine }) => {
    const latent = { basis: { mlp: "latent" } } as const;
    const cases: readonly (readonly [Partial<RunSpecInput>, RegExp])[] = [
      [{ dictionaries: ["nope"] }, /^dictionaries\.0: There is no dictionary "nope" for this model: expected one of/],
      [{ basis: { attention: "latent" } }, /^basis\.attention: No dictionary of the attention is loaded/],
      [{ ...latent, dictionaries: [] }, /^basis\.mlp: None of these dictionaries is one of the MLP/],
      [{ dictionaries: [`${MLP}/0.pt`, `${MLP}/0.pt`] }, /^dictionaries: .*0\.pt" is named twice/],
      [{ dictionaries: [`${MLP}/0.pt`, `${OTHER}/0.pt`] }, /^dictionaries: .* both have latents mlp-latent\/0/],
      [
        { interventions: [{ node: "mlp-latent/0/64@1", set: 0 }] },
        /^interventions\.0\.node: There is no latent 64: expected 0\.\.63/,
      ],
      [
        { interventions: [{ node: "mlp-latent/2/1@1", set: 0 }] },
        /^interventions\.0\.node: This question has no dictionary with latents mlp-latent\/2/,
      ],
      [
        { ...latent, interventions: [{ node: "mlp-error/0@1", set: 0 }] },
        /^interventions\.0\.node: An error is what a dictionary leaves out/,
      ],
      [{ ...latent, trace: { node: "mlp-error/0@1" } }, /^trace\.node: An error is what is left/],
      [{ ...latent, trace: { node: "mlp-latent/0/3@1", path: "q" } }, /^trace\.path: Only heads have several ways in/],
    ];
    for (const [question, expected] of cases) {
      const issues = await issuesOf(engine, question);
      assert.match(issues.join("\n"), expected);
    }
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a run remembers its dictionaries: others of that name give another run, and no report under the old one", async () => {
  const dataFolder = await Deno.makeTempDir();
  const folder = await dictionaryFolder([MLP]);
  const question = { ...QUESTION, dictionaries: [`${MLP}/0.pt`] };
  let first = "";
  await withEngine({ dataFolder, dictionaryFolders: [folder] }, async ({ engine }) => {
    const { result } = await engine.run(question);
    assert.match(result.provenance.dictionaries?.[`${MLP}/0.pt`] ?? "", /^sha256:[0-9a-f]{64}$/);
    first = result.id;
    assert.equal((await engine.run(question)).isNew, false);
    await engine.requireWeightsOf(first);
  });
  // The same name and sizes, other weights: a byte of a tensor is another one.
  const path = join(folder, MLP, "0.pt");
  const bytes = await Deno.readFile(path);
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await Deno.writeFile(path, bytes);
  await withEngine({ dataFolder, dictionaryFolders: [folder] }, async ({ engine }) => {
    assert.notEqual((await engine.run(question)).result.id, first);
    await assert.rejects(engine.requireWeightsOf(first), ModelNotLoadedError);
  });
  await withEngine({ dataFolder }, async ({ engine }) => {
    assert.equal(engine.storedRun(first).id, first);
    await assert.rejects(engine.requireWeightsOf(first), /Dictionary ".*" is not loaded with the weights of this run/);
  });
  for (const path of [dataFolder, folder]) await Deno.remove(path, { recursive: true });
});
