/** Of every component, its strongest place in one text: found inside the graph, so that no tensor of all values leaves it. */
import { meansFeeds } from "../circuit/means_graph.ts";
import type { Questioner } from "../circuit/questioner.ts";
import type { Dictionary } from "../model/dictionary.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { buildForward } from "../model/transformer.ts";
import { gather, reshape, topK, transpose } from "../onnx/shaping.ts";
import type { GraphRequest } from "../onnx/simplify.ts";
import { graphInput, int64Vector, type Value } from "../onnx/value.ts";
import { elementCount } from "../tensor/shape.ts";
import { float32Data, int64, int64Numbers, type Tensor } from "../tensor/tensor.ts";
import { encode } from "../model/latents.ts";
import { PLACE_KEYS } from "./group_statistics.ts";
import { allGroups } from "./groups.ts";
import { dictionaryInput } from "./latent_graph.ts";
import type { Scope } from "./scope.ts";
import { blockHook } from "./sweep_graph.ts";
import { pairNorms, writeNorms } from "./write_norms.ts";
import { groupName } from "./sweeper.ts";

/** Input int64 `[query]`: the tokens at which values count. */
const QUERIES_INPUT = "queries";

/** By component of a group; of equal values the first place. */
export interface StrongestPlaces {
  readonly values: Float32Array<ArrayBuffer>;
  /** The token, or query · PLACE_KEYS + key. */
  readonly places: Uint32Array<ArrayBuffer>;
}

/** Outputs `values.GROUP` and `places.GROUP` of all groups, `[batch, component, 1]`: the largest value, and where it is among the queries or their pairs. */
export function buildFiringGraph({ model, dictionary }: Scope<ModelWeights>): GraphRequest {
  const queries = graphInput(QUERIES_INPUT, "int64", ["query"]);
  const candidates = dictionary === null
    ? ownCandidates(model, queries)
    : latentCandidates({ model, dictionary }, queries);
  const outputs: Record<string, Value> = {};
  for (const [name, values] of candidates) {
    const strongest = topK(values, int64Vector([1]), { kDim: 1, largest: true });
    outputs[`values.${name}`] = strongest.values;
    outputs[`places.${name}`] = strongest.indices;
  }
  return { outputs, names: new Map() };
}

/** By group, `[batch, component, place]`. */
type Candidates = readonly (readonly [name: string, values: Value])[];

function ownCandidates(model: ModelWeights, queries: Value): Candidates {
  const forward = buildForward(model.architecture, model.weights);
  const candidates: (readonly [string, Value])[] = [];
  for (let layer = 0; layer < model.architecture.layerCount; layer++) {
    const neurons = transpose(gather(blockHook(forward, layer, "mlp.hook_post"), queries, 1), [0, 2, 1]);
    const pairs = gather(pairNorms(forward, layer, writeNorms(model, forward, layer)), queries, 2);
    const rows = reshape(pairs, [...pairs.shape.slice(0, 2), elementCount(pairs.shape.slice(2))]);
    candidates.push([groupName("mlp", layer), neurons], [groupName("head", layer), rows]);
  }
  return candidates;
}

function latentCandidates(
  scope: { readonly model: ModelWeights; readonly dictionary: Dictionary },
  queries: Value,
): Candidates {
  const { model, dictionary } = scope;
  const { latents } = encode(dictionary, gather(dictionaryInput(model, dictionary), queries, 1));
  return allGroups(scope).map(({ kind, layer }) => [groupName(kind, layer), transpose(latents, [0, 2, 1])]);
}

/** Strongest places of every component in a text, by group. @param queries The tokens at which values count, at least one */
export async function strongestPlaces(
  questioner: Pick<Questioner, "execute">,
  scope: Scope<ModelWeights>,
  { tokens, queries }: { readonly tokens: readonly number[]; readonly queries: readonly number[] },
): Promise<ReadonlyMap<string, StrongestPlaces>> {
  const { model, dictionary } = scope;
  const own = dictionary === null ? [] : [dictionary.detail.id];
  const compiled = { key: ["firing", ...own], build: () => buildFiringGraph(scope) };
  const feeds = { ...meansFeeds([tokens]), [QUERIES_INPUT]: int64([queries.length], queries) };
  const fetches = await questioner.execute(model, compiled, feeds);
  const fetched = (name: string): Tensor => {
    const tensor = fetches[name];
    if (tensor === undefined) throw new Error(`Internal: the graph has no output ${name}`);
    return tensor;
  };
  const found = new Map<string, StrongestPlaces>();
  for (const { kind, layer } of allGroups(scope)) {
    const name = groupName(kind, layer);
    const indices = int64Numbers(fetched(`places.${name}`));
    const placeOf = (index: number) =>
      kind === "head"
        ? (queries[Math.floor(index / tokens.length)] ?? 0) * PLACE_KEYS + index % tokens.length
        : queries[index] ?? 0;
    found.set(name, {
      values: Float32Array.from(float32Data(fetched(`values.${name}`))),
      places: Uint32Array.from(indices, placeOf),
    });
  }
  return found;
}
