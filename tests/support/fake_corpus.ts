/** What the fake engine tells of text sets: a few sequences of two words, small numbers that follow from places. */
import {
  type Catalogue,
  type CatalogueRequest,
  COMPONENT_KINDS,
  type ComponentKind,
  type ComponentRecords,
  type Example,
  type HeadScores,
  type Job,
  type JobRequest,
  latentKind,
  type LayerRecord,
  type LayerRecordsRequest,
  NotFoundError,
  type RecordsRequest,
  type SweepSummary,
  type TextSet,
  type Token,
  type ValueStatistics,
} from "../../engine/mod.ts";
import { FAKE_TRAINING_JOB } from "./fake_training.ts";
import { FAKE_DICTIONARIES } from "./fake_dictionaries.ts";

export const FAKE_TEXT_SETS: readonly TextSet[] = [
  { id: "corpus", sizeBytes: 12_345, origin: "the model’s folder" },
  { id: "letters", sizeBytes: 678, origin: "--corpus" },
];

/** The model was swept over the first text set, and so were its dictionaries but for those of the residual stream. */
export function fakeSweeps(dictionary: string | null = null): readonly SweepSummary[] {
  if (dictionary !== null && FAKE_DICTIONARIES.every(({ id }) => id !== dictionary)) {
    throw new NotFoundError(`There is no dictionary ${dictionary}`);
  }
  const isSwept = dictionary === null || isSweptDictionary(dictionary);
  const done = { state: "done", sequencesDone: 80, sequenceCount: 80, tokensDone: 640 } as const;
  const none = { state: "none", sequencesDone: 0, sequenceCount: 0, tokensDone: 0 } as const;
  return [
    { model: "demo", dictionary, textSet: "corpus", ...isSwept ? done : none },
    { model: "demo", dictionary, textSet: "letters", ...none },
  ];
}

function isSweptDictionary(id: string): boolean {
  return !id.startsWith("resid/");
}

/** What is asked about: a dictionary, or null for the model's own components; and how many of the kind a layer has. */
export interface FakeScope {
  readonly dictionary: string | null;
  readonly layers: readonly number[];
  readonly count: number;
}

/** @throws {NotFoundError} if there is no such dictionary */
export function fakeScope(
  { kind, layer = null, dictionary: id }: {
    readonly kind: ComponentKind;
    readonly layer?: number | null | undefined;
    readonly dictionary?: string | undefined;
  },
): FakeScope {
  if (kind === "mlp" || kind === "head") {
    const layers = [0, 1].filter((own) => layer === null || own === layer);
    return { dictionary: null, layers, count: kind === "mlp" ? 32 : 2 };
  }
  const found = FAKE_DICTIONARIES.find((own) =>
    latentKind(own) === kind && (layer === null || own.layer === layer) && (id === undefined || own.id === id)
  );
  if (found === undefined) throw new NotFoundError(`There is no dictionary ${id ?? `with ${kind}/${layer}`}`);
  return { dictionary: found.id, layers: [found.layer], count: found.latentCount };
}

/** A component's parts and its scope. @throws {NotFoundError} if there is none such */
export function fakeComponent(
  { component, dictionary }: { readonly component: string; readonly dictionary?: string | undefined },
): FakeScope & { readonly kind: ComponentKind; readonly layer: number; readonly index: number } {
  const [kindText, layer, index] = component.split("/");
  const kind = COMPONENT_KINDS.find((known) => known === kindText);
  if (kind === undefined) throw new NotFoundError(`There is no component ${component}`);
  const scope = fakeScope({ kind, layer: Number(layer), dictionary });
  if (scope.layers.length === 0 || Number(index) >= scope.count) {
    throw new NotFoundError(`There is no component ${component}`);
  }
  return { ...scope, kind, layer: Number(layer), index: Number(index) };
}

const WORDS = ["<|endoftext|>", "The", " doctor", " needs", " some", " help", "."];

function fakeScores(index: number): HeadScores {
  return {
    induction: 0.9 / (index + 1),
    duplicateToken: 0.05,
    previousToken: 0.25 * index,
    self: 0.1,
    firstToken: 0.5,
    entropy: 1.25 + index,
    copying: 0.75,
  };
}

function fakeStatistics(index: number): ValueStatistics {
  return {
    count: 640,
    mean: 0.5 + index,
    variance: 0.25,
    skewness: 1.5,
    kurtosis: 4.5,
    fractionActive: 0.375,
    min: -0.17,
    max: 3.5 + index,
    histogram: { edges: [-0.25, 0, 0.5, 1, 2, 4], counts: [400, 120, 60, 40, 20] },
    quantiles: [{ share: 0.01, value: -0.16 }, { share: 0.5, value: -0.05 }, { share: 0.99, value: 3 }],
  };
}

function fakeTokens(): readonly Token[] {
  return WORDS.map((text, id) => ({ id, text }));
}

/** One sequence; values fall from the third token on, or with the distance of the pair. */
export function fakeExample(component: string, sequence: number | null, max: number): Example {
  const tokens = fakeTokens();
  if (!component.startsWith("head/")) {
    const values = tokens.map((_, token) => token < 2 ? -0.125 : max / (token - 1));
    return { sequence, tokens, values, max, at: [2] };
  }
  const values = tokens.map((_, query) =>
    Array.from({ length: query + 1 }, (_, key) => query === 3 && key === 1 ? max : max / (2 + query - key))
  );
  return { sequence, tokens, values, max, at: [3, 1] };
}

/** @throws {NotFoundError} for a component or a text set that is not there */
export function fakeRecords(request: RecordsRequest): ComponentRecords {
  const { component, textSet = "corpus", top = 10, random = 6 } = request;
  const { kind, index, dictionary } = fakeComponent(request);
  requireSwept(textSet, dictionary);
  const examples = (count: number, first: number, max: number) =>
    Array.from({ length: count }, (_, i) => fakeExample(component, first + i, max / (i + 1)));
  const quarter = (from: number, i: number) => ({
    from,
    to: from + 0.25,
    examples: examples(Math.min(random, 3), 40 + 10 * i, 2 - 0.5 * i),
  });
  return {
    component,
    dictionary,
    source: textSet,
    sequenceCount: 80,
    tokenCount: 640,
    statistics: fakeStatistics(index),
    scores: kind === "head" ? fakeScores(index) : null,
    top: examples(top, 0, 3.5 + index),
    random: examples(random, 20, 1.5),
    byQuantile: [0.75, 0.5, 0.25, 0].map(quarter),
  };
}

/** Two layers of 32 neurons or two heads, or the latents of a dictionary. */
export function fakeCatalogue(request: CatalogueRequest): Catalogue {
  const { kind, sort = "max", direction = "descending", page = 1, pageSize = 50, textSet = "corpus" } = request;
  const { dictionary, layers, count } = fakeScope(request);
  requireSwept(textSet, dictionary);
  const rows = layers.flatMap((own) =>
    Array.from({ length: count }, (_, index) => {
      const { mean, variance, skewness, kurtosis, fractionActive, max } = fakeStatistics(index + own / 2);
      const scores = kind === "head" ? fakeScores(index + own / 2) : null;
      return {
        component: `${kind}/${own}/${index}`,
        mean,
        variance,
        skewness,
        kurtosis,
        fractionActive,
        max,
        scores,
      };
    })
  );
  const valueOf = (row: typeof rows[number]) =>
    ({ ...row.scores, ...row } as unknown as Record<string, number>)[sort] ?? 0;
  const sorted = rows.toSorted((a, b) => (direction === "descending" ? -1 : 1) * (valueOf(a) - valueOf(b)));
  const shown = sorted.slice((page - 1) * pageSize, page * pageSize);
  return { source: textSet, dictionary, total: rows.length, rows: shown };
}

/** The records of a layer's first two components. */
export function fakeLayerRecords(request: LayerRecordsRequest): LayerRecord[] {
  const { kind, layer, textSet = "corpus" } = request;
  const { dictionary } = fakeScope(request);
  requireSwept(textSet, dictionary);
  return [0, 1].map((index) => ({
    component: `${kind}/${layer}/${index}`,
    dictionary,
    source: textSet,
    statistics: fakeStatistics(index),
    scores: kind === "head" ? fakeScores(index) : null,
    top: [{ sequence: 7, max: 3.5 + index, at: kind === "head" ? [3, 1] : [2] }],
  }));
}

/** @throws {NotFoundError} if nothing was collected */
function requireSwept(textSet: string, dictionary: string | null): void {
  if (textSet === "corpus" && (dictionary === null || isSweptDictionary(dictionary))) return;
  throw new NotFoundError(
    `Nothing has been collected over text set "${textSet}": start a sweep with POST /api/v1/jobs {"kind":"sweep"}`,
  );
}

/** A job, running unless it is told otherwise. */
export function fakeJob(request: JobRequest, state: Job["state"] = "done"): Job {
  const { kind, model = "demo", textSet = "corpus", dictionary } = request;
  if (kind === "train") return FAKE_TRAINING_JOB;
  const isSweep = kind === "sweep";
  const isRunning = state === "running";
  return {
    id: isSweep ? `sweep:${model}:${textSet}${dictionary === undefined ? "" : `:${dictionary}`}` : `means:${model}`,
    kind,
    model,
    textSet: isSweep ? textSet : null,
    state,
    done: state === "done" ? 80 : 20,
    total: 80,
    unit: isSweep ? "sequences" : "texts",
    perSecond: isRunning ? 10 : null,
    etaSeconds: isRunning ? 6 : null,
    problem: null,
    ...dictionary === undefined ? {} : { dictionary },
  };
}
