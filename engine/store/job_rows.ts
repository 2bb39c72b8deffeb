/** Jobs as they are kept between starts. */
import type { DatabaseSync } from "node:sqlite";
import type { Job } from "../jobs/job.ts";
import type { Guarded } from "./guarded.ts";

export class JobRows {
  readonly #database: DatabaseSync;
  readonly #guarded: Guarded;

  constructor(database: DatabaseSync, guarded: Guarded) {
    this.#database = database;
    this.#guarded = guarded;
  }

  /** Every job, in the order of asking. */
  list(): readonly Job[] {
    return this.#guarded("list jobs", [], () => {
      const rows = this.#database.prepare("SELECT job FROM jobs ORDER BY place").all();
      return rows.map((row) => JSON.parse(String(row["job"])) as Job);
    });
  }

  /** Stores a job as it is now. @param place Among all jobs; one that is asked for again takes a new one */
  save(job: Job, place: number): void {
    this.#guarded("store a job", undefined, () => {
      this.#database.prepare("INSERT OR REPLACE INTO jobs VALUES (?, ?, ?)").run(job.id, place, JSON.stringify(job));
    });
  }
}
