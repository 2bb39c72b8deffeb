/** Scores an explanation on texts that it was not made from: simulation, judgements, and the same for an explanation of another component. */
import { type CalibrationName, CALIBRATIONS, fitCalibration } from "./calibration.ts";
import { type JudgedItem, judgedItems, type JudgementKind, judgementKinds } from "./judged_items.ts";
import { judgementScore } from "./judgement_scores.ts";
import {
  type Estimate,
  type SimulatedSequence,
  type SimulationMeasures,
  simulationMeasures,
} from "./simulation_scores.ts";
import type { Evidence, ExplainedText, PlaceKind } from "./texts.ts";

/** Predicts from an explanation what a component does. What fails throws: there is no score then. */
export interface Scorer {
  /** Whether it can predict values at places of this kind. */
  canSimulate(places: PlaceKind): boolean;
  /** Values 0 to 10 at every place of each text. */
  simulate(explanation: string, texts: readonly ExplainedText[]): Promise<readonly (readonly number[])[]>;
  /** How likely the component fires on each item, in any order-preserving unit. */
  judge(explanation: string, kind: JudgementKind, items: readonly JudgedItem[]): Promise<readonly number[]>;
}

export interface SimulationScore {
  /** Texts and places that were predicted. */
  readonly sequences: number;
  readonly places: number;
  readonly byCalibration: Readonly<Record<CalibrationName, SimulationMeasures>>;
}

export interface JudgementResult {
  readonly kind: JudgementKind;
  /** Area under the ROC curve; 0.5 is chance. */
  readonly area: Estimate;
  readonly active: number;
  readonly others: number;
}

export interface ExplanationScore {
  /** Null if the scorer predicts no values at such places, or the component is the same everywhere in the test texts. */
  readonly simulation: SimulationScore | null;
  /** Those in which there was something to tell apart. */
  readonly judgements: readonly JudgementResult[];
}

/** How many texts of a split a scorer is given: strongest and random ones. */
export interface TextLimits {
  readonly top: number;
  readonly random: number;
}

export async function scoreExplanation(
  explanation: string,
  evidence: Evidence,
  { scorer, limits }: { readonly scorer: Scorer; readonly limits: TextLimits },
): Promise<ExplanationScore> {
  const { kind, largest } = evidence;
  const test = limited(evidence.splits.test, limits);
  const calibration = limited(evidence.splits.calibration, limits);
  const simulation = !scorer.canSimulate(kind)
    ? null
    : simulationScore(await simulated(calibration), await simulated(test), largest);
  const judgements: JudgementResult[] = [];
  for (const judged of judgementKinds(kind)) {
    const items = judgedItems(judged, { kind, splits: { ...evidence.splits, test } });
    const active = items.filter(({ isActive }) => isActive).length;
    if (active === 0 || active === items.length) continue;
    const likelihoods = await scorer.judge(explanation, judged, items);
    const area = judgementScore(
      items.map(({ isActive }, i) => ({ isActive, likelihood: likelihoods[i] ?? NaN })),
    );
    if (area !== null) judgements.push({ kind: judged, area, active, others: items.length - active });
  }
  return { simulation, judgements };

  async function simulated(texts: readonly ExplainedText[]): Promise<readonly SimulatedSequence[]> {
    const values = await scorer.simulate(explanation, texts);
    return texts.map((text, i) => ({ truth: text.values, simulated: values[i] ?? [] }));
  }
}

/** The strongest texts and random ones, as many as are wanted of each. */
export function limited(texts: readonly ExplainedText[], { top, random }: TextLimits): readonly ExplainedText[] {
  return [
    ...texts.filter(({ isTop }) => isTop).slice(0, top),
    ...texts.filter(({ isTop }) => !isTop).slice(0, random),
  ];
}

function simulationScore(
  calibration: readonly SimulatedSequence[],
  test: readonly SimulatedSequence[],
  largest: number,
): SimulationScore | null {
  const measured = CALIBRATIONS.map((name) => {
    const calibrate = fitCalibration(name, { sequences: calibration, largest });
    return simulationMeasures(test.map(({ truth, simulated }) => ({ truth, simulated: simulated.map(calibrate) })));
  });
  const [none, linear, percentile] = measured;
  if (!none || !linear || !percentile) return null;
  const places = test.reduce((sum, { truth }) => sum + truth.length, 0);
  return { sequences: test.length, places, byCalibration: { none, linear, percentile } };
}

/** The number that stands for a score in lists: for neurons the correlation, for heads how well pairs are told apart. */
export function headline({ simulation, judgements }: ExplanationScore, places: PlaceKind): Estimate | null {
  if (places === "tokens") return simulation?.byCalibration.none.correlation ?? null;
  return judgements.find(({ kind }) => kind === "pairs")?.area ?? null;
}
