/** The flags of `deno task train-dictionary` that no other command has. */
import { basename, dirname, resolve } from "node:path";
import type { TrainingInput } from "./dictionaries/training/training_spec.ts";
import { StartError } from "./errors.ts";

export const TRAINING_HELP = `  --site HOOK          where, as in blocks.1.hook_mlp_out
  --latents NUMBER     size of the dictionary
  --out DIR            new folder that the dictionary is written into; its last part is the dictionary's name
  --model ID           model that is read (default: the first)
  --text-set ID        texts that it is trained on (default: the first)
  --architecture NAME  topk, relu, batchtopk or jumprelu (default topk)
  --k NUMBER           active latents a token, of topk and batchtopk (default 32)
  --sparsity NUMBER    weight of the penalty, of relu (default 5) and jumprelu (default 1)
  --steps NUMBER       (default 10000)
  --batch NUMBER       tokens of a step (default 1024)
  --learning-rate X    (default 0.0002 times the square root of 16384 / latents)
  --seed NUMBER        (default 0)`;

/** What is to be trained, and where it goes. */
export interface TrainingOrder {
  /** Null: the first. */
  readonly model: string | null;
  readonly textSet: string | null;
  readonly training: TrainingInput;
  /** Folder of the dictionary's folder. */
  readonly trainedFolder: string;
}

const NUMBERS = ["latents", "k", "sparsity", "steps", "batch", "learning-rate", "seed"] as const;
const TEXTS = ["site", "out", "text-set", "architecture"] as const;
type TrainingFlag = typeof NUMBERS[number] | typeof TEXTS[number];

/** Flags as they were given. */
export type TrainingFlags = ReadonlyMap<TrainingFlag, string>;

/** Separates these flags from all others, which are left as they are. @throws {StartError} if one has no value or comes twice */
export function takeTrainingFlags(
  args: readonly string[],
): { readonly order: TrainingFlags; readonly rest: readonly string[] } {
  const order = new Map<TrainingFlag, string>();
  const rest: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const [, name = "", inline] = /^--([a-z-]+)(?:=(.*))?$/s.exec(args[i] ?? "") ?? [];
    const flag = [...NUMBERS, ...TEXTS].find((known) => known === name);
    if (flag === undefined) {
      rest.push(args[i] ?? "");
      continue;
    }
    const value = inline ?? args[++i];
    if (value === undefined || value === "") throw new StartError(`Cannot start: --${flag} has no value`);
    if (order.has(flag)) throw new StartError(`Cannot start: --${flag} is given twice, expected once`);
    order.set(flag, value);
  }
  return { order, rest };
}

/** @throws {StartError} if something is missing, or no number */
export function trainingOrder(flags: TrainingFlags, model: string | null): TrainingOrder {
  const required = (flag: TrainingFlag) => {
    const value = flags.get(flag);
    if (value === undefined) throw new StartError(`Cannot train: --${flag} is missing; --help lists the flags`);
    return value;
  };
  const out = resolve(required("out"));
  return {
    model,
    textSet: flags.get("text-set") ?? null,
    trainedFolder: dirname(out),
    training: {
      name: basename(out),
      site: required("site"),
      latents: numberOf("latents", required("latents")),
      ...optional(flags, "k", "k"),
      ...optional(flags, "sparsity", "sparsity"),
      ...optional(flags, "steps", "steps"),
      ...optional(flags, "batch", "batch"),
      ...optional(flags, "learning-rate", "learningRate"),
      ...optional(flags, "seed", "seed"),
      // What it may be is said when it is checked with all the rest.
      ...flags.has("architecture")
        ? { architecture: flags.get("architecture") as NonNullable<TrainingInput["architecture"]> }
        : {},
    },
  };
}

/** The flag that a field of a training was given by. */
export function flagOf(field: string): string {
  if (field === "training.name") return "--out";
  if (field === "textSet") return "--text-set";
  return field.replace(/^training\./, "--").replace("learningRate", "learning-rate");
}

function optional<Name extends keyof TrainingInput>(
  flags: TrainingFlags,
  flag: typeof NUMBERS[number],
  name: Name,
): { readonly [K in Name]?: number } {
  const value = flags.get(flag);
  return value === undefined ? {} : { [name]: numberOf(flag, value) } as { readonly [K in Name]: number };
}

function numberOf(flag: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) {
    throw new StartError(`Cannot train: --${flag} is "${text}", expected a number`);
  }
  return value;
}
