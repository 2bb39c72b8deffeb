/** Long work that goes on behind what people are waiting for: what is asked, and how far it is. */
import { z } from "zod";
import { trainingSchema, type TrainingSpec } from "../dictionaries/training/training_spec.ts";
import { type ExplainTask, explainTaskSchema } from "../explain/explanation.ts";

export const JOB_KINDS = ["means", "sweep", "train", "explain"] as const;
export type JobKind = typeof JOB_KINDS[number];

export const JOB_STATES = ["queued", "running", "paused", "done", "cancelled", "failed"] as const;
export type JobState = typeof JOB_STATES[number];

export const jobRequestSchema = z.strictObject({
  kind: z.enum(JOB_KINDS, { error: `Expected one of ${JOB_KINDS.join(", ")}` }).meta({
    description:
      "means: mean values of all nodes over reference texts; sweep: records of all components, or of a dictionary's latents, over a text " +
      "set; train: a dictionary, trained on the activations of a text set; explain: explanations of components, with scores",
  }),
  model: z.string().optional().meta({ description: "Id of a loaded model; default: the first" }),
  textSet: z.string().max(200).optional().meta({
    description: "Of all but means: id of a text set; default: the first",
  }),
  dictionary: z.string().max(300).optional().meta({
    description:
      "Of a sweep: id of a dictionary whose latents are swept; default: none, the model's own components are",
  }),
  training: trainingSchema.optional().meta({ description: "Of a training: what is trained, and how" }),
  explain: explainTaskSchema.optional().meta({ description: "Of explanations: of what, by whom, for how much" }),
}).superRefine(({ kind, training, dictionary, explain }, context) => {
  const refuse = (field: string, message: string) => context.addIssue({ code: "custom", path: [field], message });
  if (dictionary !== undefined && kind !== "sweep") {
    refuse("dictionary", "Expected none: only sweeps are of a dictionary");
  }
  if (kind === "train" && training === undefined) refuse("training", "Expected what is to be trained, and how");
  if (kind !== "train" && training !== undefined) {
    refuse("training", `Expected none: a job of kind ${kind} trains nothing`);
  }
  if (kind === "explain" && explain === undefined) refuse("explain", "Expected what is to be explained, and by whom");
  if (kind !== "explain" && explain !== undefined) {
    refuse("explain", `Expected none: a job of kind ${kind} explains nothing`);
  }
});

export type JobRequest = z.input<typeof jobRequestSchema>;
/** A request that has been checked. */
export type JobSpec = z.output<typeof jobRequestSchema>;

export interface Job {
  /**
   * Kind, model and, of a sweep, text set and dictionary, of a training, name: `means:demo`, `sweep:demo:corpus`,
   * `sweep:demo:corpus:mlp-out-1`, `train:demo:mlp-out-1`; of explanations, who explains what: `explain:demo:statistical:mlp/3:…`.
   */
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
  readonly unit: "texts" | "sequences" | "steps" | "components";
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
