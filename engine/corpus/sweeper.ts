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
import { buildCopyingGraph, buildPromotedGraph, copyingFeeds } from "./head_scores.ts";
import { buildLatentSweepGraph, buildLatentValuesGraph, LATENTS_OUTPUT } from "./latent_graph.ts";
import type { Scope } from "./scope.ts";
import { ReadAttention, repeatedKeys, TEXT_KEYS } from "./read_attention.ts";
import {
  attentionFeeds,
  buildSweepGraph,
  buildValuesGraph,
  COMPONENT_INPUT,
  sweepOutputs,
  valuesFeeds,
} from "./sweep_graph.ts";
import { buildGramGraph } from "./write_norms.ts";

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

type Feeds = Readonly<Record<string, Tensor>>;

export class Sweeper {
  readonly #questioner: Pick<Questioner, "execute">;
  /** What the norms of heads are read from: the same for every step. */
  readonly #grams = new WeakMap<ModelWeights, Feeds>();

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
    const width = Math.max(...texts.map(({ length }) => length));
    // The first query has no choice.
    const read = new ReadAttention(TEXT_KEYS, { from: 1, width });
    const fetches = await this.#sweep(model, texts, read);
    for (let layer = 0; layer < model.architecture.layerCount; layer++) {
      const names = sweepOutputs(layer);
      groupOf({ model, dictionary: null }, state, { kind: "mlp", layer }).addNeurons(
        outputOf(fetches, names.neurons),
        sequences,
      );
      const heads = groupOf({ model, dictionary: null }, state, { kind: "head", layer });
      heads.addHeads(outputOf(fetches, names.pairs), sequences);
      read.addTo(heads, outputOf(fetches, names.attention), texts);
      heads.addScore("entropy", entropySums(outputOf(fetches, names.entropy), { texts, width, size: heads.size }));
      heads.addScoreCount("queries", read.queriesOf(texts));
    }
  }

  async #addRepeated(
    model: ModelWeights,
    state: SweepState,
    { texts, period }: SweepStep & { readonly kind: "repeated" },
  ): Promise<void> {
    const width = texts[0]?.length ?? 0;
    const read = new ReadAttention(repeatedKeys(period), { from: width - period, width });
    const fetches = await this.#sweep(model, texts, read);
    for (let layer = 0; layer < model.architecture.layerCount; layer++) {
      const heads = groupOf({ model, dictionary: null }, state, { kind: "head", layer });
      read.addTo(heads, outputOf(fetches, sweepOutputs(layer).attention), texts);
      heads.addScoreCount("repeatedQueries", read.queriesOf(texts));
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
      const written = await this.#questioner.execute(model, compiled, feeds);
      const { promoted } = await this.#questioner.execute(
        model,
        { key: ["promoted"], build: () => buildPromotedGraph(model) },
        written,
      );
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

  async #sweep(
    model: ModelWeights,
    texts: readonly (readonly number[])[],
    { pairs, width }: ReadAttention,
  ): Promise<Feeds> {
    const grams = this.#grams.get(model) ??
      await this.#questioner.execute(model, { key: ["grams"], build: () => buildGramGraph(model) }, {});
    this.#grams.set(model, grams);
    return await this.#questioner.execute(
      model,
      { key: ["sweep"], build: () => buildSweepGraph(model) },
      { ...meansFeeds(texts), ...attentionFeeds(pairs, width), ...grams },
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

/** Entropies summed over queries: `[head]`; of one key it is 0. @param entropies `[sequence, head, query]` */
function entropySums(
  entropies: Float32Array,
  { texts, width, size }: {
    readonly texts: readonly (readonly number[])[];
    readonly width: number;
    readonly size: number;
  },
): Float64Array {
  const sums = new Float64Array(size);
  texts.forEach(({ length }, row) => {
    for (let head = 0; head < size; head++) {
      const start = (row * size + head) * width;
      for (let query = 0; query < length; query++) sums[head] = (sums[head] ?? 0) + (entropies[start + query] ?? 0);
    }
  });
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
