/**
 * Finds rules by greedy regression: again and again the fact that best separates strong places from the rest becomes a rule, and the places
 * that it holds at are set aside. What few places speak for counts less.
 */
import type { Turns } from "../corpus/turns.ts";
import { FULL_SCALE } from "./calibration.ts";
import { factsOf, type Predicate, type Rule, type RuleKind } from "./rules.ts";
import { type ExplainedText, normalised, type PlaceKind } from "./texts.ts";

/** Most rules of an explanation: a sentence that can still be read. */
const MAX_RULES = 8;
/** Share of the values' variance that a rule has to explain. */
const MIN_GAIN = 0.005;

/** Places of all texts: what holds at each, as numbers of facts, and its value. */
interface Table {
  readonly facts: readonly string[];
  readonly kinds: readonly RuleKind[];
  readonly rows: readonly { readonly held: readonly number[]; readonly value: number }[];
}

/** Texts made ready, so that several sets of rules can be learnt from them. */
export class RuleLearner {
  readonly #places: PlaceKind;
  readonly #table: Table;

  private constructor(places: PlaceKind, table: Table) {
    this.#places = places;
    this.#table = table;
  }

  /** Reads the texts, giving way to others in between. @param largest What 10 stands for */
  static async of(
    texts: readonly ExplainedText[],
    { places, largest, turns }: { readonly places: PlaceKind; readonly largest: number; readonly turns: Turns },
  ): Promise<RuleLearner> {
    return new RuleLearner(places, await tableOf(texts, { places, largest, turns }));
  }

  /** Rules of some kinds, those that separate most first; the first few of them are an explanation too. */
  async learn(kinds: ReadonlySet<RuleKind>, turns: Turns): Promise<Predicate> {
    const { rows } = this.#table;
    const mean = rows.reduce((sum, { value }) => sum + value, 0) / Math.max(1, rows.length);
    const variance = rows.reduce((sum, { value }) => sum + (value - mean) ** 2, 0);
    const rules: Rule[] = [];
    let left = rows;
    while (rules.length < MAX_RULES) {
      await turns.rest();
      const best = bestFact(this.#table, left, kinds);
      if (best === null || best.gain < MIN_GAIN * variance) break;
      // Its name is its fact: `ruleKey` wrote it.
      const [kind, ...names] = JSON.parse(this.#table.facts[best.fact] ?? "[]") as [RuleKind, ...string[]];
      const value = Math.round(best.mean);
      left = left.filter(({ held }) => !held.includes(best.fact));
      if (value >= 1) rules.push({ kind, names, value: Math.min(FULL_SCALE, value) });
    }
    return { places: this.#places, rules };
  }
}

async function tableOf(
  texts: readonly ExplainedText[],
  { places, largest, turns }: { readonly places: PlaceKind; readonly largest: number; readonly turns: Turns },
): Promise<Table> {
  const numbers = new Map<string, number>();
  const numberOf = (fact: string): number => {
    const known = numbers.get(fact);
    if (known !== undefined) return known;
    numbers.set(fact, numbers.size);
    return numbers.size - 1;
  };
  const rows: Table["rows"][number][] = [];
  for (const { tokens, values } of texts) {
    factsOf(places, tokens).forEach((facts, place) => {
      rows.push({ held: facts.map(numberOf), value: normalised(values[place] ?? 0, largest) });
    });
    await turns.rest();
  }
  const facts = [...numbers.keys()];
  return { facts, kinds: facts.map((fact) => (JSON.parse(fact) as [RuleKind])[0]), rows };
}

interface FoundFact {
  readonly fact: number;
  readonly gain: number;
  /** Of the values where it holds, drawn a little towards those of the rest. */
  readonly mean: number;
}

/** The fact with the largest gain among places that are left; null if none holds where values are above the rest. */
function bestFact(
  { facts, kinds: kindOf }: Table,
  rows: Table["rows"],
  kinds: ReadonlySet<RuleKind>,
): FoundFact | null {
  const counts = new Float64Array(facts.length);
  const sums = new Float64Array(facts.length);
  let total = 0;
  for (const { held, value } of rows) {
    total += value;
    for (const fact of held) {
      counts[fact] = (counts[fact] ?? 0) + 1;
      sums[fact] = (sums[fact] ?? 0) + value;
    }
  }
  let best: FoundFact | null = null;
  for (let fact = 0; fact < facts.length; fact++) {
    const kind = kindOf[fact];
    const [count = 0, sum = 0] = [counts[fact], sums[fact]];
    if (count === 0 || kind === undefined || !kinds.has(kind)) continue;
    const rest = rows.length - count;
    const [inside, outside] = [sum / count, rest === 0 ? 0 : (total - sum) / rest];
    if (inside <= outside) continue;
    const separated = (count * rest / rows.length) * (inside - outside) ** 2;
    const gain = separated * count / (count + 1);
    if (best === null || gain > best.gain) best = { fact, gain, mean: (sum + outside) / (count + 1) };
  }
  return best;
}
