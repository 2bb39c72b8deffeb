/**
 * Golden cases: numbers that another implementation computed (see `tests/fixtures/golden/README.md`), each paired with the
 * names of our API that it follows from.
 */
import { fileURLToPath } from "node:url";
import { GoldenModel, type TensorLookup, translation } from "./golden_rules.ts";
import { readSafetensors } from "./safetensors_fixture.ts";

/** One golden tensor and how to get it from ours. */
export interface GoldenExpectation {
  readonly goldenName: string;
  /** Names in our API that `compute` looks up. */
  readonly needs: readonly string[];
  /** The golden tensor, computed from ours, in the golden layout. */
  readonly compute: (get: TensorLookup) => Float64Array;
  readonly expected: Float32Array;
  readonly shape: readonly number[];
  /** Largest |entry|. */
  readonly maxAbs: number;
  /** Largest float32 rounding error of the other implementation. */
  readonly noise: number;
}

/** The question that a case asks, in our words. */
export interface GoldenRequest {
  readonly modelFolder: string;
  readonly tokens: readonly number[];
  readonly targets: readonly number[];
  readonly distractors: readonly number[];
  readonly objectiveKind: "logit-diff" | "logit" | "prob";
  readonly freezeFinalNorm: boolean;
}

export interface GoldenCase {
  readonly request: GoldenRequest;
  /** J in float64. */
  readonly objective: number;
  readonly expectations: readonly GoldenExpectation[];
  /** The table of components, where the case has one. */
  readonly ui?: GoldenUi;
}

/** `[kind, layer or null, index]`: head indices are `[query, key, head]`, all others `[token, unit]`. */
export type GoldenNode = readonly [kind: string, layer: number | null, index: readonly number[]];

export interface GoldenTable {
  readonly nodes: readonly GoldenNode[];
  /** By group (`write_norm`, `act_times_grad`, `direction_write`, `activation`), parallel to `nodes`. */
  readonly values: Readonly<Record<string, readonly number[]>>;
  /** By group and derived value: `[token]`, or `[query][key]` for heads. */
  readonly sums: Readonly<Record<string, Readonly<Record<string, readonly (number | readonly number[])[]>>>>;
}

export interface GoldenUi {
  readonly k: number;
  readonly responses: readonly {
    readonly loss: number;
    readonly topKComponents: GoldenTable;
    readonly componentSumsForTokenDisplay: GoldenTable;
    readonly topOutputTokenLogits: GoldenTable;
  }[];
}

/** The allowance within which a float32 implementation should agree. */
export function goldenAllowance({ maxAbs, noise }: Pick<GoldenExpectation, "maxAbs" | "noise">): number {
  return Math.max(1e-5 * maxAbs, 20 * noise, 1e-6);
}

const FOLDER = new URL("../fixtures/golden/", import.meta.url);

/** Names of all cases in the fixtures folder, sorted. */
export function goldenCaseNames(): string[] {
  return [...Deno.readDirSync(new URL("cases/", FOLDER))].map(({ name }) => name)
    .filter((name) => name.endsWith(".safetensors")).map((name) => name.slice(0, -".safetensors".length)).sort();
}

/** Folder of a golden model, as `--models` takes it. */
export function goldenModelFolder(model: string): string {
  return fileURLToPath(new URL(`models/${model}`, FOLDER));
}

/**
 * Loads a case and translates every tensor of it.
 * @throws {RangeError} if the case asks for, or holds, something that no rule covers.
 */
export async function goldenExpectations(caseName: string): Promise<GoldenCase> {
  const description: CaseFile = JSON.parse(await Deno.readTextFile(new URL(`cases/${caseName}.json`, FOLDER)));
  const { tensors } = readSafetensors(await Deno.readFile(new URL(`cases/${caseName}.safetensors`, FOLDER)));
  const modelFolder = goldenModelFolder(description.model);
  const weights = readSafetensors(await Deno.readFile(`${modelFolder}/model.safetensors`)).tensors;
  const { "n_layer": layerCount, "n_head": headCount } = JSON.parse(
    await Deno.readTextFile(`${modelFolder}/config.json`),
  );
  const model = new GoldenModel(weights, layerCount, headCount);
  const expectations = [...tensors].map(([goldenName, { shape, data }]): GoldenExpectation => {
    const row = description.tensors[goldenName];
    if (row === undefined || data instanceof Float64Array) {
      throw new RangeError(`Internal: ${goldenName} is not described`);
    }
    const { needs, compute } = translation(model, goldenName, { axes: row.axes, shape });
    return { goldenName, needs, compute, expected: data, shape, maxAbs: row["max_abs"], noise: row.noise };
  });
  const ui = await readUi(caseName);
  return {
    request: { modelFolder, ...requestOf(description) },
    objective: description["scalars_float64"].loss,
    expectations,
    ...(ui === null ? {} : { ui }),
  };
}

interface CaseFile {
  readonly model: string;
  readonly request: {
    readonly via: "ui" | "generic";
    readonly "prompt_ids": readonly number[];
    readonly "freeze_final_ln_scale"?: boolean;
    readonly loss: {
      readonly name?: string;
      readonly "target_ids": readonly number[];
      readonly "distractor_ids"?: readonly number[];
    };
  };
  readonly "scalars_float64": { readonly loss: number };
  readonly tensors: Readonly<
    Record<string, { readonly axes: readonly string[]; readonly "max_abs": number; readonly noise: number }>
  >;
}

const REQUEST_KEYS = new Set(["via", "prompt_ids", "loss", "freeze_final_ln_scale"]);

function requestOf({ request }: CaseFile): Omit<GoldenRequest, "modelFolder"> {
  const unknown = Object.keys(request).filter((key) => !REQUEST_KEYS.has(key));
  if (unknown.length > 0) throw new RangeError(`Cannot translate the request's ${unknown.join(", ")}`);
  return {
    tokens: request["prompt_ids"],
    targets: request.loss["target_ids"],
    distractors: request.loss["distractor_ids"] ?? [],
    objectiveKind: objectiveKindOf(request.loss.name ?? "logit_diff"),
    freezeFinalNorm: request["freeze_final_ln_scale"] ?? request.via === "ui",
  };
}

function objectiveKindOf(lossName: string): GoldenRequest["objectiveKind"] {
  switch (lossName) {
    case "logit_diff":
      return "logit-diff";
    case "logit_minus_mean":
      return "logit";
    case "probs":
      return "prob";
    default:
      throw new RangeError(`Cannot translate loss "${lossName}"`);
  }
}

async function readUi(caseName: string): Promise<GoldenUi | null> {
  try {
    return JSON.parse(await Deno.readTextFile(new URL(`cases/${caseName}.ui.json`, FOLDER)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
