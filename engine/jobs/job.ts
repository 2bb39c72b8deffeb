/** Long work that goes on behind what people are waiting for: what is asked, and how far it is. */
import { z } from "zod";

export const JOB_KINDS = ["means", "sweep"] as const;
export type JobKind = typeof JOB_KINDS[number];

export const JOB_STATES = ["queued", "running", "paused", "done", "cancelled", "failed"] as const;
export type JobState = typeof JOB_STATES[number];

export const jobRequestSchema = z.strictObject({
  kind: z.enum(JOB_KINDS, { error: `Expected one of ${JOB_KINDS.join(", ")}` }).meta({
    description:
      "means: mean values of all nodes over reference texts; sweep: records of all components, or of a dictionary's latents, over a text set",
  }),
  model: z.string().optional().meta({ description: "Id of a loaded model; default: the first" }),
  textSet: z.string().max(200).optional().meta({ description: "Of a sweep: id of a text set; default: the first" }),
  dictionary: z.string().max(300).optional().meta({
    description:
      "Of a sweep: id of a dictionary whose latents are swept; default: none, the model's own components are",
  }),
}).refine(({ kind, dictionary }) => dictionary === undefined || kind === "sweep", {
  path: ["dictionary"],
  message: "Expected none: only sweeps are of a dictionary",
});

export type JobRequest = z.input<typeof jobRequestSchema>;

export interface Job {
  /** Kind, model and, of a sweep, text set and dictionary: `means:demo`, `sweep:demo:corpus`, `sweep:demo:corpus:mlp-out-1`. */
  readonly id: string;
  readonly kind: JobKind;
  readonly model: string;
  /** Null where the kind of work has none. */
  readonly textSet: string | null;
  /** Jobs run one at a time, in the order in which they were asked for. */
  readonly state: JobState;
  /** Units done so far, of `total`; both 0 until the texts have been read. */
  readonly done: number;
  readonly total: number;
  readonly unit: "texts" | "sequences";
  /** Units a second since the work was begun or resumed; null before anything is known. */
  readonly perSecond: number | null;
  /** Null unless the job is running and its pace is known. */
  readonly etaSeconds: number | null;
  /** Why it failed; else null. */
  readonly problem: string | null;
  /** Of a sweep of latents: id of their dictionary. */
  readonly dictionary?: string;
}
