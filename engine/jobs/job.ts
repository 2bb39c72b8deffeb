/** Long work that goes on behind what people are waiting for: what is asked, and how far it is. */
import { z } from "zod";
import { trainingSchema, type TrainingSpec } from "../dictionaries/training/training_spec.ts";

export const JOB_KINDS = ["means", "sweep", "train"] as const;
export type JobKind = typeof JOB_KINDS[number];

export const JOB_STATES = ["queued", "running", "paused", "done", "cancelled", "failed"] as const;
export type JobState = typeof JOB_STATES[number];

export const jobRequestSchema = z.strictObject({
  kind: z.enum(JOB_KINDS, { error: `Expected one of ${JOB_KINDS.join(", ")}` }).meta({
    description:
      "means: mean values of all nodes over reference texts; sweep: records of all components, or of a dictionary's latents, over a text " +
      "set; train: a dictionary, trained on the activations of a text set",
  }),
  model: z.string().optional().meta({ description: "Id of a loaded model; default: the first" }),
  textSet: z.string().max(200).optional().meta({
    description: "Of a sweep or a training: id of a text set; default: the first",
  }),
  dictionary: z.string().max(300).optional().meta({
    description:
      "Of a sweep: id of a dictionary whose latents are swept; default: none, the model's own components are",
  }),
  training: trainingSchema.optional().meta({ description: "Of a training: what is trained, and how" }),
}).superRefine(({ kind, training, dictionary }, context) => {
  const refuse = (field: string, message: string) => context.addIssue({ code: "custom", path: [field], message });
  if (dictionary !== undefined && kind !== "sweep") {
    refuse("dictionary", "Expected none: only sweeps are of a dictionary");
  }
  if (kind === "train" && training === undefined) refuse("training", "Expected what is to be trained, and how");
  if (kind !== "train" && training !== undefined) {
    refuse("training", `Expected none: a job of kind ${kind} trains nothing`);
  }
});

export type JobRequest = z.input<typeof jobRequestSchema>;

export interface Job {
  /**
   * Kind, model and, of a sweep, text set and dictionary, of a training, name: `means:demo`, `sweep:demo:corpus`,
   * `sweep:demo:corpus:mlp-out-1`, `train:demo:mlp-out-1`.
   */
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
  readonly unit: "texts" | "sequences" | "steps";
  /** Units a second since the work was begun or resumed; null before anything is known. */
  readonly perSecond: number | null;
  /** Null unless the job is running and its pace is known. */
  readonly etaSeconds: number | null;
  /** Why it failed; else null. */
  readonly problem: string | null;
  /** Of a sweep of latents: id of their dictionary. */
  readonly dictionary?: string;
  /** Of a training: every choice that was made. */
  readonly training?: TrainingSpec;
}
