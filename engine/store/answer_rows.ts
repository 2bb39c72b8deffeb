/** What an assistant has answered, by call, and what each job has spent on it. */
import type { DatabaseSync } from "node:sqlite";
import type { AssistantAnswer } from "../explain/assistant.ts";
import type { Spent } from "../explain/metered_assistant.ts";
import type { Guarded } from "./guarded.ts";

/** Answers that are kept; the oldest go. */
const MAX_ANSWERS = 100_000;

export class AnswerRows {
  readonly #database: DatabaseSync;
  readonly #guarded: Guarded;

  constructor(database: DatabaseSync, guarded: Guarded) {
    this.#database = database;
    this.#guarded = guarded;
  }

  find(key: string): AssistantAnswer | null {
    return this.#guarded("read an answer", null, () => {
      const row = this.#database.prepare("SELECT answer FROM assistant_answers WHERE key = ?").get(key);
      return row === undefined ? null : JSON.parse(String(row["answer"])) as AssistantAnswer;
    });
  }

  keep(key: string, answer: AssistantAnswer): void {
    this.#guarded("store an answer", undefined, () => {
      this.#database.prepare("INSERT OR REPLACE INTO assistant_answers (key, answer) VALUES (?, ?)").run(
        key,
        JSON.stringify(answer),
      );
      this.#database.prepare(
        "DELETE FROM assistant_answers WHERE id <= (SELECT max(id) FROM assistant_answers) - ?",
      ).run(MAX_ANSWERS);
    });
  }

  /** What a job has spent so far; null if nothing. */
  spentOf(job: string): Spent | null {
    return this.#guarded("read what a job has spent", null, () => {
      const row = this.#database.prepare("SELECT spent FROM job_spending WHERE job = ?").get(job);
      return row === undefined ? null : JSON.parse(String(row["spent"])) as Spent;
    });
  }

  saveSpent(job: string, spent: Spent): void {
    this.#guarded("store what a job has spent", undefined, () => {
      this.#database.prepare("INSERT OR REPLACE INTO job_spending VALUES (?, ?)").run(job, JSON.stringify(spent));
    });
  }
}
