/** Keeps prepared graphs, the least recently used going first when their estimated bytes exceed a bound. */
import { LRUCache } from "lru-cache";
import type { Session } from "./backend.ts";

/** A session with its size. */
export interface CachedSession {
  readonly session: Session;
  /** Estimated memory that it holds, in bytes. */
  readonly bytes: number;
}

/** What `get` answers. */
export interface SessionLookup extends CachedSession {
  /** Time that making it took, in ms; 0 if it was there. */
  readonly compileMs: number;
}

export interface SessionCounters {
  readonly count: number;
  readonly bytes: number;
  /** Sessions made since the start. */
  readonly compiled: number;
  /** Lookups answered without making one. */
  readonly reused: number;
}

export class SessionCache implements AsyncDisposable {
  readonly #sessions: LRUCache<string, CachedSession>;
  #compiled = 0;
  #reused = 0;

  /** @param maxBytes Bound on the sum of the sessions' bytes; the session in use is always kept. */
  constructor(maxBytes: number) {
    this.#sessions = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ bytes }) => Math.min(Math.max(1, bytes), maxBytes),
      dispose: ({ session }) => void session[Symbol.asyncDispose](),
    });
  }

  /** The session of a graph structure, made if it is not there. Calls must not overlap: the engine thread is one lane. */
  async get(key: string, make: () => Promise<CachedSession>): Promise<SessionLookup> {
    const found = this.#sessions.get(key);
    if (found !== undefined) {
      this.#reused++;
      return { ...found, compileMs: 0 };
    }
    const startedAt = performance.now();
    const made = await make();
    this.#compiled++;
    this.#sessions.set(key, made);
    return { ...made, compileMs: performance.now() - startedAt };
  }

  /** Whether a graph's session is there; not counted as use. */
  has(key: string): boolean {
    return this.#sessions.has(key);
  }

  counters(): SessionCounters {
    const { size, calculatedSize } = this.#sessions;
    return { count: size, bytes: calculatedSize, compiled: this.#compiled, reused: this.#reused };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#sessions.clear();
    return Promise.resolve();
  }
}
