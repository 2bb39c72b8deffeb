/** What a training is asked with: shape, limits, and every default. */
import { z } from "zod";
import { type FieldIssue, ValidationError } from "../../errors.ts";
import type { Architecture } from "../../model/architecture.ts";
import { SPLICE_SITES, type SpliceHook } from "../../model/hook_points.ts";

/**
 * How latents are kept sparse:
 *
 * - `relu`: ReLU, and a penalty on the sum of latents (Bricken et al. 2023; decoder rows have norm 1, so that latents cannot shrink instead)
 * - `topk`: the k largest of a token (Gao et al. 2024)
 * - `batchtopk`: the largest of a batch, k a token on average; a threshold for later is tracked (Bussmann et al. 2024)
 * - `jumprelu`: a learned threshold a latent, and a penalty on the number of active latents (Rajamanoharan et al. 2024b)
 */
export const TRAINED_ARCHITECTURES = ["relu", "topk", "batchtopk", "jumprelu"] as const;
export type TrainedArchitecture = typeof TRAINED_ARCHITECTURES[number];

/** Most weights of one matrix: 128 MiB of it, and six times as much in all. */
const MAX_MATRIX = 2 ** 25;
/** Most numbers of a batch, be it latents or activations: 256 MiB in float32, of which a step holds a few. */
const MAX_BATCH = 2 ** 26;

const whole = (least: number, most: number) =>
  z.int({ error: `Expected a whole number from ${least} to ${most}` })
    .min(least, { error: `Expected at least ${least}` }).max(most, { error: `Expected at most ${most}` });

export const trainingSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,79}$/, {
    error: "Expected up to 80 small letters, digits, dots, hyphens and underscores, a letter or digit first",
  }).optional().meta({ description: "Of the dictionary; default: site and layer, as in mlp-out-1" }),
  site: z.string().max(100).meta({ description: "Hook point, as in blocks.1.hook_mlp_out" }),
  architecture: z.enum(TRAINED_ARCHITECTURES, { error: `Expected one of ${TRAINED_ARCHITECTURES.join(", ")}` }).default(
    "topk",
  ),
  latents: whole(1, 2 ** 20).meta({ description: "Size of the dictionary" }),
  k: whole(1, 4096).optional().meta({ description: "Of topk and batchtopk: active latents a token; default: 32" }),
  sparsity: z.number().positive().max(1e6).optional().meta({
    description:
      "Of relu and jumprelu: weight of the penalty, where activations have a mean square of 1 a channel; default: 5 and 1",
  }),
  steps: whole(1, 10_000_000).default(10_000),
  batch: whole(1, 65_536).default(1024).meta({ description: "Tokens of a step" }),
  learningRate: z.number().positive().max(1).optional().meta({
    description: "Default: 0.0002 times the square root of 16384 / latents",
  }),
  seed: whole(0, 2 ** 32 - 1).default(0),
});

export type TrainingInput = z.input<typeof trainingSchema>;

/** A training with every default filled in: plain data. */
export interface TrainingSpec {
  readonly name: string;
  readonly site: SpliceHook;
  readonly architecture: TrainedArchitecture;
  /** Channels of the activation. */
  readonly width: number;
  readonly latents: number;
  /** Null for those that have none. */
  readonly k: number | null;
  /** λ; null for those that have none. */
  readonly sparsity: number | null;
  readonly steps: number;
  /** Tokens of a step. */
  readonly batch: number;
  readonly learningRate: number;
  /** Steps over which the learning rate and λ rise from 0. */
  readonly warmUpSteps: number;
  /** Steps at the end over which the learning rate falls to 0. */
  readonly decaySteps: number;
  /** A latent that was active in none of so many steps is dead, and so often dead ones are begun anew. */
  readonly deadAfterSteps: number;
  readonly seed: number;
}

/** @throws {ValidationError} if the model has no such site, or something does not go together */
export function resolveTraining(
  input: z.output<typeof trainingSchema>,
  architecture: Architecture,
): TrainingSpec {
  const issues: FieldIssue[] = [];
  const site = siteOf(input.site, architecture, issues);
  const { latents, batch, steps, seed } = input;
  const width = site.endsWith(".mlp.hook_post") ? architecture.mlpWidth : architecture.modelWidth;
  const isTopK = input.architecture.endsWith("topk");
  const report = (path: string, message: string) => issues.push({ path: `training.${path}`, message });
  const k = isTopK ? input.k ?? Math.min(32, latents) : null;
  if (k !== null && k > latents) report("k", `Expected at most ${latents}, the number of latents`);
  if (!isTopK && input.k !== undefined) report("k", `Architecture ${input.architecture} has no k: expected none`);
  if (isTopK && input.sparsity !== undefined) {
    report("sparsity", `Architecture ${input.architecture} has no penalty: expected none`);
  }
  if (latents * width > MAX_MATRIX) {
    report("latents", `Expected at most ${Math.floor(MAX_MATRIX / width)} for activations of ${width} channels`);
  }
  const widest = Math.max(latents, width);
  if (widest * batch > MAX_BATCH) {
    report("batch", `Expected at most ${Math.floor(MAX_BATCH / widest)} tokens for ${latents} latents`);
  }
  if (issues.length > 0) throw new ValidationError(issues);
  return {
    name: input.name ?? defaultName(site),
    site,
    architecture: input.architecture,
    width,
    latents,
    k,
    sparsity: isTopK ? null : input.sparsity ?? (input.architecture === "relu" ? 5 : 1),
    steps,
    batch,
    learningRate: input.learningRate ?? 2e-4 * Math.sqrt(2 ** 14 / latents),
    warmUpSteps: Math.round(steps / 20),
    decaySteps: Math.round(steps / 5),
    deadAfterSteps: Math.max(1, Math.round(steps / 20)),
    seed,
  };
}

/** Learning rate of a step, counted from 0. */
export function learningRateAt({ learningRate, steps, warmUpSteps, decaySteps }: TrainingSpec, step: number): number {
  const rise = Math.min(1, (step + 1) / Math.max(1, warmUpSteps));
  const fall = Math.min(1, (steps - step) / Math.max(1, decaySteps));
  return learningRate * Math.min(rise, fall);
}

/** λ of a step, counted from 0; 0 where there is no penalty. */
export function sparsityAt({ sparsity, warmUpSteps }: TrainingSpec, step: number): number {
  return (sparsity ?? 0) * Math.min(1, (step + 1) / Math.max(1, warmUpSteps));
}

/** Whether dead latents are begun anew after a step, counted from 0: not once the learning rate falls, for they could not recover. */
export function resamplesAfter({ steps, decaySteps, deadAfterSteps }: TrainingSpec, step: number): boolean {
  return (step + 1) % deadAfterSteps === 0 && step + 1 <= steps - decaySteps - deadAfterSteps;
}

function siteOf(text: string, { layerCount }: Architecture, issues: FieldIssue[]): SpliceHook {
  const [, layer = "", place = ""] = /^blocks\.(\d{1,4})\.(.+)$/.exec(text) ?? [];
  const site = SPLICE_SITES.find((known) => known === place);
  if (site !== undefined && Number(layer) < layerCount) return `blocks.${Number(layer)}.${site}`;
  issues.push({
    path: "training.site",
    message: `There is no site ${JSON.stringify(text.slice(0, 100))}: expected blocks.LAYER. with a layer from 0 to ${
      layerCount - 1
    }, and one of ${SPLICE_SITES.join(", ")}`,
  });
  return `blocks.0.${SPLICE_SITES[0]}`;
}

/** `blocks.1.hook_mlp_out`: mlp-out-1. */
function defaultName(site: SpliceHook): string {
  const [, layer = "", ...place] = site.split(".");
  return `${place.join("-").replaceAll("hook_", "").replaceAll("_", "-")}-${layer}`;
}
