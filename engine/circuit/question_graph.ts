/**
 * The part of a graph that every question shares: inputs, forward pass with its edits, read-out, objective or trace, and gradients.
 *
 * A question with several sides is one batch: each side is a row. Everything that may differ between questions of one kind
 * (tokens, position, choices, k, edited entries, traced units) is fed, so that only the kind decides which graph is compiled.
 */
import { gradient } from "../autodiff/gradient.ts";
import { matMul, reduceSum } from "../onnx/linear.ts";
import { concat, expand, gather, gatherNd, reshape, unsqueeze } from "../onnx/shaping.ts";
import { graphInput, type Value } from "../onnx/value.ts";
import type { HookName } from "../model/hook_points.ts";
import type { Dictionary } from "../model/dictionary.ts";
import type { ModelWeights } from "../model/language_model.ts";
import type { Architecture } from "../model/architecture.ts";
import { buildForward, EMPTY_SLOT, type Forward, type HookEdit, type ReadOut, readOut } from "../model/transformer.ts";
import type { ConcreteShape } from "../tensor/shape.ts";
import { float32, int64, type Tensor } from "../tensor/tensor.ts";
import { type Edit, editActivations, editFeeds, type EditKind, editKind } from "./edits.ts";
import { objectiveValue, type WeightedChoice } from "./objective.ts";
import { dictionaryOf } from "./node_range.ts";
import type { ObjectiveKind } from "./run_spec.ts";
import { latentHook, type Splice, Splicer } from "./splice.ts";
import { readSlots, type Trace, traceFeeds, type TraceKind, traceKind } from "./trace.ts";
import { buildTrace } from "./trace_graph.ts";

/** What decides the structure of a question's graph, whatever is asked of it. */
export interface QuestionKind {
  readonly objective: ObjectiveKind;
  readonly freezeFinalNorm: boolean;
  /** Where activations can be edited; null where nothing is. */
  readonly edits: EditKind | null;
  /** The scalar that gradients start from, instead of the objective. */
  readonly trace: TraceKind | null;
  /** Ids of the dictionaries that are spliced in, in the order of the pass. */
  readonly dictionaries: readonly string[];
  /** Whether their errors are left out. */
  readonly dropsErrors: boolean;
}

/** The shared part of every question that the engine thread is asked. */
export interface Question {
  readonly objective: ObjectiveKind;
  readonly freezeFinalNorm: boolean;
  readonly edits: readonly Edit[];
  readonly trace: Trace | null;
  /** Ids of the dictionaries that are spliced in, in the order of the pass. */
  readonly dictionaries: readonly string[];
  /** Whether their errors are left out. */
  readonly dropsErrors: boolean;
  /** One a side. */
  readonly rows: readonly QuestionRow[];
}

/** One side, ready to be fed. */
export interface QuestionRow {
  /** Token ids by slot; null where this side has none. All sides of a question have equally many slots. */
  readonly tokens: readonly (number | null)[];
  /** Slot at which the objective is read. */
  readonly position: number;
  readonly choices: readonly WeightedChoice[];
}

export function questionKind(
  { objective, freezeFinalNorm, edits, trace, dictionaries, dropsErrors }: Question,
  architecture: Architecture,
): QuestionKind {
  return {
    objective,
    freezeFinalNorm,
    edits: editKind(edits, architecture),
    trace: trace === null ? null : traceKind(trace),
    dictionaries,
    dropsErrors,
  };
}

/** What writes into the residual that J reads. */
export interface Upstream {
  /** How many layers' attention does. */
  readonly head: number;
  /** How many layers' MLPs do. */
  readonly mlp: number;
  /** How many places of the stream come before: three a layer, before its attention, between, and after its MLP. */
  readonly resid: number;
}

/** The shared values of a question. J is the objective, or the traced scalar. */
export interface QuestionGraph {
  readonly forward: Forward;
  readonly readOut: ReadOut;
  /** J of every side: `[batch]` */
  readonly value: Value;
  /** The residual that J is computed from, and nothing else: `[batch, token, d_model]` */
  readonly front: Value;
  readonly upstream: Upstream;
  /** In the order of the pass. */
  readonly splices: readonly Splice[];
  /** Logits at the position: `[batch, vocab]` */
  readonly logits: Value;
  /** The last residual at the position: `[batch, d_model]` */
  readonly residualAtPosition: Value;
  /** int64 `[batch, reader, 2]`: row and slot of what J reads of `front`. */
  readonly readerIndex: Value;
  /** 1 at each reader's slot, else 0: `[batch, reader, token]` */
  readonly readerMask: Value;
  /** Patterns before they were edited, by layer. */
  readonly ownPatterns: readonly Value[];
  /** ∂ΣJ/∂target: as the rows of a batch do not touch, each row is the gradient of its own J. */
  gradients(targets: readonly Value[]): readonly Value[];
}

/**
 * Builds the shared part.
 *
 * @param allPositions For tensors: read logits and the final norm out at every token, not only where the objective is read, and
 *   make the hook points of all norms.
 */
export function buildQuestion(model: ModelWeights, kind: QuestionKind, allPositions: boolean): QuestionGraph {
  const { architecture, weights } = model;
  const ownPatterns: Value[] = [];
  const edited: HookEdit = kind.edits === null ? (_hook, activation) => activation : editActivations(kind.edits);
  const splicer = new Splicer(dictionariesOf(model, kind.dictionaries), kind);
  const forward = buildForward(architecture, weights, {
    hookNorms: allPositions || splicer.readsNorms,
    splice: splicer.splice,
    edit: (hook, activation) => {
      if (hook.endsWith(".attn.hook_pattern")) ownPatterns.push(activation);
      return edited(hook, activation);
    },
  });
  const batchIndex = graphInput("batch_index", "int64", ["batch", 1]);
  const positionIndex = concat([batchIndex, graphInput("position", "int64", ["batch", 1])], -1);
  const choiceIds = graphInput("choice_ids", "int64", ["batch", "choice"]);
  const choiceWeights = graphInput("choice_weights", "float32", ["batch", "choice"]);

  const residualAtPosition = gatherNd(forward.residual, positionIndex);
  const source = allPositions ? forward.residual : unsqueeze(residualAtPosition, 1);
  const read = readOut(source, { architecture, weights }, { freezeScale: kind.freezeFinalNorm });
  const logits = allPositions
    ? gatherNd(read.logits, positionIndex)
    : reshape(read.logits, ["batch", architecture.vocabularySize]);
  const choiceLogits = allPositions
    ? choose(logits, { batchIndex, choiceIds })
    : dotWithRows(read.output, gather(weights.unembedding, choiceIds));
  const objective = objectiveValue(kind.objective, { choiceLogits, choiceWeights, logits });
  const traced = kind.trace === null ? null : buildTrace(
    kind.trace,
    { model, forward, splices: splicer.splices },
    { ofObjective: (at) => gradientOf(objective, at), of: gradientOf },
  );
  const value = traced?.value ?? objective;
  return {
    forward,
    readOut: read,
    value,
    front: traced?.front ?? forward.residual,
    upstream: upstreamOf(kind, model),
    splices: splicer.splices,
    logits,
    residualAtPosition,
    readerIndex: graphInput("reader_index", "int64", ["batch", "reader", 2]),
    readerMask: graphInput("reader_mask", "float32", ["batch", "reader", "token"]),
    ownPatterns,
    gradients: (targets) => gradient(reduceSum(value), targets),
  };
}

function gradientOf(value: Value, target: Value): Value {
  const [result] = gradient(reduceSum(value), [target]);
  if (result === undefined) throw new Error("Internal: gradient() answered too few values");
  return result;
}

/** The dictionaries of a model with some ids. */
export function dictionariesOf(
  { dictionaries }: Pick<ModelWeights, "dictionaries">,
  ids: readonly string[],
): Dictionary[] {
  return ids.map((id) => {
    const found = dictionaries.find(({ detail }) => detail.id === id);
    if (found === undefined) throw new Error(`Internal: no dictionary ${id}`);
    return found;
  });
}

/**
 * A head reads the residual in front of its layer; a neuron reads it after the attention of its own. A latent of the residual reads the stream
 * at its site, before it is spliced in there.
 */
export function upstreamOf(
  { trace, dictionaries }: Pick<QuestionKind, "trace" | "dictionaries">,
  model: Pick<ModelWeights, "architecture" | "dictionaries">,
): Upstream {
  const { layerCount } = model.architecture;
  if (trace === null) return { head: layerCount, mlp: layerCount, resid: 3 * layerCount };
  const { kind, layer } = trace.node;
  if (kind === "mlp") return { head: layer + 1, mlp: layer, resid: 3 * layer + 2 };
  if (kind === "head") return { head: layer, mlp: layer, resid: 3 * layer + 1 };
  const dictionary = dictionaryOf(dictionariesOf(model, dictionaries), kind, layer);
  if (dictionary === undefined) throw new Error(`Internal: no dictionary has latents ${kind}/${layer}`);
  const { readHook, writeHook } = dictionary.detail;
  const place = readPlace(readHook);
  const isBehindItself = readHook === writeHook && kind === "resid-latent";
  return {
    head: layer + Number(place > 0),
    mlp: layer + Number(place > 1),
    resid: 3 * layer + place + Number(!isBehindItself),
  };
}

/** Whether what a dictionary stands for comes before what J reads. */
export function isUpstream({ kind, layer, dictionary }: Splice, { head, mlp, resid }: Upstream): boolean {
  switch (kind) {
    case "attn-latent":
      return layer < head;
    case "mlp-latent":
      return layer < mlp;
    case "resid-latent":
      return 3 * layer + placeInBlock(dictionary.detail.writeHook) < resid;
  }
}

/** Which of its block's three places of the stream a hook point follows from. */
function readPlace(hook: HookName): number {
  if (hook.endsWith("_pre") || hook.endsWith(".hook_attn_out")) return 0;
  return hook.endsWith(".hook_resid_post") ? 2 : 1;
}

/** Which of its block's three places of the stream a hook point is: before, between, or after attention and MLP. */
export function placeInBlock(hook: string): number {
  return hook.endsWith("_pre") ? 0 : hook.endsWith("_mid") ? 1 : 2;
}

/** The values of every hook point, those of dictionaries, and those of the read-out when it covers all tokens. */
export function hooksOf({ forward, readOut: read, splices }: QuestionGraph): ReadonlyMap<HookName, Value> {
  return new Map<HookName, Value>([
    ...forward.hooks,
    ...splices.flatMap(({ dictionary: { detail: { writeHook } }, pre, latents, error }): [HookName, Value][] => [
      [latentHook(writeHook, "hook_sae_acts_pre"), pre],
      [latentHook(writeHook, "hook_sae_acts_post"), latents],
      [latentHook(writeHook, "hook_sae_error"), error],
    ]),
    ["ln_final.hook_scale", read.scale],
    ["ln_final.hook_normalized", read.normalized],
    ["logits", read.logits],
  ]);
}

/** Feeds of the shared inputs, those of edits and trace included. */
export function questionFeeds(question: Question, architecture: Architecture): Record<string, Tensor> {
  const { rows, edits, trace } = question;
  const slotCount = Math.max(...rows.map(({ tokens }) => tokens.length));
  const choiceCount = Math.max(...rows.map(({ choices }) => choices.length));
  const padded = <T>(items: readonly T[], count: number, filler: T) =>
    Array.from({ length: count }, (_, i) => items[i] ?? filler);
  const readers = rows.map(({ position }) => trace === null ? [position] : readSlots(trace, slotCount));
  const readerCount = readers[0]?.length ?? 1;
  const kind = editKind(edits, architecture);
  const column: ConcreteShape = [rows.length, 1];
  const grid: ConcreteShape = [rows.length, slotCount];
  return {
    ...kind === null ? {} : editFeeds(kind, edits, architecture),
    ...trace === null ? {} : traceFeeds(trace, rows.length),
    tokens: int64(grid, rows.flatMap(({ tokens }) => padded(tokens, slotCount, null).map((id) => id ?? 0))),
    order: int64(grid, rows.flatMap(({ tokens }) => orderOf(padded(tokens, slotCount, null)))),
    batch_index: int64(column, rows.map((_, index) => index)),
    position: int64(column, rows.map((row) => row.position)),
    reader_index: int64(
      [rows.length, readerCount, 2],
      readers.flatMap((slots, row) => slots.flatMap((slot) => [row, slot])),
    ),
    reader_mask: float32(
      [rows.length, readerCount, slotCount],
      readers.flatMap((slots) =>
        slots.flatMap((slot) => Array.from({ length: slotCount }, (_, i) => Number(i === slot)))
      ),
    ),
    choice_ids: int64(
      [rows.length, choiceCount],
      rows.flatMap(({ choices }) => padded(choices.map(({ id }) => id), choiceCount, 0)),
    ),
    choice_weights: float32(
      [rows.length, choiceCount],
      rows.flatMap(({ choices }) => padded(choices.map(({ weight }) => weight), choiceCount, 0)),
    ),
  };
}

/** Where each slot's token stands in its prompt. */
function orderOf(tokens: readonly (number | null)[]): readonly number[] {
  let position = 0;
  return tokens.map((id) => id === null ? EMPTY_SLOT : position++);
}

/** Logits of the choices, picked from all logits: `[batch, vocab]` at `[batch, choice]`. */
function choose(
  logits: Value,
  { batchIndex, choiceIds }: { readonly batchIndex: Value; readonly choiceIds: Value },
): Value {
  const ids = unsqueeze(choiceIds, -1);
  return gatherNd(logits, concat([expand(unsqueeze(batchIndex, 1), ids.shape), ids], -1));
}

/**
 * Logits of the choices without those of the whole vocabulary, so that the gradient needs only a few rows of W_U.
 *
 * @param output The final norm's output at the position: `[batch, 1, d_model]`
 * @param rows Their rows of the unembedding: `[batch, choice, d_model]`
 */
function dotWithRows(output: Value, rows: Value): Value {
  return reshape(matMul(output, rows, { transB: true }), rows.shape.slice(0, 2));
}
