/** How well judgements tell what a component fires on from what it does not: the area under the ROC curve. */
import { bootstrapInterval } from "./bootstrap.ts";
import type { Estimate } from "./simulation_scores.ts";

/** One thing that was judged by an explanation. */
export interface Judgement {
  /** Whether the component fires on it. */
  readonly isActive: boolean;
  /** How likely that is by the explanation; only the order counts. */
  readonly likelihood: number;
}

/** Null unless both kinds were judged. 0.5 is chance; things judged alike count half. */
export function areaUnderRoc(judgements: readonly Judgement[]): number | null {
  const sorted = judgements.toSorted((a, b) => a.likelihood - b.likelihood);
  let [below, area] = [0, 0];
  for (let from = 0; from < sorted.length;) {
    const { likelihood } = sorted[from] ?? { likelihood: 0 };
    let [actives, others] = [0, 0];
    let to = from;
    for (; to < sorted.length && sorted[to]?.likelihood === likelihood; to++) {
      if (sorted[to]?.isActive) actives++;
      else others++;
    }
    area += actives * (below + others / 2);
    below += others;
    from = to;
  }
  const active = judgements.filter(({ isActive }) => isActive).length;
  const pairs = active * (judgements.length - active);
  return pairs === 0 ? null : area / pairs;
}

/** The area with its interval. Null unless both kinds were judged. */
export function judgementScore(judgements: readonly Judgement[]): Estimate | null {
  const value = areaUnderRoc(judgements);
  if (value === null) return null;
  const kinds = [true, false].map((isActive) => judgements.filter((judgement) => judgement.isActive === isActive));
  const interval = bootstrapInterval(
    kinds.map(({ length }) => length),
    (drawn) => areaUnderRoc(drawn.flatMap((units, kind) => units.flatMap((unit) => kinds[kind]?.[unit] ?? []))),
  );
  return { value, interval };
}
