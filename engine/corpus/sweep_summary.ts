/** Text sets and sweeps over them, as pages and the API list them. */

/** Texts that a model can be swept over. */
export interface TextSet {
  /** Name of the file without its extension; `corpus` is the one in the model's folder. */
  readonly id: string;
  readonly sizeBytes: number;
  /** Where it is from, in words: “the model’s folder”, “--corpus”. */
  readonly origin: string;
}

/** What has been collected of a model, or of one of its dictionaries, over a text set. */
export interface SweepSummary {
  readonly model: string;
  /** Id of the dictionary whose latents were swept; null for the model's own components. */
  readonly dictionary: string | null;
  readonly textSet: string;
  /** `done`: all of it. `partial`: a sweep was begun and is under way, paused or given up; what it has can be read. */
  readonly state: "none" | "partial" | "done";
  readonly sequencesDone: number;
  readonly sequenceCount: number;
  readonly tokensDone: number;
}
