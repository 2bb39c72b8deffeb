/** A component's values on sequences, computed when somebody looks at them and kept from then on: a few at a time, so that others have their turn. */
import { formatComponent, type ResolvedComponent } from "./corpus/component.ts";
import type { Example } from "./corpus/component_records.ts";
import type { ComponentValues } from "./corpus/sweeper.ts";
import type { CallOptions } from "./engine.ts";
import { EngineError } from "./errors.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { ModelReport, ReportCache } from "./report_cache.ts";
import type { EngineRequests } from "./protocol.ts";
import type { WorkerClient } from "./runtime/worker_client.ts";

/** Tokens of one execution. */
const MAX_TOKENS = 512;

/** One text, and its number if it is of a text set. */
export interface NumberedText {
  readonly sequence: number | null;
  readonly tokens: readonly number[];
}

export class ComponentValuesSource {
  readonly #worker: Pick<WorkerClient<EngineRequests>, "call">;
  readonly #cache: ReportCache;

  constructor(worker: Pick<WorkerClient<EngineRequests>, "call">, cache: ReportCache) {
    this.#worker = worker;
    this.#cache = cache;
  }

  /** Examples of the texts, in their order. @throws {EngineError} if a value is not finite; else as the engine thread */
  async examples(
    { model, dictionary, component }: ResolvedComponent<LanguageModel>,
    texts: readonly NumberedText[],
    { signal }: CallOptions,
  ): Promise<readonly Example[]> {
    const about = ({ tokens }: NumberedText): ModelReport => ({
      kind: "component-values",
      model,
      details: [formatComponent(component), tokens],
      ...dictionary === null ? {} : { dictionaries: [dictionary] },
    });
    const known = await Promise.all(texts.map((text) => this.#cache.find<ComponentValues>(about(text))));
    const missing = texts.flatMap((text, index) => known[index] === null ? [{ text, index }] : []);
    for (const batch of batchesOf(missing)) {
      const { output: { values } } = await this.#worker.call("values", {
        modelId: model.id,
        component,
        dictionary: dictionary?.detail.id ?? null,
        texts: batch.map(({ text }) => text.tokens),
      }, { signal });
      for (const [row, { text, index }] of batch.entries()) {
        const own = values[row] ?? null;
        known[index] = own;
        await this.#cache.keep(about(text), own);
      }
    }
    return texts.map((text, index) => exampleOf(model, text, known[index] ?? []));
  }
}

function batchesOf<T extends { readonly text: NumberedText }>(items: readonly T[]): readonly (readonly T[])[] {
  const batches: T[][] = [];
  let longest = 0;
  for (const item of items) {
    const { length } = item.text.tokens;
    const last = batches.at(-1);
    longest = Math.max(longest, length);
    if (last !== undefined && (last.length + 1) * longest <= MAX_TOKENS) {
      last.push(item);
    } else {
      batches.push([item]);
      longest = length;
    }
  }
  return batches;
}

function exampleOf(model: LanguageModel, { sequence, tokens }: NumberedText, values: ComponentValues): Example {
  let max = -Infinity;
  let at: readonly number[] = [];
  const see = (value: number, place: readonly number[]) => {
    if (!Number.isFinite(value)) {
      throw new EngineError(
        `The activations of model "${model.id}" are not finite on this text: its weights are damaged or overflow`,
      );
    }
    if (value > max) [max, at] = [value, place];
  };
  values.forEach((value, i) => {
    if (typeof value === "number") see(value, [i]);
    else value.forEach((pair, key) => see(pair, [i, key]));
  });
  return { sequence, tokens: tokens.map((id) => ({ id, text: model.tokenizer.tokenText(id) })), values, max, at };
}
