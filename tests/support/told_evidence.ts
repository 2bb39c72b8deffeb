/** Evidence whose texts say of which split they are, and whether they are strong or quiet: what is sent shows where it comes from. */
import { indexOfPlace } from "../../engine/explain/judged_items.ts";
import type { Evidence, ExplainedText, PlaceKind, SplitName } from "../../engine/explain/texts.ts";

const SPLITS: readonly SplitName[] = ["train", "calibration", "validation", "test"];

/** Strong and quiet texts of each split. */
const TEXTS = 6;

/** A component that is strong on the word after “the” (10, or a little less), in texts like `train strong 0 the train0`. */
export function toldEvidence(kind: PlaceKind): Evidence {
  const text = (split: SplitName, isTop: boolean) => (_: unknown, number: number): ExplainedText => {
    const tokens = [split, isTop ? " strong" : " quiet", ` ${number}`, " the", ` ${split}${number}`, " end"];
    const count = kind === "tokens" ? tokens.length : tokens.length * (tokens.length + 1) / 2;
    const strongest = kind === "tokens" ? 4 : indexOfPlace([4, 1]);
    const values = Array.from({ length: count }, (_, place) => isTop && place === strongest ? 10 - number / 4 : 0.01);
    return { tokens, values, max: Math.max(...values), isTop };
  };
  const dealt = SPLITS.map((split) => [
    ...Array.from({ length: TEXTS }, text(split, true)),
    ...Array.from({ length: TEXTS }, text(split, false)),
  ]);
  const [train = [], calibration = [], validation = [], test = []] = dealt;
  return {
    component: kind === "tokens" ? "mlp/0/1" : "head/0/1",
    kind,
    splits: { train, calibration, validation, test },
    largest: 10,
  };
}

/** The splits that some words are of. */
export function splitsIn(words: string): readonly SplitName[] {
  return SPLITS.filter((split) => new RegExp(`\\b${split}( strong| quiet|\\d)`).test(words));
}
