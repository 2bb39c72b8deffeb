/** What the fake engine tells of text sets: a few sequences of two words, small numbers that follow from places. */
import {
  type Catalogue,
  type CatalogueRequest,
  type ComponentRecords,
  type Example,
  type HeadScores,
  type Job,
  type JobRequest,
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

export const FAKE_TEXT_SETS: readonly TextSet[] = [
  { id: "corpus", sizeBytes: 12_345, origin: "the model’s folder" },
  { id: "letters", sizeBytes: 678, origin: "--corpus" },
];

export const FAKE_SWEEPS: readonly SweepSummary[] = [
  { model: "demo", textSet: "corpus", state: "done", sequencesDone: 80, sequenceCount: 80, tokensDone: 640 },
  { model: "demo", textSet: "letters", state: "none", sequencesDone: 0, sequenceCount: 0, tokensDone: 0 },
];

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
  if (component.startsWith("mlp/")) {
    const values = tokens.map((_, token) => token < 2 ? -0.125 : max / (token - 1));
    return { sequence, tokens, values, max, at: [2] };
  }
  const values = tokens.map((_, query) =>
    Array.from({ length: query + 1 }, (_, key) => query === 3 && key === 1 ? max : max / (2 + query - key))
  );
  return { sequence, tokens, values, max, at: [3, 1] };
}

/** @throws {NotFoundError} for a component or a text set that is not there */
export function fakeRecords(
  { component, textSet = "corpus", top = 10, random = 6 }: RecordsRequest,
): ComponentRecords {
  const found = /^(mlp|head)\/([01])\/(\d+)$/.exec(component);
  if (found === null || Number(found[3]) >= (found[1] === "mlp" ? 32 : 2)) {
    throw new NotFoundError(`There is no component ${component}`);
  }
  requireSwept(textSet);
  const index = Number(found[3]);
  const examples = (count: number, first: number, max: number) =>
    Array.from({ length: count }, (_, i) => fakeExample(component, first + i, max / (i + 1)));
  const quarter = (from: number, i: number) => ({
    from,
    to: from + 0.25,
    examples: examples(Math.min(random, 3), 40 + 10 * i, 2 - 0.5 * i),
  });
  return {
    component,
    source: textSet,
    sequenceCount: 80,
    tokenCount: 640,
    statistics: fakeStatistics(index),
    scores: found[1] === "mlp" ? null : fakeScores(index),
    top: examples(top, 0, 3.5 + index),
    random: examples(random, 20, 1.5),
    byQuantile: [0.75, 0.5, 0.25, 0].map(quarter),
  };
}

/** Two layers of 32 neurons or two heads. */
export function fakeCatalogue(
  { kind, layer = null, sort = "max", direction = "descending", page = 1, pageSize = 50, textSet = "corpus" }:
    CatalogueRequest,
): Catalogue {
  requireSwept(textSet);
  const rows = [0, 1].filter((own) => layer === null || own === layer).flatMap((own) =>
    Array.from({ length: kind === "mlp" ? 32 : 2 }, (_, index) => {
      const { mean, variance, skewness, kurtosis, fractionActive, max } = fakeStatistics(index + own / 2);
      const scores = kind === "mlp" ? null : fakeScores(index + own / 2);
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
  return { source: textSet, total: rows.length, rows: sorted.slice((page - 1) * pageSize, page * pageSize) };
}

/** The records of a layer's first two components. */
export function fakeLayerRecords({ kind, layer, textSet = "corpus" }: LayerRecordsRequest): LayerRecord[] {
  requireSwept(textSet);
  return [0, 1].map((index) => ({
    component: `${kind}/${layer}/${index}`,
    source: textSet,
    statistics: fakeStatistics(index),
    scores: kind === "mlp" ? null : fakeScores(index),
    top: [{ sequence: 7, max: 3.5 + index, at: kind === "mlp" ? [2] : [3, 1] }],
  }));
}

function requireSwept(textSet: string): void {
  if (textSet === "corpus") return;
  throw new NotFoundError(
    `Nothing has been collected over text set "${textSet}": start a sweep with POST /api/v1/jobs {"kind":"sweep"}`,
  );
}

/** A job, running unless it is told otherwise. */
export function fakeJob({ kind, model = "demo", textSet = "corpus" }: JobRequest, state: Job["state"] = "done"): Job {
  if (kind === "train") return FAKE_TRAINING_JOB;
  const isSweep = kind === "sweep";
  const isRunning = state === "running";
  return {
    id: isSweep ? `sweep:${model}:${textSet}` : `means:${model}`,
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
  };
}
