/**
 * Golden cases: numbers that another implementation computed (see `tests/fixtures/golden/README.md`), each paired with the
 * names of our API that it follows from.
 */
import { fileURLToPath } from "node:url";
import type { Edit } from "../../engine/circuit/edits.ts";
import { HEAD_PATHS, type HeadPath, type Trace, type TracedNode } from "../../engine/circuit/trace.ts";
import { SITES } from "./golden_dictionaries.ts";
import { type GoldenAutoencoder, GoldenModel, type TensorLookup } from "./golden_rule_parts.ts";
import { translation } from "./golden_rules.ts";
import { readSafetensors } from "./safetensors_fixture.ts";

export interface GoldenTensor {
  readonly goldenName: string;
  readonly expected: Float32Array;
  readonly shape: readonly number[];
  /** Largest |entry|. */
  readonly maxAbs: number;
  /** Largest float32 rounding error of the other implementation. */
  readonly noise: number;
}

/** One golden tensor and how to get it from ours. */
export interface GoldenExpectation extends GoldenTensor {
  /** Names in our API that `compute` looks up. */
  readonly needs: readonly string[];
  /** The golden tensor, computed from ours, in the golden layout. */
  readonly compute: (get: TensorLookup) => Float64Array;
}

/** The question that a case asks, in our words. */
export interface GoldenRequest {
  readonly modelFolder: string;
  readonly tokens: readonly number[];
  readonly targets: readonly number[];
  readonly distractors: readonly number[];
  readonly objectiveKind: "logit-diff" | "logit" | "prob";
  readonly freezeFinalNorm: boolean;
  readonly edits: readonly Edit[];
  readonly trace: Trace | null;
  /** Names of the autoencoders that are spliced in, as `goldenDictionaries` takes them. */
  readonly autoencoders: readonly string[];
}

export interface GoldenCase {
  readonly request: GoldenRequest;
  /** J in float64: the loss, or the traced scalar. */
  readonly objective: number;
  readonly expectations: readonly GoldenExpectation[];
  /** What an edge or token case says of single nodes, by name, as `node0.token_write`: no tensor of a question, but a request of its own. */
  readonly ofNodes: ReadonlyMap<string, GoldenTensor>;
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

/** Both ends of a list of the vocabulary. */
export type GoldenTokenList = Readonly<
  Record<"top" | "bottom", readonly (readonly [id: number, score: number, normalized: number])[]>
>;

export interface GoldenUi {
  readonly k: number;
  /** Lists of single nodes are parallel to the nodes of `topKComponents`, null where a node has none. */
  readonly responses: readonly {
    readonly loss: number | null;
    readonly upvotedOutputTokens: readonly (GoldenTokenList | null)[];
    readonly inputTokensThatUpvoteMlp: readonly (GoldenTokenList | null)[];
    readonly tokenPairAttribution: readonly (
      | { readonly "key_tokens": readonly number[]; readonly attributions: readonly number[] }
      | null
    )[];
    readonly topKComponents: GoldenTable;
    readonly componentSumsForTokenDisplay: GoldenTable;
    readonly topOutputTokenLogits: GoldenTable;
  }[];
}

/** The allowance within which a float32 implementation should agree. */
export function goldenAllowance({ maxAbs, noise }: Pick<GoldenTensor, "maxAbs" | "noise">): number {
  return Math.max(1e-5 * maxAbs, 20 * noise, 1e-6);
}

const FOLDER = new URL("../fixtures/golden/", import.meta.url);

/** Names of the cases that are questions, sorted. */
export function goldenCaseNames(): string[] {
  return caseNamesIn("cases/");
}

/** Names of the cases on edges and vocabulary scores, sorted. */
export function goldenNodeCaseNames(): string[] {
  return caseNamesIn("other/");
}

function caseNamesIn(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, FOLDER))].map(({ name }) => name)
    .filter((name) => name.endsWith(".safetensors")).map((name) => name.slice(0, -".safetensors".length)).sort();
}

/** Description of a case, as its file has it. */
export async function goldenDescription(caseName: string): Promise<CaseFile> {
  return JSON.parse(await Deno.readTextFile(caseUrl(caseName, "json")));
}

function caseUrl(caseName: string, ending: string): URL {
  return new URL(`${goldenNodeCaseNames().includes(caseName) ? "other" : "cases"}/${caseName}.${ending}`, FOLDER);
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
  const description = await goldenDescription(caseName);
  const { tensors } = readSafetensors(await Deno.readFile(caseUrl(caseName, "safetensors")));
  const modelFolder = goldenModelFolder(description.model);
  const weights = readSafetensors(await Deno.readFile(`${modelFolder}/model.safetensors`)).tensors;
  const { "n_layer": layerCount, "n_head": headCount } = JSON.parse(
    await Deno.readTextFile(`${modelFolder}/config.json`),
  );
  const model = new GoldenModel(weights, {
    layerCount,
    headCount,
    autoencoders: await autoencodersOf(description),
    tracedMlp: tracedMlpOf(description.request.trace),
  });
  const all = [...tensors].map(([goldenName, { shape, data }]): GoldenTensor & { readonly axes: readonly string[] } => {
    const row = description.tensors[goldenName];
    if (row === undefined || data instanceof Float64Array) {
      throw new RangeError(`Internal: ${goldenName} is not described`);
    }
    return { goldenName, expected: data, shape, maxAbs: row["max_abs"], noise: row.noise, axes: row.axes };
  });
  const isOfNode = ({ goldenName }: GoldenTensor) => /^(node|edge|input_score)\d+/.test(goldenName);
  const expectations = all.filter((tensor) => !isOfNode(tensor)).map((tensor): GoldenExpectation => ({
    ...tensor,
    ...translation(model, tensor.goldenName, tensor),
  }));
  const ui = await readUi(caseName);
  return {
    request: { modelFolder, ...requestOf(description), autoencoders: description.autoencoders ?? [] },
    objective: description["scalars_float64"]["traced_value"] ?? description["scalars_float64"].loss ?? NaN,
    expectations,
    ofNodes: new Map(all.filter(isOfNode).map((tensor) => [tensor.goldenName, tensor])),
    ...(ui === null ? {} : { ui }),
  };
}

export interface CaseFile {
  readonly model: string;
  readonly autoencoders?: readonly string[];
  readonly "attention_latent"?: { readonly layer: number; readonly latent: number };
  readonly request: {
    readonly via: "ui" | "generic";
    readonly "prompt_ids": readonly number[];
    readonly "freeze_final_ln_scale"?: boolean;
    readonly loss?: {
      readonly name?: string;
      readonly "target_ids": readonly number[];
      readonly "distractor_ids"?: readonly number[];
    };
    readonly "node_ablations"?: readonly { readonly node: GoldenNodeFile; readonly value: number }[];
    readonly "location_ablations"?: readonly {
      readonly location: string;
      readonly layer: number;
      readonly index: readonly (number | "all")[];
      readonly value: number;
    }[];
    readonly trace?: GoldenTraceFile & { readonly downstream?: GoldenTraceFile };
    readonly nodes?: readonly GoldenWriterFile[];
    readonly "input_score_nodes"?: readonly {
      readonly type: string;
      readonly layer: number;
      readonly index: number;
    }[];
    readonly edges?: readonly {
      readonly kind: "out" | "in";
      readonly node: GoldenNodeFile;
      readonly sub?: HeadPath;
      readonly freeze: boolean;
    }[];
  };
  readonly "scalars_float64": { readonly loss?: number; readonly "traced_value"?: number };
  readonly tensors: Readonly<
    Record<string, { readonly axes: readonly string[]; readonly "max_abs": number; readonly noise: number }>
  >;
}

/** A node as a writer, embeddings among them, which have no layer. */
export interface GoldenWriterFile {
  readonly type: string;
  readonly layer: number | null;
  readonly index: readonly number[];
}

interface GoldenNodeFile {
  readonly type: string;
  readonly layer: number;
  readonly index: readonly number[];
}

interface GoldenTraceFile {
  readonly node: GoldenNodeFile;
  readonly act?: "pre" | "post";
  readonly attention?: string;
  readonly "freeze_ln_scale"?: boolean;
}

const REQUEST_KEYS = new Set([
  "via",
  "prompt_ids",
  "loss",
  "freeze_final_ln_scale",
  "node_ablations",
  "location_ablations",
  "trace",
]);

/** Keys of requests that ask for single nodes besides: what they ask is in `ofNodes`. */
const NODE_KEYS = new Set(["nodes", "input_score_nodes", "edges"]);

function requestOf({ request, autoencoders = [] }: CaseFile): Omit<GoldenRequest, "modelFolder" | "autoencoders"> {
  const unknown = Object.keys(request).filter((key) => !REQUEST_KEYS.has(key) && !NODE_KEYS.has(key));
  if (unknown.length > 0) throw new RangeError(`Cannot translate the request's ${unknown.join(", ")}`);
  return {
    tokens: request["prompt_ids"],
    // A trace needs no loss; ours is asked all the same, and has no influence.
    targets: request.loss?.["target_ids"] ?? [0],
    distractors: request.loss?.["distractor_ids"] ?? [],
    objectiveKind: objectiveKindOf(request.loss?.name ?? "logit_diff"),
    freezeFinalNorm: request["freeze_final_ln_scale"] ?? request.via === "ui",
    edits: editsOf(request, autoencoders),
    trace: traceOf(request.trace),
  };
}

function editsOf(
  { prompt_ids: ids, ...request }: CaseFile["request"],
  autoencoders: readonly string[],
): readonly Edit[] {
  const all = ids.map((_, token) => token);
  const edit = (hook: Edit["hook"], index: readonly number[], value: number): Edit => ({
    hook,
    row: 0,
    index,
    keep: 0,
    patch: null,
    added: value,
  });
  const nodes = (request["node_ablations"] ?? []).flatMap(({ node: { type, layer, index }, value }) => {
    const [first = 0, second = 0, head = 0] = index;
    if (type === "mlp_neuron") return [edit(`blocks.${layer}.mlp.hook_post`, [first, second], value)];
    // Every key of the row, those after the query too.
    if (type === "attention_head") {
      return all.map((key) => edit(`blocks.${layer}.attn.hook_pattern`, [head, first, key], value));
    }
    const part = PARTS.get(type);
    if (part !== undefined) {
      const site = autoencoders.map(siteOf).find((candidate) => candidate.part === part)?.site ?? "hook_mlp_out";
      return [edit(`blocks.${layer}.${site}.hook_sae_acts_post`, [first, second], value)];
    }
    throw new RangeError(`Cannot translate an ablation of ${type}`);
  });
  const places = (request["location_ablations"] ?? []).flatMap(({ location, layer, index, value }) => {
    const [first = 0, second = 0, head = 0] = index;
    const tokens = first === "all" ? all : [first];
    switch (location) {
      case "mlp.post_act":
        return tokens.map((token) => edit(`blocks.${layer}.mlp.hook_post`, [token, Number(second)], value));
      case "resid.post_mlp":
        return tokens.map((token) => edit(`blocks.${layer}.hook_resid_post`, [token, Number(second)], value));
      case "attn.qk_probs":
        return [edit(`blocks.${layer}.attn.hook_pattern`, [Number(head), Number(first), Number(second)], value)];
      default:
        throw new RangeError(`Cannot translate an ablation at ${location}`);
    }
  });
  return [...nodes, ...places];
}

function traceOf(trace: CaseFile["request"]["trace"]): Trace | null {
  if (trace === undefined) return null;
  return {
    node: tracedNodeOf(trace),
    towards: trace.downstream === undefined ? null : tracedNodeOf(trace.downstream),
    activation: trace.act ?? "pre",
    freezeNorm: trace["freeze_ln_scale"] ?? true,
    of: "value",
  };
}

function tracedNodeOf(
  { node: { type, layer, index: [first = 0, second = 0, head = 0] }, attention }: GoldenTraceFile,
): TracedNode {
  if (type === "mlp_neuron") return { kind: "mlp", layer, token: first, neuron: second };
  const part = PARTS.get(type);
  if (part !== undefined) return { kind: `${part}-latent`, layer, token: first, latent: second };
  const path = HEAD_PATHS.find((candidate) => candidate === attention?.toLowerCase());
  if (type !== "attention_head" || path === undefined) throw new RangeError(`Cannot translate a trace of ${type}`);
  return { kind: "head", layer, head, query: first, key: second, path };
}

function tracedMlpOf(trace: GoldenTraceFile | undefined): number | null {
  return trace?.node.type === "mlp_latent" || trace?.node.type === "mlp_neuron" ? trace.node.layer : null;
}

/** What the autoencoders of golden latents stand for. */
const PARTS: ReadonlyMap<string, "mlp" | "attn"> = new Map([["mlp_latent", "mlp"], ["attention_latent", "attn"]]);

/** Where an autoencoder sits, from its name, as in `tiny.resid_delta_mlp.relu`. */
function siteOf(name: string): { readonly part: "mlp" | "attn"; readonly site: typeof SITES[keyof typeof SITES] } {
  const [, location = ""] = name.split(".");
  const site = SITES[location as keyof typeof SITES];
  return { part: site === "hook_attn_out" ? "attn" : "mlp", site };
}

async function autoencodersOf(
  { autoencoders = [], attention_latent: chosen }: CaseFile,
): Promise<ReadonlyMap<"mlp" | "attn", GoldenAutoencoder>> {
  return new Map(
    await Promise.all(autoencoders.map(async (name): Promise<["mlp" | "attn", GoldenAutoencoder]> => {
      const { tensors } = readSafetensors(await Deno.readFile(new URL(`autoencoders/${name}.safetensors`, FOLDER)));
      const { k, activation } = JSON.parse(await Deno.readTextFile(new URL(`autoencoders/${name}.json`, FOLDER)));
      const { part, site } = siteOf(name);
      return [part, { site, tensors, k: activation === "TopK" ? k : null, latent: chosen?.latent ?? null }];
    })),
  );
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
    return JSON.parse(await Deno.readTextFile(caseUrl(caseName, "ui.json")));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
