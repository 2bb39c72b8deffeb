/**
 * The SQLite database: opening, migrating, and going on without it. A broken store never stops the server: what cannot be used
 * is set aside or left alone, results are then kept in memory until the end, and `problem` says so in one sentence.
 */
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Name of the database in the data folder. */
export const DATABASE_FILE = "runs.sqlite";

/** How long a statement waits for another process's lock, in ms. */
const BUSY_TIMEOUT_MS = 2000;

/** SQL that leads from each version to the next. Never change one that has been released: add another. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE runs (
     id TEXT PRIMARY KEY,
     model TEXT NOT NULL,
     created_at TEXT NOT NULL,
     result TEXT NOT NULL
   ) STRICT;
   CREATE INDEX runs_by_time ON runs (created_at);
   CREATE TABLE weights_digests (
     path TEXT NOT NULL,
     size_bytes INTEGER NOT NULL,
     modified_ms REAL NOT NULL,
     digest TEXT NOT NULL,
     PRIMARY KEY (path, size_bytes, modified_ms)
   ) STRICT;`,
  `CREATE TABLE measurements (
     run TEXT NOT NULL,
     query TEXT NOT NULL,
     result TEXT NOT NULL,
     PRIMARY KEY (run, query)
   ) STRICT;
   CREATE TABLE means (
     weights TEXT NOT NULL,
     texts TEXT NOT NULL,
     means TEXT NOT NULL,
     PRIMARY KEY (weights, texts)
   ) STRICT;`,
  `CREATE TABLE reports (
     id INTEGER PRIMARY KEY,
     key TEXT NOT NULL UNIQUE,
     bytes INTEGER NOT NULL,
     report TEXT NOT NULL
   ) STRICT;
   CREATE INDEX reports_by_size ON reports (id, bytes);`,
  `CREATE TABLE jobs (
     id TEXT PRIMARY KEY,
     place INTEGER NOT NULL,
     job TEXT NOT NULL
   ) STRICT;
   CREATE TABLE sweeps (
     key TEXT PRIMARY KEY,
     model TEXT NOT NULL,
     weights TEXT NOT NULL,
     text_set TEXT NOT NULL,
     created_at TEXT NOT NULL,
     progress TEXT NOT NULL,
     generation INTEGER NOT NULL,
     tokens BLOB NOT NULL,
     starts BLOB NOT NULL
   ) STRICT;
   CREATE INDEX sweeps_by_weights ON sweeps (weights, created_at);
   CREATE TABLE sweep_groups (
     sweep TEXT NOT NULL REFERENCES sweeps (key) ON DELETE CASCADE,
     generation INTEGER NOT NULL,
     name TEXT NOT NULL,
     statistics BLOB NOT NULL,
     PRIMARY KEY (sweep, generation, name)
   ) STRICT;`,
  `CREATE TABLE explanations (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     weights TEXT NOT NULL,
     model TEXT NOT NULL,
     component TEXT NOT NULL,
     dictionary TEXT,
     text TEXT NOT NULL,
     explainer TEXT NOT NULL,
     provenance TEXT NOT NULL,
     UNIQUE (weights, component, explainer, text)
   ) STRICT;
   CREATE TABLE explanation_scores (
     explanation INTEGER NOT NULL REFERENCES explanations (id) ON DELETE CASCADE,
     scorer TEXT NOT NULL,
     score TEXT NOT NULL,
     PRIMARY KEY (explanation, scorer)
   ) STRICT;
   CREATE TABLE explanation_failures (
     weights TEXT NOT NULL,
     component TEXT NOT NULL,
     explainer TEXT NOT NULL,
     attempt TEXT NOT NULL,
     PRIMARY KEY (weights, component, explainer)
   ) STRICT;
   CREATE VIRTUAL TABLE explanation_words USING fts5 (text, tokenize = 'unicode61');
   CREATE TABLE assistant_answers (
     id INTEGER PRIMARY KEY,
     key TEXT NOT NULL UNIQUE,
     answer TEXT NOT NULL
   ) STRICT;
   CREATE TABLE job_spending (
     job TEXT PRIMARY KEY,
     spent TEXT NOT NULL
   ) STRICT;`,
  // States are files: what was in the database is swept again.
  `DELETE FROM sweeps;
   DROP TABLE sweep_groups;`,
];

export interface OpenedDatabase {
  readonly database: DatabaseSync;
  /** Whether it is a file; else all is lost at the end. */
  readonly isFile: boolean;
  /** Null if all is well. */
  readonly problem: string | null;
}

/**
 * Opens the database of a data folder, which is made if it is not there.
 *
 * @param now For the name under which a damaged file is set aside.
 */
export function openDatabase(folder: string, now: Date): OpenedDatabase {
  const path = join(folder, DATABASE_FILE);
  try {
    mkdirSync(folder, { recursive: true });
    return { database: openFile(path), isFile: true, problem: null };
  } catch (error) {
    if (isCorrupt(error)) return setAside(path, now);
    return inMemory(`Cannot use ${path} (${messageOf(error)})`);
  }
}

function openFile(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    // Reads the file's header: a damaged or locked file is found here.
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON");
    migrate(database);
    const check = database.prepare("PRAGMA quick_check(1)").get();
    if (check?.["quick_check"] !== "ok") throw new DamagedError(`Check found ${String(check?.["quick_check"])}`);
    // A read-only file is found here, not at the first result.
    database.exec("BEGIN IMMEDIATE; CREATE TABLE write_probe (x INTEGER) STRICT; ROLLBACK");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** @throws {Error} if the file was written by a newer version of this program. */
function migrate(database: DatabaseSync): void {
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
  if (version > MIGRATIONS.length) {
    throw new Error(`Version ${version} was written by a newer program: this one knows ${MIGRATIONS.length}`);
  }
  if (version === MIGRATIONS.length) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    MIGRATIONS.slice(version).forEach((sql) => database.exec(sql));
    database.exec(`PRAGMA user_version = ${MIGRATIONS.length}; COMMIT`);
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

/** Renames a damaged file, so that nothing is lost, and begins a fresh one. */
function setAside(path: string, now: Date): OpenedDatabase {
  const kept = `${path}.corrupt-${now.toISOString().replaceAll(":", "-")}`;
  try {
    renameSync(path, kept);
    // The log of the damaged file must not be replayed into the fresh one.
    for (const suffix of ["-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true });
    return {
      database: openFile(path),
      isFile: true,
      problem: `${path} was damaged; it was set aside as ${kept} and a fresh one begun`,
    };
  } catch (error) {
    return inMemory(`${path} is damaged and cannot be replaced (${messageOf(error)})`);
  }
}

function inMemory(reason: string): OpenedDatabase {
  return {
    database: openFile(":memory:"),
    isFile: false,
    problem: `${reason}: results are kept in memory only and are lost when the server stops`,
  };
}

class DamagedError extends Error {}

/** SQLite's own words for a file that is no database (code 26) or is malformed (code 11). */
function isCorrupt(error: unknown): boolean {
  return error instanceof DamagedError || /file is not a database|disk image is malformed/.test(messageOf(error));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
