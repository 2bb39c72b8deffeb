/** Reads the numbers of a run out of what its graph computed. */
import type { Architecture } from "../model/architecture.ts";
import { float32Data, type Tensor } from "../tensor/tensor.ts";
import type { RunNumbers, RunQuestion, SumNumbers } from "./questions.ts";
import { type Effect, EFFECTS, type SumKind, sumOutput } from "./run_graph.ts";
import { readSelection } from "./selection.ts";
import { tokenScores } from "./token_scores.ts";

type Fetches = Readonly<Record<string, Tensor>>;

/** The numbers, cut to each side's own length. */
export function readRun(
  { layerCount, mlpWidth }: Architecture,
  { rows, topK }: RunQuestion,
  fetches: Fetches,
): Omit<RunNumbers, "compileMs" | "computeMs"> {
  const slotCount = Math.max(...rows.map(({ tokens }) => tokens.length));
  const hasToken = (slot: number, side: number) => (rows[side]?.tokens[slot] ?? null) !== null;
  const selection = { layerCount, k: topK, sideCount: rows.length };
  const sides = (name: string) => rowsOf(fetches, name, rows.length);
  const perToken = (name: string, start = 0) =>
    sides(name).map((values, side) =>
      // Adding 0 makes a zero of either sign the same zero, as it is once stored.
      Array.from(values.subarray(start, start + slotCount), (value) => value + 0).filter((_, slot) =>
        hasToken(slot, side)
      )
    );
  const sums = (effect: Effect): SumNumbers => {
    const start = EFFECTS.indexOf(effect) * slotCount;
    const layersOf = (kind: SumKind) =>
      Array.from({ length: layerCount }, (_, layer) => perToken(sumOutput(kind, layer), start));
    const [mlp, byQuery, byKey] = [layersOf("mlp"), layersOf("byQuery"), layersOf("byKey")];
    return {
      mlp: overLayers(mlp),
      byQuery: overLayers(byQuery),
      byKey: overLayers(byKey),
      layers: { attention: overTokens(byQuery), mlp: overTokens(mlp) },
    };
  };
  return {
    objective: [...output(fetches, "objective")],
    logits: tokenScores(sides("logits"), rows.flatMap(({ choices }) => choices.map(({ id }) => id))),
    residual: sides("residual").map((side) => side.slice()),
    mlp: readSelection("mlp", fetches, {
      ...selection,
      isNode: (flatIndex, side) => hasToken(Math.floor(flatIndex / mlpWidth), side),
    }),
    head: readSelection("head", fetches, {
      ...selection,
      isNode: (flatIndex, side) => {
        const [query, key] = [Math.floor(flatIndex / slotCount) % slotCount, flatIndex % slotCount];
        return key <= query && hasToken(query, side) && hasToken(key, side);
      },
    }),
    embed: {
      writeNorm: perToken("embed.writeNorm"),
      directEffect: perToken("embed.directEffect"),
      totalEffect: perToken("embed.totalEffect"),
    },
    sums: Object.fromEntries(EFFECTS.map((effect) => [effect, sums(effect)])) as Record<Effect, SumNumbers>,
    checks: {
      biasEffect: [...output(fetches, "check.biasEffect")],
      normBiasEffect: [...output(fetches, "check.normBiasEffect")],
      residualEffect: [...output(fetches, "check.residualEffect")],
      patternRowError: output(fetches, "check.patternRowError")[0] ?? NaN,
    },
  };
}

/** `[layer][side][token]` → `[side][token]` */
function overLayers(layers: readonly (readonly (readonly number[])[])[]): readonly (readonly number[])[] {
  return layers.reduce((a, b) => a.map((side, i) => side.map((value, token) => value + (b[i]?.[token] ?? NaN))));
}

/** `[layer][side][token]` → `[side][layer]` */
function overTokens(layers: readonly (readonly (readonly number[])[])[]): readonly (readonly number[])[] {
  const [first = []] = layers;
  return first.map((_, side) => layers.map((layer) => (layer[side] ?? []).reduce((sum, value) => sum + value, 0)));
}

/** One output. */
export function fetched(fetches: Fetches, name: string): Tensor {
  const tensor = fetches[name];
  if (tensor === undefined) throw new Error(`Internal: the graph has no output ${name}`);
  return tensor;
}

/** The data of one float32 output. */
export function output(fetches: Fetches, name: string): Float32Array<ArrayBuffer> {
  return float32Data(fetched(fetches, name));
}

/** An output `[batch, …]` as one array a side. */
function rowsOf(fetches: Fetches, name: string, count: number): readonly Float32Array[] {
  const data = output(fetches, name);
  const width = data.length / count;
  return Array.from({ length: count }, (_, row) => data.subarray(row * width, (row + 1) * width));
}
