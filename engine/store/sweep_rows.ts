/**
 * What sweeps have collected, as it was after some step. A new state is written beside the old one; then a single statement makes it the state,
 * together with how far the sweep is. Whenever the process dies, either the old state is there or the new one, each with its own progress.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Guarded } from "./guarded.ts";
import type { SweepGroups, SweepStates } from "./sweep_files.ts";

/** How far a sweep is. */
export interface SweepProgress {
  /** Steps of its plan that are done, of `stepCount`. */
  readonly step: number;
  readonly stepCount: number;
  readonly sequencesDone: number;
  readonly sequenceCount: number;
  readonly tokensDone: number;
}

export interface SweepRow {
  /** Follows from weights, texts and plan. */
  readonly key: string;
  readonly model: string;
  /** Digest of the weights. */
  readonly weights: string;
  /** Id of the text set. */
  readonly textSet: string;
  readonly progress: SweepProgress;
  /** Names the state among those written; 0 before the first. */
  readonly generation: number;
}

/** The texts of a sweep as `Sequences` holds them. */
export interface SweepTexts {
  readonly tokens: Int32Array<ArrayBuffer>;
  readonly starts: Uint32Array<ArrayBuffer>;
}

const COLUMNS = "key, model, weights, text_set, progress, generation";

export class SweepRows {
  readonly #database: DatabaseSync;
  readonly #guarded: Guarded;
  readonly #states: SweepStates;
  /** By sweep, the state that was replaced last: the next one is written over it. */
  readonly #spares = new Map<string, number>();

  constructor(database: DatabaseSync, guarded: Guarded, states: SweepStates) {
    this.#database = database;
    this.#guarded = guarded;
    this.#states = states;
  }

  /** Sweeps with some weights, the last begun first. */
  list(weights: string): readonly SweepRow[] {
    return this.#guarded("list sweeps", [], () => {
      const rows = this.#database.prepare(
        `SELECT ${COLUMNS} FROM sweeps WHERE weights = ? ORDER BY created_at DESC, rowid DESC`,
      ).all(weights);
      return rows.map(sweepRow);
    });
  }

  /** All of them, whatever their weights. */
  all(): readonly SweepRow[] {
    return this.#guarded(
      "list sweeps",
      [],
      () => this.#database.prepare(`SELECT ${COLUMNS} FROM sweeps`).all().map(sweepRow),
    );
  }

  find(key: string): SweepRow | null {
    return this.#guarded("read a sweep", null, () => {
      const row = this.#database.prepare(`SELECT ${COLUMNS} FROM sweeps WHERE key = ?`).get(key);
      return row === undefined ? null : sweepRow(row);
    });
  }

  /** Stores a sweep that has collected nothing yet. */
  begin(
    { key, model, weights, textSet, progress }: Omit<SweepRow, "generation">,
    { tokens, starts }: SweepTexts,
  ): void {
    this.#guarded("store a sweep", undefined, () => {
      this.#database.prepare("INSERT OR REPLACE INTO sweeps VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?)").run(
        key,
        model,
        weights,
        textSet,
        new Date().toISOString(),
        JSON.stringify(progress),
        bytesOf(tokens),
        bytesOf(starts),
      );
    });
  }

  /** The texts of a sweep; null if they cannot be read. */
  texts(key: string): SweepTexts | null {
    return this.#guarded("read the texts of a sweep", null, () => {
      const row = this.#database.prepare("SELECT tokens, starts FROM sweeps WHERE key = ?").get(key);
      const [tokens, starts] = [bufferOf(row?.["tokens"]), bufferOf(row?.["starts"])];
      if (tokens === null || starts === null) return null;
      return { tokens: new Int32Array(tokens), starts: new Uint32Array(starts) };
    });
  }

  /** What has been collected of a group; null if nothing. */
  group({ key, generation }: Pick<SweepRow, "key" | "generation">, name: string): ArrayBuffer | null {
    return this.#guarded("read what a sweep has collected", null, () => this.#states.read({ key, generation }, name));
  }

  /**
   * Makes a state the one that counts, with its progress.
   *
   * @returns Its generation.
   * @throws {Error} if it cannot be stored; the state before it is then still there
   */
  async save(
    { key, generation }: Pick<SweepRow, "key" | "generation">,
    state: SweepGroups,
    progress: SweepProgress,
  ): Promise<number> {
    const next = newGeneration();
    await this.#states.write({ key, generation: next }, state, this.#spares.get(key) ?? null);
    this.#database.prepare("UPDATE sweeps SET generation = ?, progress = ? WHERE key = ?").run(
      next,
      JSON.stringify(progress),
      key,
    );
    if (progress.step < progress.stepCount) {
      this.#spares.set(key, generation);
    } else {
      this.#spares.delete(key);
      await this.#states.remove({ key, generation });
    }
    return next;
  }
}

/** Another one for each process that sweeps the same at the same time: neither writes over what the other refers to. */
function newGeneration(): number {
  return Date.now() * 1024 + Math.floor(Math.random() * 1024);
}

function sweepRow(row: Readonly<Record<string, unknown>>): SweepRow {
  return {
    key: String(row["key"]),
    model: String(row["model"]),
    weights: String(row["weights"]),
    textSet: String(row["text_set"]),
    progress: JSON.parse(String(row["progress"])) as SweepProgress,
    generation: Number(row["generation"]),
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The bytes of a stored value in a buffer of their own; null if they are none. */
function bufferOf(value: unknown): ArrayBuffer | null {
  return value instanceof Uint8Array ? new Uint8Array(value).buffer : null;
}
