/** The order of what was found, and what of it is kept, on numbers made by hand. */
import assert from "node:assert/strict";
import type { StrongestPlaces } from "../../../engine/corpus/firing_graph.ts";
import { FiringRanking, PhraseRanking } from "../../../engine/corpus/found_components.ts";
import { GroupStatistics, PLACE_KEYS } from "../../../engine/corpus/group_statistics.ts";
import { Sequences } from "../../../engine/corpus/sequences.ts";
import { PhraseMatches } from "../../../engine/corpus/text_search.ts";

function strongest(values: readonly number[]): StrongestPlaces {
  return { values: Float32Array.from(values), places: Uint32Array.from(values, (_, i) => i) };
}

Deno.test("of those that fire, the first are kept and all are counted", () => {
  const values = Array.from({ length: 500 }, (_, i) => i % 5 === 0 ? -1 : i);
  const ranking = new FiringRanking(new Map([["mlp/2", strongest(values)]]), "value");
  ranking.add({ kind: "mlp", layer: 2 }, null);
  const rows = ranking.rows();
  assert.deepEqual([ranking.considered, ranking.total, rows.length], [500, 400, 200]);
  const last = { component: "mlp/2/499", value: 499, largest: null, relative: null, at: [499] };
  assert.deepEqual(rows[0], last);
});

Deno.test("what is as good as dead has no share of its largest value, and comes last", () => {
  const maxima = Float32Array.of(4, 8, 2, 0.03, -0.1);
  const ranking = new FiringRanking(new Map([["mlp/0", strongest([1, 4, 0.021, 0.03, 0.01])]]), "relative");
  ranking.add({ kind: "mlp", layer: 0 }, { maxima });
  // The median is 2, so what never reached 0.02 is dead: nobody but the last.
  assert.deepEqual(ranking.rows().map(({ component }) => component.slice(6)), ["3", "1", "0", "2", "4"]);
  assert.equal(ranking.rows().at(-1)?.relative, null);
  const other = new FiringRanking(new Map([["mlp/0", strongest([1, 4, 0.021, 0.03, 0.01])]]), "relative");
  other.add({ kind: "mlp", layer: 0 }, { maxima: Float32Array.of(4, 8, 4, 0.03, -0.1) });
  assert.deepEqual(other.rows().slice(-2).map(({ component, relative }) => [component, relative]), [
    ["mlp/0/3", null],
    ["mlp/0/4", null],
  ]);
});

Deno.test("values that are not finite are an error", () => {
  const ranking = new FiringRanking(new Map([["head/0", strongest([1, NaN])]]), "value");
  assert.throws(() => ranking.add({ kind: "head", layer: 0 }, null), /not finite/);
});

Deno.test("a pair is on a phrase with its query, its key, or both; components that are nowhere on it are left out", () => {
  const sequences = new Sequences(new Int32Array(8), Uint32Array.of(0, 4, 8));
  const matches = new PhraseMatches(sequences);
  matches.add(1, 4 + 1, 4 + 3);
  const group = new GroupStatistics(4);
  const pairs = [[2, 0], [3, 1], [2, 1], [3, 0]];
  pairs.forEach(([query = 0, key = 0], head) => {
    group.keepTop(head, { value: 5, sequence: 0, place: 1 });
    group.keepTop(head, { value: 3 + head, sequence: 1, place: query * PLACE_KEYS + key });
    group.maxima[head] = Math.max(5, 3 + head);
  });
  const ranking = new PhraseRanking(matches, "matches");
  ranking.add({ kind: "head", layer: 1 }, group);
  assert.deepEqual([ranking.considered, ranking.total], [4, 3]);
  assert.deepEqual(
    ranking.rows().map(({ component, on, matches: count, containing, listed, value, relative, at }) =>
      [component, on, count, containing, listed, value, relative, at.join("<")].join(" ")
    ),
    ["head/1/2 both 1 1 2 5 1 2<1", "head/1/1 key 1 1 2 4 0.8 3<1", "head/1/0 query 1 1 2 3 0.6 2<0"],
  );
});
