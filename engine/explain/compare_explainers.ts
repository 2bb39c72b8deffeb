/**
 * How those who explain do, side by side: what each says of the components of a kind, as each scorer judges it. Neurons, heads and latents
 * stand apart, for a correlation and an area under a ROC curve are no numbers of one scale; so do scorers and text sets.
 */
import type { Explainer, Explanation, Provenance, StoredScore } from "./explanation.ts";

/** Kinds that are compared apart, in the order in which they are told. */
export const COMPARED_KINDS = ["neuron", "head", "latent"] as const;
export type ComparedKind = typeof COMPARED_KINDS[number];

/** What a comparison reads of a score. */
export interface RatedScore extends Pick<StoredScore, "scorer" | "version" | "assistant" | "state" | "textSet"> {
  readonly headline: { readonly value: number } | null;
  readonly control: { readonly headline: { readonly value: number } | null } | null;
}

/** What a comparison reads of an explanation. */
export interface RatedExplanation extends Pick<Explanation, "id" | "component" | "dictionary" | "explainer"> {
  readonly provenance: Pick<Provenance, "assistant">;
  readonly scores: readonly RatedScore[];
}

/** Who explains. */
export interface ExplainerName {
  readonly explainer: Explainer;
  /** The model's name, where an assistant explains; else null. */
  readonly assistant: string | null;
}

/** Who scores, and on what. */
export interface ScorerName {
  readonly scorer: StoredScore["scorer"];
  /** The model's name, where an assistant scores; else null. */
  readonly assistant: string | null;
  readonly version: string | null;
  readonly textSet: string | null;
}

/** One explainer by one scorer. */
export interface ExplainerRow extends ExplainerName {
  /** Null if nothing of it was ever scored. */
  readonly scoredBy: ScorerName | null;
  /** Components that it has said something of. */
  readonly components: number;
  /** Of them, those with a number. */
  readonly scored: number;
  /** Those whose held-out texts have nothing to tell apart. */
  readonly undecided: number;
  /** Those that this scorer failed on and has no number for, whatever the text set. */
  readonly failed: number;
  /** Of the numbers; null without one. */
  readonly mean: number | null;
  readonly median: number | null;
  /** How many numbers are larger than that of their random control, of how many that have one. */
  readonly beatsControl: { readonly count: number; readonly of: number };
}

/** Two explainers on the components that both have a number for, by the same scorer on the same texts. */
export interface ExplainerPair {
  readonly first: ExplainerName;
  readonly second: ExplainerName;
  readonly scoredBy: ScorerName;
  readonly shared: number;
  readonly firstBetter: number;
  readonly secondBetter: number;
  /** Exactly alike, as where both say the same. */
  readonly alike: number;
  /** Mean of first − second. */
  readonly meanDifference: number;
}

export interface KindComparison {
  readonly kind: ComparedKind;
  /** What the numbers are: of neurons and latents correlations, of heads areas under a ROC curve. */
  readonly measure: "correlation" | "area";
  /** Rows of one scorer together, the largest mean first; what nobody scored last. */
  readonly rows: readonly ExplainerRow[];
  readonly pairs: readonly ExplainerPair[];
}

export interface ExplainerComparison {
  readonly model: string;
  /** Only kinds of which something is said. */
  readonly kinds: readonly KindComparison[];
}

/** The number of a component, and of its control. */
interface Told {
  readonly value: number | null;
  readonly control: number | null;
}

/** What one scorer says of one explainer, by component. */
interface Judged {
  readonly scoredBy: ScorerName;
  readonly told: Map<string, Told>;
}

interface Voice {
  readonly name: ExplainerName;
  readonly components: Set<string>;
  readonly judged: Map<string, Judged>;
  /** What failed, by who failed. */
  readonly failed: Map<string, { readonly scoredBy: ScorerName; readonly components: Set<string> }>;
}

/**
 * Compares explainers, kind by kind. Where one has several sentences about a component, the newest that has a number counts: the best would
 * favour whoever says more.
 */
export function compareExplainers(explanations: readonly RatedExplanation[]): readonly KindComparison[] {
  const sorted = explanations.toSorted((a, b) => a.id - b.id);
  return COMPARED_KINDS.flatMap((kind) => {
    const voices = voicesOf(sorted.filter(({ component }) => comparedKind(component) === kind));
    if (voices.length === 0) return [];
    const measure = kind === "head" ? "area" : "correlation";
    return [{ kind, measure, rows: voices.flatMap(rowsOf).sort(byScorer), pairs: pairsOf(voices) }];
  });
}

function comparedKind(component: string): ComparedKind {
  const [kind = ""] = component.split("/");
  return kind === "head" ? "head" : kind.endsWith("latent") ? "latent" : "neuron";
}

function voicesOf(explanations: readonly RatedExplanation[]): readonly Voice[] {
  const voices = new Map<string, Voice>();
  for (const { component, dictionary, explainer, provenance, scores } of explanations) {
    // Who wrote what was imported is whatever its file says.
    const name = { explainer, assistant: explainer === "assistant" ? provenance.assistant : null };
    const voice = entryOf<Voice>(voices, JSON.stringify(name), () => ({
      name,
      components: new Set(),
      judged: new Map(),
      failed: new Map(),
    }));
    // Latents of two dictionaries may have one name.
    const about = JSON.stringify([component, dictionary]);
    voice.components.add(about);
    for (const score of scores) note(voice, about, score);
  }
  return [...voices.values()];
}

function note({ judged, failed }: Voice, about: string, score: RatedScore): void {
  const { scorer, assistant, version, textSet, state, headline, control } = score;
  const scoredBy: ScorerName = { scorer, assistant, version, textSet };
  if (state === "failed") {
    entryOf(failed, whoOf(scoredBy), () => ({ scoredBy, components: new Set<string>() })).components.add(about);
    return;
  }
  const { told } = entryOf(judged, JSON.stringify(scoredBy), () => ({ scoredBy, told: new Map<string, Told>() }));
  // What has no number does not hide an earlier one.
  if (headline === null && told.has(about)) return;
  told.set(about, { value: headline?.value ?? null, control: control?.headline?.value ?? null });
}

function whoOf({ scorer, assistant }: ScorerName): string {
  return JSON.stringify([scorer, assistant]);
}

function rowsOf({ name, components, judged, failed }: Voice): readonly ExplainerRow[] {
  const groups = [...judged.values()];
  const about = { ...name, components: components.size };
  const rows = groups.map(({ scoredBy, told }) =>
    rowOf(about, { scoredBy, told: [...told.values()], failed: failedOnly(scoredBy) })
  );
  const onlyFailed = [...failed].filter(([who]) => !groups.some(({ scoredBy }) => whoOf(scoredBy) === who))
    .map(([, { scoredBy }]) => rowOf(about, { scoredBy, told: [], failed: failedOnly(scoredBy) }));
  const all = [...rows, ...onlyFailed];
  return all.length > 0 ? all : [rowOf(about, { scoredBy: null, told: [], failed: 0 })];

  function failedOnly(scoredBy: ScorerName): number {
    const who = whoOf(scoredBy);
    const done = groups.filter((group) => whoOf(group.scoredBy) === who);
    return [...failed.get(who)?.components ?? []].filter((name) => !done.some(({ told }) => told.has(name))).length;
  }
}

function rowOf(
  about: ExplainerName & Pick<ExplainerRow, "components">,
  { scoredBy, told, failed }: Pick<ExplainerRow, "scoredBy" | "failed"> & { readonly told: readonly Told[] },
): ExplainerRow {
  const values = told.flatMap(({ value }) => value ?? []);
  const controlled = told.flatMap(({ value, control }) => value === null || control === null ? [] : [value > control]);
  return {
    ...about,
    scoredBy,
    scored: values.length,
    undecided: told.length - values.length,
    failed,
    mean: values.length === 0 ? null : meanOf(values),
    median: values.length === 0 ? null : medianOf(values),
    beatsControl: { count: controlled.filter((isBetter) => isBetter).length, of: controlled.length },
  };
}

function pairsOf(voices: readonly Voice[]): readonly ExplainerPair[] {
  return voices.flatMap((first, i) => voices.slice(i + 1).flatMap((second) => pairsBetween(first, second)));
}

function pairsBetween(first: Voice, second: Voice): readonly ExplainerPair[] {
  return [...first.judged].flatMap(([key, { scoredBy, told }]) => {
    const others = second.judged.get(key)?.told;
    const differences = [...told].flatMap(([about, { value }]) => {
      const other = others?.get(about)?.value ?? null;
      return value === null || other === null ? [] : [value - other];
    });
    if (differences.length === 0) return [];
    const count = (sign: number) => differences.filter((difference) => Math.sign(difference) === sign).length;
    return [{
      first: first.name,
      second: second.name,
      scoredBy,
      shared: differences.length,
      firstBetter: count(1),
      secondBetter: count(-1),
      alike: differences.filter((difference) => difference === 0).length,
      meanDifference: meanOf(differences),
    }];
  });
}

function byScorer(a: ExplainerRow, b: ExplainerRow): number {
  const [x, y] = [a, b].map(({ scoredBy }) => scoredBy === null ? "~" : JSON.stringify(scoredBy));
  if (x !== y) return (x ?? "") < (y ?? "") ? -1 : 1;
  return (b.mean ?? -Infinity) - (a.mean ?? -Infinity) || 0;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}

/** The entry of a key, made if it is not there. */
function entryOf<Value>(entries: Map<string, Value>, key: string, make: () => Value): Value {
  const known = entries.get(key);
  if (known !== undefined) return known;
  const made = make();
  entries.set(key, made);
  return made;
}
