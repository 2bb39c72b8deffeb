/**
 * What is kept between starts: runs by id with what was measured, means, reports, the digests of files; jobs, what sweeps have collected,
 * explanations and an assistant's answers in modules of their own.
 */
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Measurement, MeasureQuery } from "../circuit/measurement.ts";
import type { ModelMeans } from "../circuit/model_means.ts";
import type { RunResult } from "../circuit/run_result.ts";
import { AnswerRows } from "./answer_rows.ts";
import { openDatabase, type OpenedDatabase } from "./database.ts";
import { ExplanationRows } from "./explanation_rows.ts";
import type { Guarded } from "./guarded.ts";
import { JobRows } from "./job_rows.ts";
import { SweepFiles, SweepMemory, type SweepStates } from "./sweep_files.ts";
import { SweepRows } from "./sweep_rows.ts";

/** Identifies a version of a file without reading it. */
export interface FileStamp {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** Bounds on the reports that are kept. */
export interface ReportLimits {
  readonly count: number;
  /** Of all texts together. */
  readonly bytes: number;
}

const REPORT_LIMITS: ReportLimits = { count: 5000, bytes: 256 * 1024 * 1024 };

export class Store implements Disposable {
  readonly #database: DatabaseSync;
  readonly #log: (line: string) => void;
  #problem: string | null;
  readonly jobs: JobRows;
  readonly sweeps: SweepRows;
  readonly explanations: ExplanationRows;
  readonly answers: AnswerRows;

  private constructor(
    { database, problem }: Pick<OpenedDatabase, "database" | "problem">,
    states: SweepStates,
    log: (line: string) => void,
  ) {
    this.#database = database;
    this.#problem = problem;
    this.#log = log;
    if (problem !== null) log(problem);
    const guarded: Guarded = (what, otherwise, work) => this.#guarded(what, otherwise, work);
    this.jobs = new JobRows(database, guarded);
    this.sweeps = new SweepRows(database, guarded, states);
    this.explanations = new ExplanationRows(database, guarded);
    this.answers = new AnswerRows(database, guarded);
  }

  /** Opens the store of a data folder. Never throws: see `database.ts`. */
  static open(folder: string, log: (line: string) => void, now = new Date()): Store {
    const opened = openDatabase(folder, now);
    if (!opened.isFile) return new Store(opened, new SweepMemory(), log);
    const files = new SweepFiles(join(folder, "sweeps"));
    const store = new Store(opened, files, log);
    store.#guarded("tidy the states of sweeps", undefined, () => files.tidy(store.sweeps.all()));
    return store;
  }

  /** What is wrong with the store, in one sentence; null if nothing is. */
  get problem(): string | null {
    return this.#problem;
  }

  /** A stored run; null if there is none, or what is stored cannot be read. */
  findRun(id: string): RunResult | null {
    return this.#guarded("read a run", null, () => {
      const row = this.#database.prepare("SELECT result FROM runs WHERE id = ?").get(id);
      return row === undefined ? null : parseResult(row["result"]);
    });
  }

  /** Stores a run. The first result of an id stays. A failure is a problem of the store, not of the request. */
  saveRun(result: RunResult, now = new Date()): void {
    this.#guarded("store a run", undefined, () => {
      const statement = this.#database.prepare(
        "INSERT INTO runs (id, model, created_at, result) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
      );
      statement.run(result.id, result.spec.model, now.toISOString(), JSON.stringify(result));
    });
  }

  /** Latest runs, newest first. */
  recentRuns(count: number): readonly RunResult[] {
    return this.#guarded("list runs", [], () => {
      const rows = this.#database.prepare("SELECT result FROM runs ORDER BY created_at DESC, rowid DESC LIMIT ?").all(
        count,
      );
      return rows.flatMap((row) => parseResult(row["result"]) ?? []);
    });
  }

  /** The finished measurement of a run; null if there is none. */
  findMeasurement(run: string, query: MeasureQuery): Measurement | null {
    return this.#guarded("read a measurement", null, () => {
      const row = this.#database.prepare("SELECT result FROM measurements WHERE run = ? AND query = ?").get(
        run,
        JSON.stringify(query),
      );
      return row === undefined ? null : JSON.parse(String(row["result"])) as Measurement;
    });
  }

  saveMeasurement(measurement: Measurement): void {
    this.#guarded("store a measurement", undefined, () => {
      this.#database.prepare("INSERT OR REPLACE INTO measurements VALUES (?, ?, ?)").run(
        measurement.run,
        JSON.stringify(measurement.query),
        JSON.stringify(measurement),
      );
    });
  }

  /** The means of a model over texts, both by digest; null if they were not computed. */
  findMeans(weights: string, texts: string): ModelMeans | null {
    return this.#guarded("read means", null, () => {
      const row = this.#database.prepare("SELECT means FROM means WHERE weights = ? AND texts = ?").get(weights, texts);
      return row === undefined ? null : JSON.parse(String(row["means"])) as ModelMeans;
    });
  }

  saveMeans(weights: string, texts: string, means: ModelMeans): void {
    this.#guarded("store means", undefined, () => {
      this.#database.prepare("INSERT OR REPLACE INTO means VALUES (?, ?, ?)").run(
        weights,
        texts,
        JSON.stringify(means),
      );
    });
  }

  /** A stored report as the JSON text that it was stored as; null if there is none. */
  findReport(key: string): string | null {
    return this.#guarded("read a report", null, () => {
      const row = this.#database.prepare("SELECT report FROM reports WHERE key = ?").get(key);
      return row === undefined ? null : String(row["report"]);
    });
  }

  /** Stores a report, and drops the oldest beyond the limits. @returns Whether it could be stored. */
  saveReport(key: string, report: string, { count, bytes }: ReportLimits = REPORT_LIMITS): boolean {
    return this.#guarded("store a report", false, () => {
      this.#database.prepare(
        "INSERT INTO reports (key, bytes, report) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING",
      ).run(key, report.length, report);
      // Sizes are in an index: no text is read for this.
      this.#database.prepare(
        `DELETE FROM reports WHERE id <= (
           SELECT max(id) FROM (
             SELECT id, row_number() OVER newest AS place, sum(bytes) OVER newest AS total
             FROM reports WINDOW newest AS (ORDER BY id DESC)
           ) WHERE place > ? OR total > ?
         )`,
      ).run(count, bytes);
      return true;
    });
  }

  countRuns(): number {
    return this.#guarded(
      "count runs",
      0,
      () => Number(this.#database.prepare("SELECT count(*) AS n FROM runs").get()?.["n"] ?? 0),
    );
  }

  /** The digest of a file that was read before and has not changed since; null if unknown. */
  findDigest({ path, sizeBytes, modifiedMs }: FileStamp): string | null {
    return this.#guarded("read a digest", null, () => {
      const row = this.#database.prepare(
        "SELECT digest FROM weights_digests WHERE path = ? AND size_bytes = ? AND modified_ms = ?",
      ).get(path, sizeBytes, modifiedMs);
      return row === undefined ? null : String(row["digest"]);
    });
  }

  saveDigest({ path, sizeBytes, modifiedMs }: FileStamp, digest: string): void {
    this.#guarded("store a digest", undefined, () => {
      this.#database.prepare("INSERT OR REPLACE INTO weights_digests VALUES (?, ?, ?, ?)").run(
        path,
        sizeBytes,
        modifiedMs,
        digest,
      );
    });
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #guarded<T>(what: string, otherwise: T, work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.#problem = `Cannot ${what}: ${error instanceof Error ? error.message : String(error)}`;
      this.#log(this.#problem);
      return otherwise;
    }
  }
}

/** A result as it was stored; null if it is no result. */
function parseResult(text: unknown): RunResult | null {
  try {
    const parsed: unknown = JSON.parse(String(text));
    if (!isResult(parsed)) return null;
    // The first runs had no traces and prompts of one length only, and do not say so; nor had they sums by layer.
    const { objectiveKind = parsed.spec.objective.kind, alignment = null, sums } = parsed;
    return { ...parsed, objectiveKind, alignment, sums: { ...sums, layers: sums.layers ?? null } };
  } catch {
    return null;
  }
}

/** We wrote it ourselves; this only catches what another program or a broken disk made of it. */
function isResult(value: unknown): value is RunResult {
  return typeof value === "object" && value !== null && "id" in value && "spec" in value && "sides" in value &&
    "nodes" in value;
}
