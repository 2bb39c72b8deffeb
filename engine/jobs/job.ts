/** Long work that goes on behind what people are waiting for: what is asked, and how far it is. */
import { z } from "zod";
import { type ExplainTask, explainTaskSchema } from "../explain/explanation.ts";

export const JOB_KINDS = ["means", "sweep", "explain"] as const;
export type JobKind = typeof JOB_KINDS[number];

export const JOB_STATES = ["queued", "running", "paused", "done", "cancelled", "failed"] as const;
export type JobState = typeof JOB_STATES[number];

export const jobRequestSchema = z.strictObject({
  kind: z.enum(JOB_KINDS, { error: `Expected one of ${JOB_KINDS.join(", ")}` }).meta({
    description:
      "means: mean values of all nodes over reference texts; sweep: records of all components over a text set; explain: " +
      "explanations of components, with scores",
  }),
  model: z.string().optional().meta({ description: "Id of a loaded model; default: the first" }),
  textSet: z.string().max(200).optional().meta({
    description: "Of a sweep or explanations: id of a text set; default: the first",
  }),
  explain: explainTaskSchema.optional().meta({ description: "Of explanations: of what, by whom, for how much" }),
});

export type JobRequest = z.input<typeof jobRequestSchema>;
/** A request that has been checked. */
export type JobSpec = z.output<typeof jobRequestSchema>;

export interface Job {
  /** Kind, model and what else tells it apart: `means:demo`, `sweep:demo:corpus`, `explain:demo:statistical:mlp/3:…`. */
  readonly id: string;
  readonly kind: JobKind;
  readonly model: string;
  /** Null where the kind of work has none. */
  readonly textSet: string | null;
  /** What is explained; of other kinds absent. */
  readonly explain?: ExplainTask;
  /** Jobs run one at a time, in the order in which they were asked for. */
  readonly state: JobState;
  /** Units done so far, of `total`; both 0 until the texts have been read. */
  readonly done: number;
  readonly total: number;
  readonly unit: "texts" | "sequences" | "components";
  /** Units a second since the work was begun or resumed; null before anything is known. */
  readonly perSecond: number | null;
  /** Null unless the job is running and its pace is known. */
  readonly etaSeconds: number | null;
  /** Why it failed; else null. */
  readonly problem: string | null;
}
