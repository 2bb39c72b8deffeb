/** Reads the numbers of a run out of what its graph computed. */
import { type Dictionary, LATENT_KINDS, latentKind } from "../model/dictionary.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { float32Data, type Tensor } from "../tensor/tensor.ts";
import type { DictionaryNumbers, RunNumbers, RunQuestion, SumNumbers, VectorNumbers } from "./questions.ts";
import { readDictionarySums, type SumsSource } from "./dictionary_sums.ts";
import { type Effect, EFFECTS, errorOutput, type SumKind, sumOutput } from "./run_graph.ts";
import { runParts } from "./run_parts.ts";
import { readSelection, type SelectionContext } from "./selection.ts";
import { tokenScores } from "./token_scores.ts";

type Fetches = Readonly<Record<string, Tensor>>;

/** The numbers, cut to each side's own length. */
export function readRun(
  model: Pick<ModelWeights, "architecture" | "dictionaries">,
  { rows, topK, basis, dictionaries, dropsErrors }: RunQuestion,
  fetches: Fetches,
): Omit<RunNumbers, "compileMs" | "computeMs"> {
  const slotCount = Math.max(...rows.map(({ tokens }) => tokens.length));
  const hasToken = (slot: number, side: number) => (rows[side]?.tokens[slot] ?? null) !== null;
  const { layerCount, mlpWidth } = model.architecture;
  const parts = runParts(model, { basis, dictionaries });
  const selection = { k: topK, sideCount: rows.length };
  const vectors = (prefix: string): VectorNumbers => ({
    writeNorm: perToken(`${prefix}.writeNorm`),
    directEffect: perToken(`${prefix}.directEffect`),
    totalEffect: perToken(`${prefix}.totalEffect`),
  });
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
      layers: parts.mlp,
      isNode: (flatIndex, side) => hasToken(Math.floor(flatIndex / mlpWidth), side),
    }),
    head: readSelection("head", fetches, {
      ...selection,
      layers: parts.head,
      isNode: (flatIndex, side) => {
        const [query, key] = [Math.floor(flatIndex / slotCount) % slotCount, flatIndex % slotCount];
        return key <= query && hasToken(query, side) && hasToken(key, side);
      },
    }),
    dictionaries: readDictionaries(parts.dictionaries, fetches, {
      ...selection,
      hasToken,
      perToken,
      error: vectors,
      dropsErrors,
    }),
    embed: vectors("embed"),
    sums: Object.fromEntries(EFFECTS.map((effect) => [effect, sums(effect)])) as Record<Effect, SumNumbers>,
    checks: {
      biasEffect: [...output(fetches, "check.biasEffect")],
      normBiasEffect: [...output(fetches, "check.normBiasEffect")],
      residualEffect: [...output(fetches, "check.residualEffect")],
      patternRowError: output(fetches, "check.patternRowError")[0] ?? NaN,
    },
  };
}

/** Latents are among the top k of all layers of their kind. */
function readDictionaries(
  dictionaries: readonly Dictionary[],
  fetches: Fetches,
  { hasToken, perToken, error, dropsErrors, ...selection }:
    & Pick<SelectionContext, "k" | "sideCount">
    & Pick<SumsSource, "perToken" | "dropsErrors">
    & {
      readonly hasToken: (slot: number, side: number) => boolean;
      readonly error: (prefix: string) => VectorNumbers;
    },
): readonly DictionaryNumbers[] {
  const found = LATENT_KINDS.flatMap((kind) => {
    const own = dictionaries.filter(({ detail }) => latentKind(detail) === kind);
    const layers = own.map(({ detail }) => detail.layer);
    const widths = new Map(own.map(({ detail }) => [detail.layer, detail.latentCount]));
    return readSelection(kind, fetches, {
      ...selection,
      layers,
      isNode: (flatIndex, side, layer) => hasToken(Math.floor(flatIndex / (widths.get(layer) ?? 1)), side),
    }).map((candidate) => ({ kind, candidate }));
  });
  return dictionaries.map(({ detail }): DictionaryNumbers => {
    const { layer, latentCount } = detail;
    const kind = latentKind(detail);
    const errors = error(errorOutput({ kind, layer }));
    return {
      kind,
      layer,
      latentCount,
      latents: found.flatMap(({ kind: other, candidate }) =>
        other === kind && candidate.layer === layer ? [candidate] : []
      ),
      error: errors,
      sums: readDictionarySums(detail, { perToken, error: errors, dropsErrors }),
    };
  });
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
