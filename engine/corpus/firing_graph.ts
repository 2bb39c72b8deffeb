/** Of every component, its strongest place in one text: found inside the graph, so that no tensor of all values leaves it. */
import { meansFeeds } from "../circuit/means_graph.ts";
import type { Questioner } from "../circuit/questioner.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { buildForward } from "../model/transformer.ts";
import { gather, reshape, topK, transpose } from "../onnx/shaping.ts";
import type { GraphRequest } from "../onnx/simplify.ts";
import { graphInput, int64Vector, type Value } from "../onnx/value.ts";
import { elementCount } from "../tensor/shape.ts";
import { float32Data, int64, int64Numbers, type Tensor } from "../tensor/tensor.ts";
import { COMPONENT_KINDS } from "./component.ts";
import { PLACE_KEYS } from "./group_statistics.ts";
import { blockHook, pairNorms } from "./sweep_graph.ts";
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
export function buildFiringGraph(model: ModelWeights): GraphRequest {
  const forward = buildForward(model.architecture, model.weights);
  const queries = graphInput(QUERIES_INPUT, "int64", ["query"]);
  const outputs: Record<string, Value> = {};
  for (let layer = 0; layer < model.architecture.layerCount; layer++) {
    const neurons = transpose(gather(blockHook(forward, layer, "mlp.hook_post"), queries, 1), [0, 2, 1]);
    const pairs = gather(pairNorms(model, forward, layer), queries, 2);
    const rows = reshape(pairs, [...pairs.shape.slice(0, 2), elementCount(pairs.shape.slice(2))]);
    for (const [kind, candidates] of [["mlp", neurons], ["head", rows]] as const) {
      const { values, indices } = topK(candidates, int64Vector([1]), { kDim: 1, largest: true });
      outputs[`values.${groupName(kind, layer)}`] = values;
      outputs[`places.${groupName(kind, layer)}`] = indices;
    }
  }
  return { outputs, names: new Map() };
}

/** Strongest places of every component in a text, by group. @param queries The tokens at which values count, at least one */
export async function strongestPlaces(
  questioner: Pick<Questioner, "execute">,
  model: ModelWeights,
  { tokens, queries }: { readonly tokens: readonly number[]; readonly queries: readonly number[] },
): Promise<ReadonlyMap<string, StrongestPlaces>> {
  const compiled = { key: ["firing"], build: () => buildFiringGraph(model) };
  const feeds = { ...meansFeeds([tokens]), [QUERIES_INPUT]: int64([queries.length], queries) };
  const fetches = await questioner.execute(model, compiled, feeds);
  const fetched = (name: string): Tensor => {
    const tensor = fetches[name];
    if (tensor === undefined) throw new Error(`Internal: the graph has no output ${name}`);
    return tensor;
  };
  const found = new Map<string, StrongestPlaces>();
  for (let layer = 0; layer < model.architecture.layerCount; layer++) {
    for (const kind of COMPONENT_KINDS) {
      const name = groupName(kind, layer);
      const indices = int64Numbers(fetched(`places.${name}`));
      const placeOf = (index: number) =>
        kind === "mlp"
          ? queries[index] ?? 0
          : (queries[Math.floor(index / tokens.length)] ?? 0) * PLACE_KEYS + index % tokens.length;
      found.set(name, {
        values: Float32Array.from(float32Data(fetched(`values.${name}`))),
        places: Uint32Array.from(indices, placeOf),
      });
    }
  }
  return found;
}
