/** Explanations with their scores, and the index by which their words are found. They belong to weights (of latents
 * with those of their dictionary): who changes a model starts anew. */
import type { DatabaseSync } from "node:sqlite";
import type { RatedExplanation, RatedScore } from "../explain/compare_explainers.ts";
import type { Attempt, Explanation, Provenance, StoredScore } from "../explain/explanation.ts";
import type { Guarded } from "./guarded.ts";

/** An explanation without what the store gives it. */
export type NewExplanation = Omit<Explanation, "id" | "scores">;

export interface ExplanationRow extends Explanation {
  /** Digest of the weights. */
  readonly weights: string;
}

/** What a comparison reads of a score, as one JSON list: whole scores are long. */
const RATED = `json_extract(score, '$.scorer', '$.version', '$.assistant', '$.state', '$.textSet', '$.headline.value',
  '$.control.headline.value')`;

const FIELDS = "id, weights, model, component, dictionary, text, explainer, provenance";

/** Weights among those of a JSON list. */
const AMONG = "weights IN (SELECT value FROM json_each(?))";

export class ExplanationRows {
  readonly #database: DatabaseSync;
  readonly #guarded: Guarded;

  constructor(database: DatabaseSync, guarded: Guarded) {
    this.#database = database;
    this.#guarded = guarded;
  }

  /** Stores an explanation; the same sentence by the same explainer is the one that is there. @returns Its id */
  add(weights: string, { model, component, dictionary, text, explainer, provenance }: NewExplanation): number {
    const row = this.#database.prepare(
      `INSERT INTO explanations (weights, model, component, dictionary, text, explainer, provenance) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (weights, component, explainer, text) DO UPDATE SET provenance = excluded.provenance RETURNING id`,
    ).get(weights, model, component, dictionary, text, explainer, JSON.stringify(provenance));
    const id = Number(row?.["id"]);
    this.#database.prepare("INSERT OR REPLACE INTO explanation_words (rowid, text) VALUES (?, ?)").run(id, text);
    return id;
  }

  /** Stores a score, in place of the one that the same scorer gave before. */
  saveScore(explanation: number, score: StoredScore): void {
    this.#guarded("store a score", undefined, () => {
      this.#database.prepare("INSERT OR REPLACE INTO explanation_scores VALUES (?, ?, ?)").run(
        explanation,
        score.scorer,
        JSON.stringify(score),
      );
    });
  }

  find(id: number): ExplanationRow | null {
    return this.#guarded("read an explanation", null, () => {
      const row = this.#database.prepare(`SELECT ${FIELDS} FROM explanations WHERE id = ?`).get(id);
      return row === undefined ? null : this.#read(row);
    });
  }

  /** Of one component, oldest first. */
  list(weights: string, component: string): readonly ExplanationRow[] {
    return this.#guarded("list explanations", [], () => {
      const rows = this.#database.prepare(
        `SELECT ${FIELDS} FROM explanations WHERE weights = ? AND component = ? ORDER BY id`,
      ).all(weights, component);
      return rows.map((row) => this.#read(row));
    });
  }

  /** Every explanation with some weights, in the order of their making. */
  *all(weights: readonly string[]): Generator<ExplanationRow> {
    const ids = this.#database.prepare(`SELECT id FROM explanations WHERE ${AMONG} ORDER BY id`).all(
      JSON.stringify(weights),
    );
    for (const { id } of ids) {
      const row = this.find(Number(id));
      if (row !== null) yield row;
    }
  }

  /** Another text after whatever is written to the database, by whomever. */
  state(): string {
    return this.#guarded("compare explainers", "", () => {
      const own = this.#database.prepare("SELECT total_changes() AS n").get()?.["n"];
      const others = this.#database.prepare("PRAGMA data_version").get()?.["data_version"];
      return `${own} ${others}`;
    });
  }

  /** What a comparison reads of explanations with some weights, in the order of their making, some at a time. */
  rated(
    weights: readonly string[],
    { after, limit }: { readonly after: number; readonly limit: number },
  ): readonly RatedExplanation[] {
    return this.#guarded("compare explainers", [], () => {
      const scores = this.#database.prepare(
        `SELECT ${RATED} AS rated FROM explanation_scores WHERE explanation = ? ORDER BY scorer`,
      );
      const rows = this.#database.prepare(
        `SELECT id, component, dictionary, explainer, json_extract(provenance, '$.assistant') AS assistant
         FROM explanations WHERE id > ? AND ${AMONG} ORDER BY id LIMIT ?`,
      ).all(after, JSON.stringify(weights), limit);
      return rows.map(({ id, component, dictionary, explainer, assistant }) => ({
        id: Number(id),
        component: String(component),
        dictionary: dictionary === null ? null : String(dictionary),
        // Whoever wrote the row wrote one of ours.
        explainer: String(explainer) as Explanation["explainer"],
        provenance: { assistant: assistant === null ? null : String(assistant) },
        scores: scores.all(Number(id)).map(({ rated }) => ratedScore(String(rated))),
      }));
    });
  }

  /** Explanations that hold all the words, the nearest first. @param words Beginnings of words, without signs */
  search(
    weights: readonly string[],
    { words, limit, offset }: { readonly words: readonly string[]; readonly limit: number; readonly offset: number },
  ): { readonly total: number; readonly rows: readonly ExplanationRow[] } {
    return this.#guarded("search explanations", { total: 0, rows: [] }, () => {
      // In quotes a word is only a word, whatever the query language would make of it.
      const query = words.map((word) => `"${word.replaceAll('"', '""')}"*`).join(" ");
      const from = `FROM explanation_words JOIN explanations ON explanations.id = explanation_words.rowid
        WHERE explanation_words MATCH ? AND explanations.${AMONG}`;
      const among = JSON.stringify(weights);
      const total = Number(this.#database.prepare(`SELECT count(*) AS n ${from}`).get(query, among)?.["n"] ?? 0);
      const columns = FIELDS.split(", ").map((field) => `explanations.${field}`).join(", ");
      const rows = this.#database.prepare(
        `SELECT ${columns} ${from} ORDER BY bm25(explanation_words), explanations.id LIMIT ? OFFSET ?`,
      ).all(query, among, limit, offset);
      return { total, rows: rows.map((row) => this.#read(row)) };
    });
  }

  /** @returns Whether it was there */
  remove(id: number): boolean {
    return this.#guarded("remove an explanation", false, () => {
      this.#database.prepare("DELETE FROM explanation_words WHERE rowid = ?").run(id);
      this.#database.prepare("DELETE FROM explanation_failures WHERE json_extract(attempt, '$.explanation') = ?").run(
        id,
      );
      return Number(this.#database.prepare("DELETE FROM explanations WHERE id = ?").run(id).changes) > 0;
    });
  }

  /** Attempts that failed, of one component. */
  failures(weights: string, component: string): readonly Attempt[] {
    return this.#guarded("list failed attempts", [], () => {
      const rows = this.#database.prepare(
        "SELECT attempt FROM explanation_failures WHERE weights = ? AND component = ? ORDER BY explainer",
      ).all(weights, component);
      return rows.map((row) => JSON.parse(String(row["attempt"])) as Attempt);
    });
  }

  /** Keeps how an explainer failed, in place of what it failed with before; null: it did not. */
  saveFailure(weights: string, component: string, { by, attempt }: {
    readonly by: string;
    readonly attempt: Attempt | null;
  }): void {
    this.#guarded("store a failed attempt", undefined, () => {
      this.#database.prepare("DELETE FROM explanation_failures WHERE weights = ? AND component = ? AND explainer = ?")
        .run(weights, component, by);
      if (attempt === null) return;
      this.#database.prepare("INSERT INTO explanation_failures VALUES (?, ?, ?, ?)").run(
        weights,
        component,
        by,
        JSON.stringify(attempt),
      );
    });
  }

  #read(row: Readonly<Record<string, unknown>>): ExplanationRow {
    const id = Number(row["id"]);
    const scores = this.#database.prepare(
      "SELECT score FROM explanation_scores WHERE explanation = ? ORDER BY scorer",
    ).all(id);
    return {
      id,
      weights: String(row["weights"]),
      model: String(row["model"]),
      component: String(row["component"]),
      dictionary: row["dictionary"] === null ? null : String(row["dictionary"]),
      text: String(row["text"]),
      // Whoever wrote the row wrote one of ours.
      explainer: String(row["explainer"]) as Explanation["explainer"],
      provenance: provenanceOf(String(row["provenance"])),
      scores: scores.map(({ score }) => JSON.parse(String(score)) as StoredScore),
    };
  }
}

/** Those that are older than the keeping of prompts have none. */
function provenanceOf(json: string): Provenance {
  return { prompt: null, ...JSON.parse(json) as Omit<Provenance, "prompt"> & Partial<Provenance> };
}

function ratedScore(list: string): RatedScore {
  const [scorer, version, assistant, state, textSet, value, control] = JSON.parse(list) as [
    RatedScore["scorer"],
    string | null,
    string | null,
    RatedScore["state"],
    string | null,
    number | null,
    number | null,
  ];
  return {
    scorer,
    version,
    assistant,
    state,
    textSet,
    headline: value === null ? null : { value },
    control: control === null ? null : { headline: { value: control } },
  };
}
