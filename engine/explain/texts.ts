/** Records as explainers and scorers see them: texts with values at their places, dealt into splits that never meet. */
import type { ComponentRecords, Example } from "../corpus/component_records.ts";
import { FULL_SCALE } from "./calibration.ts";

/** What a place is: a token, or a pair of a query token and the key token that it attends to. */
export type PlaceKind = "tokens" | "pairs";

export interface ExplainedText {
  /** The tokens as text. */
  readonly tokens: readonly string[];
  /** Values at its places. Pairs row by row: (0,0), (1,0), (1,1), (2,0) … */
  readonly values: readonly number[];
  readonly max: number;
  /** Whether it is one of the texts on which the component is strongest; else it was drawn at random. */
  readonly isTop: boolean;
}

/** Explanations are made from `train`, chosen by `validation`, calibrated on `calibration` and scored on `test`. */
const SPLITS = ["train", "calibration", "validation", "test"] as const;
export type SplitName = typeof SPLITS[number];

export interface Evidence {
  /** `mlp/5/1234` or `head/9/8`. */
  readonly component: string;
  readonly kind: PlaceKind;
  readonly splits: Readonly<Record<SplitName, readonly ExplainedText[]>>;
  /** Largest value in the training texts: what 10 stands for. */
  readonly largest: number;
}

/** Deals records out in turn, the strongest first, so that every split has texts of every strength. */
export function evidenceOf({ component, top, random }: ComponentRecords): Evidence {
  const known = new Set(top.flatMap(({ sequence }) => sequence ?? []));
  // A random text may be one of the strongest: it must not stand in two splits.
  const others = random.filter(({ sequence }) => sequence === null || !known.has(sequence));
  const dealt = (split: number) => [
    ...top.filter((_, rank) => rank % SPLITS.length === split).map((example) => explainedText(example, true)),
    ...others.filter((_, rank) => rank % SPLITS.length === split).map((example) => explainedText(example, false)),
  ];
  const [train = [], calibration = [], validation = [], test = []] = SPLITS.map((_, split) => dealt(split));
  const first: unknown = (top[0] ?? random[0])?.values[0];
  return {
    component,
    kind: Array.isArray(first) ? "pairs" : "tokens",
    splits: { train, calibration, validation, test },
    largest: Math.max(0, ...train.map(({ max }) => max)),
  };
}

function explainedText({ tokens, values, max }: Example, isTop: boolean): ExplainedText {
  return { tokens: tokens.map(({ text }) => text), values: values.flat(), max, isTop };
}

/** A value as a share of the largest, 0 to 10; what is below 0 counts as 0. */
export function normalised(value: number, largest: number): number {
  return largest <= 0 ? 0 : Math.min(FULL_SCALE, Math.max(0, FULL_SCALE * value / largest));
}

/** Where the place of an index is: `[token]`, or `[query, key]`. */
export function placeAt(kind: PlaceKind, index: number): readonly number[] {
  if (kind === "tokens") return [index];
  const query = Math.floor((Math.sqrt(8 * index + 1) - 1) / 2);
  return [query, index - query * (query + 1) / 2];
}

/** Index of a text's largest value. */
export function strongestPlace({ values, max }: ExplainedText): number {
  return values.indexOf(max);
}
