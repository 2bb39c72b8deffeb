/**
 * Latents whose weights point the same way as those of one: cosines of decoder rows, within its dictionary and in others that write the
 * same activation, and of encoder columns within its dictionary. Rows are compared as the files have them, nothing folded or centred.
 */
import type { Questioner } from "../circuit/questioner.ts";
import { output } from "../circuit/read_run.ts";
import { EngineError } from "../errors.ts";
import {
  type Dictionary,
  isTranscoder,
  type LatentKind,
  latentKind,
  standsForNeurons,
  type StoredMatrix,
} from "../model/dictionary.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { div, mul, shift } from "../onnx/elementwise.ts";
import { matMul, reduceL2 } from "../onnx/linear.ts";
import { gather, reshape } from "../onnx/shaping.ts";
import type { GraphRequest } from "../onnx/simplify.ts";
import { graphInput } from "../onnx/value.ts";
import { float32, int64 } from "../tensor/tensor.ts";
import { formatComponent } from "./component.ts";
import type { LatentNeighbours, RelatedByWeights, RelatedList, Similarity } from "./related_request.ts";
import { strongest } from "./strongest.ts";
import { dictionaryOf } from "./sweeper.ts";

const [INDEX_INPUT, DIRECTION_INPUT] = ["latent", "direction"] as const;

/** The smallest normal number keeps 0 / 0 from being no number: a latent without weights has nothing in common with anything. */
const SMALLEST = 2 ** -126;

/** At most `top` of each list, by falling size of the cosine. @throws {EngineError} if a cosine is not finite */
export async function latentNeighbours(
  questioner: Pick<Questioner, "execute">,
  model: ModelWeights,
  { dictionary: id, index, top }: { readonly dictionary: string; readonly index: number; readonly top: number },
): Promise<LatentNeighbours> {
  const own = dictionaryOf(model, id);
  const directions = await questioner.execute(
    model,
    { key: ["latent-directions", id], build: () => buildDirectionsGraph(own) },
    { [INDEX_INPUT]: int64([1], [index]) },
  );
  const [row, column] = [output(directions, "row"), output(directions, "column")];
  const cosines = async (other: Dictionary, which: Which, direction: Float32Array) => {
    const compiled = {
      key: ["latent-cosines", which, other.detail.id],
      build: () => buildCosinesGraph(other, which),
    };
    const fed = { [DIRECTION_INPUT]: float32([1, direction.length], Float32Array.from(direction)) };
    return requireFinite(output(await questioner.execute(model, compiled, fed), "cosines"), other);
  };
  const within = async (by: "decoder" | "encoder", direction: Float32Array): Promise<RelatedList<Similarity>> => {
    const scores = await cosines(own, by, direction);
    // Itself is no neighbour.
    scores[index] = NaN;
    return { kind: latentKind(own.detail), by, chance: chanceOf(direction), components: listed(own, scores, top) };
  };
  const similar = [await within("decoder", row), await within("encoder", column)];
  const elsewhere = new Map<LatentKind, RelatedByWeights[]>();
  for (const other of model.dictionaries.filter((candidate) => candidate !== own && writeAlike(candidate, own))) {
    const kind = latentKind(other.detail);
    const found = elsewhere.get(kind) ?? [];
    found.push(...listed(other, await cosines(other, "decoder", row), top));
    elsewhere.set(kind, found);
  }
  for (const [kind, found] of elsewhere) {
    const components = found.toSorted((a, b) => Math.abs(b.score) - Math.abs(a.score)).slice(0, top);
    similar.push({ kind, by: "decoder-elsewhere", chance: chanceOf(row), components });
  }
  return { similar, alignment: isTranscoder(own.detail) ? null : sevenDigits(cosineOf(row, column)) };
}

type Which = "decoder" | "encoder";

/** Whether the rows of two decoders are directions of one activation: of the residual stream, or of the neurons of one layer. */
function writeAlike(a: Dictionary, b: Dictionary): boolean {
  if (standsForNeurons(a) || standsForNeurons(b)) return a.detail.writeHook === b.detail.writeHook;
  return a.detail.outputWidth === b.detail.outputWidth;
}

/** Outputs `row` `[1, out]` and `column` `[1, in]` of the latent that is fed. */
function buildDirectionsGraph({ detail, weights: { encoder, decoder } }: Dictionary): GraphRequest {
  const index = graphInput(INDEX_INPUT, "int64", [1]);
  return {
    outputs: {
      row: reshape(gather(decoder.value, index, latentAxis(decoder, "decoder")), [1, detail.outputWidth]),
      column: reshape(gather(encoder.value, index, latentAxis(encoder, "encoder")), [1, detail.inputWidth]),
    },
    names: new Map(),
  };
}

/** Output `cosines` `[1, latent]` with the direction that is fed. */
function buildCosinesGraph({ detail, weights }: Dictionary, which: Which): GraphRequest {
  const matrix = weights[which];
  const axis = latentAxis(matrix, which);
  const direction = graphInput(DIRECTION_INPUT, "float32", [
    1,
    which === "decoder" ? detail.outputWidth : detail.inputWidth,
  ]);
  const products = matMul(direction, matrix.value, { transB: axis === 0 });
  const norms = mul(
    reduceL2(matrix.value, { axes: [1 - axis] }),
    reduceL2(direction, { axes: [-1], keepDims: true }),
  );
  return { outputs: { cosines: div(products, shift(norms, SMALLEST)) }, names: new Map() };
}

/** The axis of a stored matrix that counts latents. */
function latentAxis({ isTransposed }: StoredMatrix, which: Which): 0 | 1 {
  return (which === "decoder") === isTransposed ? 1 : 0;
}

function listed({ detail }: Dictionary, scores: Float32Array, top: number): readonly RelatedByWeights[] {
  const kind = latentKind(detail);
  return strongest(scores, top).map((place) => ({
    component: formatComponent({ kind, layer: detail.layer, index: place }),
    score: sevenDigits(scores[place] ?? NaN),
    dictionary: detail.id,
  }));
}

/** Root mean square of the cosine of two directions that are turned at random against each other. */
function chanceOf(direction: Float32Array): number {
  return 1 / Math.sqrt(Math.max(1, direction.length));
}

function cosineOf(a: Float32Array, b: Float32Array): number {
  let product = 0;
  a.forEach((value, i) => product += value * (b[i] ?? 0));
  return product / (Math.hypot(...a) * Math.hypot(...b) + SMALLEST);
}

function requireFinite(scores: Float32Array, { detail: { id } }: Dictionary): Float32Array {
  if (scores.every(Number.isFinite)) return scores;
  throw new EngineError(
    `The weights of dictionary "${id}" are damaged or overflow: comparing them gives no finite numbers`,
  );
}

/** As many digits as a float32 has: more would only make answers longer. */
function sevenDigits(value: number): number {
  return Number(value.toPrecision(7));
}
