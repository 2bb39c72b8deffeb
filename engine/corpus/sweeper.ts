/** The engine thread's part of a sweep: executes a batch, and adds what comes out to what was collected before. */
import { meansFeeds } from "../circuit/means_graph.ts";
import type { Questioner } from "../circuit/questioner.ts";
import { NotFoundError } from "../errors.ts";
import type { Dictionary } from "../model/dictionary.ts";
import type { ModelWeights } from "../model/language_model.ts";
import type { GraphRequest } from "../onnx/simplify.ts";
import { float32Data, int64Numbers, type Tensor } from "../tensor/tensor.ts";
import { type ComponentKind, type Group, isLatentKind, type ResolvedComponent } from "./component.ts";
import { type CollectedSequence, GroupStatistics } from "./group_statistics.ts";
import { allGroups, groupSize, type SizedScope } from "./groups.ts";
import { buildCopyingGraph, copyingFeeds } from "./head_scores.ts";
import { buildLatentSweepGraph, buildLatentValuesGraph, LATENTS_OUTPUT } from "./latent_graph.ts";
import type { Scope } from "./scope.ts";
import { buildSweepGraph, buildValuesGraph, COMPONENT_INPUT, sweepOutputs, valuesFeeds } from "./sweep_graph.ts";

/** What has been collected of a scope: one buffer a group (a model's neurons, or heads, of a layer; a dictionary's latents), by `groupName`. */
export type SweepState = ReadonlyMap<string, ArrayBuffer>;

/** Name of a group in a state. */
export function groupName(kind: ComponentKind, layer: number): string {
  return `${kind}/${layer}`;
}

/** What is collected before anything is. */
export function emptyState(scope: SizedScope): SweepState {
  return new Map(
    allGroups(scope).map(({ kind, layer }): [string, ArrayBuffer] => [
      groupName(kind, layer),
      new GroupStatistics(groupSize(scope, kind)).buffer,
    ]),
  );
}

/** One component's values on one text: activations `[token]`, or of a head write norms `[query][key]` for keys up to the query. */
export type ComponentValues = readonly number[] | readonly (readonly number[])[];

/** One piece of a sweep. */
export type SweepStep =
  | {
    readonly kind: "text";
    /** Token ids of each sequence. */
    readonly texts: readonly (readonly number[])[];
    readonly sequences: readonly CollectedSequence[];
  }
  | {
    readonly kind: "repeated";
    /** All of one length; the last two times `period` tokens are the same. */
    readonly texts: readonly (readonly number[])[];
    readonly period: number;
  }
  | {
    readonly kind: "copying";
    readonly layer: number;
    readonly heads: readonly number[];
    /** Ids of the tokens that are read. */
    readonly tokens: readonly number[];
  }
  | {
    readonly kind: "latents";
    /** Id of the dictionary. */
    readonly dictionary: string;
    readonly texts: readonly (readonly number[])[];
    readonly sequences: readonly CollectedSequence[];
  };

export class Sweeper {
  readonly #questioner: Pick<Questioner, "execute">;

  constructor(questioner: Pick<Questioner, "execute">) {
    this.#questioner = questioner;
  }

  /** Adds a step to the state, in place. @throws {EngineError} if the model's numbers are not finite */
  add(model: ModelWeights, state: SweepState, step: SweepStep): Promise<void> {
    switch (step.kind) {
      case "text":
        return this.#addText(model, state, step);
      case "repeated":
        return this.#addRepeated(model, state, step);
      case "copying":
        return this.#addCopying(model, state, step);
      case "latents":
        return this.#addLatents(model, state, step);
    }
  }

  /** One component's values on each text. */
  async values(
    { model, dictionary, component: { kind, layer, index } }: ResolvedComponent<ModelWeights>,
    texts: readonly (readonly number[])[],
  ): Promise<readonly ComponentValues[]> {
    const compiled = {
      key: ["component-values", kind, layer, dictionary?.detail.id ?? null],
      build: () => valuesGraph({ model, dictionary }, { kind, layer }),
    };
    const feeds = { ...meansFeeds(texts), ...valuesFeeds(index) };
    const values = outputOf(await this.#questioner.execute(model, compiled, feeds), "values");
    const width = Math.max(...texts.map(({ length }) => length));
    return texts.map(({ length }, row): ComponentValues => {
      const line = (start: number, count: number) => Array.from(values.subarray(start, start + count), sevenDigits);
      if (kind !== "head") return line(row * width, length);
      return Array.from({ length }, (_, query) => line((row * width + query) * width, query + 1));
    });
  }

  async #addText(
    model: ModelWeights,
    state: SweepState,
    { texts, sequences }: SweepStep & { readonly kind: "text" },
  ): Promise<void> {
    const fetches = await this.#sweep(model, texts);
    const queries = sequences.reduce((sum, { length }) => sum + length - 1, 0);
    for (let layer = 0; layer < model.architecture.layerCount; layer++) {
      const names = sweepOutputs(layer);
      groupOf({ model, dictionary: null }, state, { kind: "mlp", layer }).addNeurons(
        outputOf(fetches, names.neurons),
        sequences,
      );
      const heads = groupOf({ model, dictionary: null }, state, { kind: "head", layer });
      heads.addHeads(outputOf(fetches, names.pairs), sequences);
      const attention = outputOf(fetches, names.attention);
      heads.addScore("previousToken", diagonalSums(attention, { size: heads.size, distance: 1, from: 1 }));
      heads.addScore("self", diagonalSums(attention, { size: heads.size, distance: 0, from: 1 }));
      heads.addScore("firstToken", firstKeySums(attention, heads.size));
      heads.addScore("entropy", sumsOverRows(outputOf(fetches, names.entropy), heads.size));
      heads.addScoreCount("queries", queries);
    }
  }

  async #addRepeated(
    model: ModelWeights,
    state: SweepState,
    { texts, period }: SweepStep & { readonly kind: "repeated" },
  ): Promise<void> {
    const fetches = await this.#sweep(model, texts);
    const from = (texts[0]?.length ?? 0) - period;
    for (let layer = 0; layer < model.architecture.layerCount; layer++) {
      const heads = groupOf({ model, dictionary: null }, state, { kind: "head", layer });
      const attention = outputOf(fetches, sweepOutputs(layer).attention);
      const at = (distance: number) => diagonalSums(attention, { size: heads.size, distance, from });
      heads.addScore("induction", at(period - 1));
      heads.addScore("duplicateToken", at(period));
      heads.addScoreCount("repeatedQueries", texts.length * period);
    }
  }

  async #addCopying(
    model: ModelWeights,
    state: SweepState,
    { layer, heads, tokens }: SweepStep & { readonly kind: "copying" },
  ): Promise<void> {
    const group = groupOf({ model, dictionary: null }, state, { kind: "head", layer });
    const compiled = { key: ["copying", layer], build: () => buildCopyingGraph(model, layer) };
    const copied = new Float64Array(group.size);
    for (const head of heads) {
      const feeds = copyingFeeds(tokens, { head, headCount: group.size });
      const { promoted } = await this.#questioner.execute(model, compiled, feeds);
      if (promoted === undefined) throw new Error("Internal: the graph has no output promoted");
      const ids = int64Numbers(promoted);
      const each = ids.length / tokens.length;
      copied[head] = tokens.filter((token, row) => ids.slice(row * each, (row + 1) * each).includes(token)).length;
    }
    group.addScore("copying", copied);
    // The tokens are the same for every head of the layer.
    if (heads.includes(0)) group.addScoreCount("readTokens", tokens.length);
  }

  async #addLatents(
    model: ModelWeights,
    state: SweepState,
    { dictionary: id, texts, sequences }: SweepStep & { readonly kind: "latents" },
  ): Promise<void> {
    const dictionary = dictionaryOf(model, id);
    const compiled = { key: ["sweep-latents", id], build: () => buildLatentSweepGraph(model, dictionary) };
    const fetches = await this.#questioner.execute(model, compiled, meansFeeds(texts));
    const [group] = allGroups({ model, dictionary });
    if (group === undefined) throw new Error(`Internal: dictionary "${id}" has no group`);
    groupOf({ model, dictionary }, state, group).addLatents(outputOf(fetches, LATENTS_OUTPUT), sequences);
  }

  #sweep(
    model: ModelWeights,
    texts: readonly (readonly number[])[],
  ): Promise<Readonly<Record<string, Tensor>>> {
    return this.#questioner.execute(
      model,
      { key: ["sweep"], build: () => buildSweepGraph(model) },
      meansFeeds(texts),
    );
  }
}

/** A group of a state, to read or to add to. @throws {Error} if the state has none such */
export function groupOf(scope: SizedScope, state: SweepState, { kind, layer }: Group): GroupStatistics {
  const buffer = state.get(groupName(kind, layer));
  if (buffer === undefined) throw new Error(`Internal: the sweep has collected nothing of ${groupName(kind, layer)}`);
  return new GroupStatistics(groupSize(scope, kind), buffer);
}

/** A dictionary of the model by its id. @throws {NotFoundError} if this thread has none such */
export function dictionaryOf({ dictionaries }: Pick<ModelWeights, "dictionaries">, id: string): Dictionary {
  const found = dictionaries.find(({ detail }) => detail.id === id);
  if (found === undefined) throw new NotFoundError(`Dictionary "${id}" is not loaded`);
  return found;
}

function valuesGraph({ model, dictionary }: Scope<ModelWeights>, { kind, layer }: Group): GraphRequest {
  if (dictionary !== null) return buildLatentValuesGraph(model, { dictionary, input: COMPONENT_INPUT });
  if (isLatentKind(kind)) throw new Error(`Internal: ${kind}/${layer} without its dictionary`);
  return buildValuesGraph(model, { kind, layer });
}

/** Sums along a diagonal, over queries from `from` on: `[head]`. @param attention `[head, query, key]` */
function diagonalSums(
  attention: Float32Array,
  { size, distance, from }: { readonly size: number; readonly distance: number; readonly from: number },
): Float64Array {
  const width = Math.sqrt(attention.length / size);
  const sums = new Float64Array(size);
  for (let head = 0; head < size; head++) {
    let sum = 0;
    for (let query = Math.max(from, distance); query < width; query++) {
      sum += attention[(head * width + query) * width + query - distance] ?? 0;
    }
    sums[head] = sum;
  }
  return sums;
}

/** Sums over queries that have a choice, of the first key: `[head]`. @param attention `[head, query, key]` */
function firstKeySums(attention: Float32Array, size: number): Float64Array {
  const width = Math.sqrt(attention.length / size);
  const sums = new Float64Array(size);
  for (let head = 0; head < size; head++) {
    for (let query = 1; query < width; query++) {
      sums[head] = (sums[head] ?? 0) + (attention[(head * width + query) * width] ?? 0);
    }
  }
  return sums;
}

/** @param rows `[row, head]` */
function sumsOverRows(rows: Float32Array, size: number): Float64Array {
  const sums = new Float64Array(size);
  rows.forEach((value, i) => sums[i % size] = (sums[i % size] ?? 0) + value);
  return sums;
}

/** As many digits as a float32 has: more would only make answers longer. */
function sevenDigits(value: number): number {
  return Number(value.toPrecision(7));
}

function outputOf(fetches: Readonly<Record<string, Tensor>>, name: string): Float32Array {
  const tensor = fetches[name];
  if (tensor === undefined) throw new Error(`Internal: the graph has no output ${name}`);
  return float32Data(tensor);
}
