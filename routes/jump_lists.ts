/** What stands out in the catalogue of a model that was swept. Sorting a catalogue takes a while, so lists are kept. */
import { type Engine, type ModelSummary, NotFoundError, type SweepSummary } from "../engine/mod.ts";
import type { JumpList } from "../views/props.ts";

/** Rows of a list. */
const LISTED = 4;

/** A sweep that is under way gets new lists only at each of so many parts of it. */
const PARTS = 10;

const LISTS = [
  ["head", "induction"],
  ["head", "previousToken"],
  ["head", "duplicateToken"],
  ["head", "copying"],
  ["mlp", "max"],
  ["mlp", "kurtosis"],
  ["mlp", "fractionActive"],
] as const satisfies readonly (readonly [JumpList["kind"], JumpList["sort"]])[];

interface KnownLists {
  /** Says which state of the sweeps they are from. */
  readonly key: string;
  readonly lists: Promise<readonly JumpList[]>;
}

/** By engine, then by model. */
const known = new WeakMap<Engine, Map<string, KnownLists>>();

/** Lists of a model; none where nothing has been swept. @param sweeps Of this model */
export function jumpLists(
  engine: Engine,
  { id }: Pick<ModelSummary, "id">,
  sweeps: readonly SweepSummary[],
): Promise<readonly JumpList[]> {
  const begun = sweeps.filter(({ state }) => state !== "none");
  if (begun.length === 0) return Promise.resolve([]);
  const key = begun.map(({ textSet, state, sequencesDone, sequenceCount, tokensDone }) => {
    const part = Math.floor(PARTS * sequencesDone / Math.max(1, sequenceCount));
    return `${textSet} ${state} ${state === "done" ? tokensDone : part}`;
  }).join("\n");
  const ofEngine = known.get(engine) ?? new Map<string, KnownLists>();
  known.set(engine, ofEngine);
  const found = ofEngine.get(id);
  if (found?.key === key) return found.lists;
  const lists = read(engine, id);
  ofEngine.set(id, { key, lists });
  const forget = () => ofEngine.delete(id);
  // A failure is for this request alone, and what has nothing yet soon has something.
  lists.then((found) => found.length === 0 ? forget() : null, forget);
  return lists;
}

async function read(engine: Engine, model: string): Promise<readonly JumpList[]> {
  const lists: JumpList[] = [];
  try {
    // One after the other: the engine holds the rows of one kind at a time.
    for (const [kind, sort] of LISTS) {
      const { rows } = await engine.catalogue({ model, kind, sort, pageSize: LISTED });
      const numbers = rows.map(({ component, scores, ...statistics }) => ({
        component,
        value: ({ ...statistics, ...scores } as Readonly<Partial<Record<JumpList["sort"], number>>>)[sort] ?? NaN,
      }));
      lists.push({ kind, sort, rows: numbers.filter(({ value }) => Number.isFinite(value)) });
    }
  } catch (error) {
    // The sweep has begun and has nothing yet.
    if (error instanceof NotFoundError) return [];
    throw error;
  }
  return lists;
}
