/** Parts of a page that take a moment: shown if they are there in time, else asked for again by the page. */
import { EngineError } from "../engine/mod.ts";
import type { Loaded } from "../views/props.ts";

/** How long a whole page waits for a part: browsers without script do not look again by themselves. */
export const PAGE_PATIENCE_MS = 3000;
/** How long a fragment waits: its page shows that something is under way. */
export const FRAGMENT_PATIENCE_MS = 150;

/** What has become of some work after a moment. It goes on, whatever is answered; a failure is this part's alone. */
export async function loaded<T>(work: Promise<T>, patienceMs: number): Promise<Loaded<T>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise<Loaded<T>>((resolve) => {
    timer = setTimeout(() => resolve({ state: "pending" }), patienceMs);
  });
  const outcome = work.then(
    (value): Loaded<T> => ({ state: "ready", value }),
    (error): Loaded<T> => ({ state: "failed", problem: problemOf(error) }),
  );
  try {
    return await Promise.race([outcome, patience]);
  } finally {
    clearTimeout(timer);
  }
}

function problemOf(error: unknown): string {
  return error instanceof EngineError ? error.message : "the server met an error that it does not know";
}
