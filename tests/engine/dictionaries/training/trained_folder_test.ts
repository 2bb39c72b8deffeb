/** What was learned, written as a SAELens folder and opened again, computes what it computed in training, on the model's own activations. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { findDictionaries } from "../../../../engine/dictionaries/find_dictionaries.ts";
import { openDictionary } from "../../../../engine/dictionaries/open_dictionary.ts";
import { readTrainingFile, writeSaeLensFolder } from "../../../../engine/dictionaries/saelens_folder.ts";
import { foldedDictionary } from "../../../../engine/dictionaries/training/fold.ts";
import { TRAINED_ARCHITECTURES, type TrainingSpec } from "../../../../engine/dictionaries/training/training_spec.ts";
import {
  firstState,
  measureNormalization,
  tensorOf,
  type TrainingState,
} from "../../../../engine/dictionaries/training/training_state.ts";
import { assertClose } from "../../../support/assert_close.ts";
import { readReferenceDictionary, referenceDecode, referenceEncode } from "../../../support/reference_dictionary.ts";
import { noModel, sparseRows, tinySpec, trainer } from "../../../support/train.ts";

const METADATA = { modelName: "tiny", contextSize: 24, prependsBos: true } as const;

async function trained(spec: TrainingSpec): Promise<TrainingState> {
  let state = firstState(spec, measureNormalization(sparseRows(500, spec.width, 1), spec.width));
  for (let step = 0; step < 30; step++) {
    ({ state } = await trainer.step(noModel, { spec, state }, sparseRows(spec.batch, spec.width, 10 + step)));
  }
  return state;
}

for (const architecture of TRAINED_ARCHITECTURES) {
  Deno.test(`a folder of ${architecture} is opened and computes what was trained`, async () => {
    const spec = tinySpec({
      architecture,
      learningRate: 0.02,
      ...architecture.endsWith("topk") ? {} : { k: null, sparsity: 0.5 },
    });
    const state = await trained(spec);
    const folder = await Deno.makeTempDir();
    try {
      const target = join(folder, "ours");
      await writeSaeLensFolder(target, foldedDictionary(spec, state), { metadata: METADATA, training: { some: 1 } });
      const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
      assert.deepEqual(names, ["ours"], "nothing else is left");
      assert.deepEqual(await readTrainingFile(target), { some: 1 });
      const [location] = await findDictionaries(folder);
      const dictionary = await openDictionary(location ?? assert.fail("none found"), null);
      const { detail } = dictionary;
      assert.equal(detail.id, "ours");
      assert.deepEqual([detail.readHook, detail.writeHook, detail.layer], [spec.site, spec.site, 0]);
      assert.deepEqual([detail.inputWidth, detail.latentCount], [spec.width, spec.latents]);
      assert.deepEqual([detail.centring, detail.normalization], ["output-bias", "none"]);
      assert.deepEqual([detail.trainedWithBos, detail.modelName], [true, "tiny"]);
      const kind = { relu: "relu", topk: "topk", batchtopk: "jumprelu", jumprelu: "jumprelu" }[architecture];
      assert.equal(detail.activation, kind);
      const reference = await readReferenceDictionary(dictionary);
      const scale = tensorOf(state, "scale")[0] ?? NaN;
      let active = 0;
      for (const x of rowsOf(sparseRows(40, spec.width, 77), spec.width)) {
        const expected = inTraining(spec, state, x);
        const { latents } = referenceEncode(reference, x);
        active += latents.filter((z) => z > 0).length;
        assertClose(latents, expected.latents.map((z) => z / scale), { label: "latents", absolute: 1e-5 });
        assertClose(referenceDecode(reference, latents, x), expected.output, { label: "output", absolute: 1e-5 });
      }
      assert.ok(active > 40, "latents are active");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** What training computes for one token, from its own tensors and in float64; the output in units of the model. */
function inTraining(
  spec: TrainingSpec,
  state: TrainingState,
  x: Float64Array,
): { readonly latents: Float64Array; readonly output: Float64Array } {
  const { width, architecture, k } = spec;
  const get = (name: Parameters<typeof tensorOf>[1]) => tensorOf(state, name);
  const scale = get("scale")[0] ?? NaN;
  const input = x.map((value, c) => (value - (get("mean")[c] ?? NaN)) * scale);
  const pre = Float64Array.from(
    get("b_enc"),
    (bias, j) => input.reduce((sum, value, c) => sum + value * (get("W_enc")[c * spec.latents + j] ?? NaN), bias),
  );
  const least = pre.toSorted((a, b) => b - a)[(k ?? 1) - 1] ?? NaN;
  const isActive = (value: number, j: number) => {
    switch (architecture) {
      case "relu":
        return value > 0;
      case "topk":
        return value > 0 && value >= least;
      case "batchtopk":
        return value > (get("threshold")[0] ?? NaN);
      case "jumprelu":
        return value > Math.exp(get("log_threshold")[j] ?? NaN);
    }
  };
  const latents = pre.map((value, j) => isActive(value, j) ? value : 0);
  const output = Float64Array.from(get("b_dec"), (bias, c) => {
    const sum = latents.reduce((part, z, j) => part + z * (get("W_dec")[j * width + c] ?? NaN), bias);
    return sum / scale + (get("mean")[c] ?? NaN);
  });
  return { latents, output };
}

function rowsOf(rows: Float32Array, width: number): Float64Array[] {
  return Array.from(
    { length: rows.length / width },
    (_, t) => Float64Array.from(rows.subarray(t * width, (t + 1) * width)),
  );
}
