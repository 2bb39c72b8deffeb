/**
 * Interventions inside a graph. Each edit overwrites one entry of an activation, before anything reads it, by
 *
 *   keep · (the entry) + (another entry, if patched) + added
 *
 * so that setting (keep 0), scaling (added 0) and patching (keep 0, from another row of the batch) are one mechanism. Which entries, from
 * where and by how much is fed: another neuron or value needs no other graph. Gradients are those with respect to the value that
 * was set; through a kept share they go on upstream, through a patched value they do not.
 */
import { add, mul, stopGradient } from "../onnx/elementwise.ts";
import { gatherNd, reshape, scatterNd } from "../onnx/shaping.ts";
import { graphInput, type Value } from "../onnx/value.ts";
import type { Architecture } from "../model/architecture.ts";
import type { HookName } from "../model/hook_points.ts";
import type { HookEdit } from "../model/transformer.ts";
import { float32, int64, type Tensor } from "../tensor/tensor.ts";

/** Where the embeddings' writes are edited: what the first block reads. */
export const EMBEDDING_SITE: HookName = "blocks.0.hook_resid_pre";

/** An entry of an activation: its row of the batch, and its place in the graph's own axes. */
export interface Entry {
  readonly row: number;
  /** `[token, neuron]`, `[token, latent]`, `[head, query, key]`, or `[token]` for a whole vector. */
  readonly index: readonly number[];
}

export interface Edit extends Entry {
  readonly hook: HookName;
  /** Share of the entry that stays. */
  readonly keep: number;
  /** The entry of the same activation that is added, unedited; null for none. */
  readonly patch: Entry | null;
  /** What is added: a number, or for a vector one number a channel. */
  readonly added: number | readonly number[];
}

/** A place that can be edited in a graph. */
export interface EditSite {
  readonly hook: HookName;
  /** Axes that an index addresses, the batch included. */
  readonly depth: number;
}

/** What decides the structure of a graph with edits. */
export interface EditKind {
  readonly sites: readonly EditSite[];
  /** Whether any edit keeps or patches; without, entries are simply overwritten. */
  readonly blends: boolean;
}

/** The kind of edits that set values of nodes: every neuron, head pair and embedding can be edited, whatever is edited now. */
export function standardEdits({ layerCount }: Architecture): EditKind {
  const sites: EditSite[] = [{ hook: EMBEDDING_SITE, depth: 2 }];
  for (let layer = 0; layer < layerCount; layer++) {
    sites.push({ hook: `blocks.${layer}.attn.hook_pattern`, depth: 4 });
    sites.push({ hook: `blocks.${layer}.mlp.hook_post`, depth: 3 });
  }
  return { sites, blends: false };
}

/** The kind of some edits, null if there are none. */
export function editKind(edits: readonly Edit[], architecture: Architecture): EditKind | null {
  if (edits.length === 0) return null;
  const { sites: standard } = standardEdits(architecture);
  const further = edits.filter(({ hook }) => standard.every((site) => site.hook !== hook));
  const sites = new Map([
    ...standard,
    ...further.map(({ hook, index }): EditSite => ({ hook, depth: index.length + 1 })),
  ].map((site) => [site.hook, site]));
  return { sites: [...sites.values()], blends: edits.some(({ keep, patch }) => keep !== 0 || patch !== null) };
}

/** Edits activations as fed. Each activation is edited at most once a graph. */
export function editActivations({ sites, blends }: EditKind): HookEdit {
  const depths = new Map(sites.map(({ hook, depth }) => [hook, depth]));
  return (hook, activation) => {
    const depth = depths.get(hook);
    if (depth === undefined) return activation;
    const index = editIndex(hook, depth);
    const updates = editedEntries(hook, activation, { index, blends, entries: () => gatherNd(activation, index) });
    return scatterNd(activation, index, { updates, reduction: "none" });
  };
}

/** Which entries of an activation are edited: int64 `[edit, depth]`. */
export function editIndex(hook: HookName, depth: number): Value {
  return graphInput(inputName(hook, "index"), "int64", [`edits_${hook}`, depth]);
}

/**
 * What the edited entries become.
 *
 * @param options `entries`: what they are before, `[edit, …]`; asked only if the edits blend
 */
export function editedEntries(
  hook: HookName,
  activation: Value,
  { index, blends, entries }: { readonly index: Value; readonly blends: boolean; readonly entries: () => Value },
): Value {
  const [count = 0, depth = 0] = index.shape;
  const rest = activation.shape.slice(Number(depth));
  const added = graphInput(inputName(hook, "added"), "float32", [count, ...rest]);
  return blends ? add(blended(hook, activation, { index, entries: entries() }), added) : added;
}

/** keep · entry + share · source. */
function blended(
  hook: HookName,
  activation: Value,
  { index, entries }: { readonly index: Value; readonly entries: Value },
): Value {
  const [count = 0, depth = 0] = index.shape;
  const perEntry = (what: "keep" | "share") =>
    reshape(graphInput(inputName(hook, what), "float32", [count]), [count, ...entries.shape.slice(1).map(() => 1)]);
  const source = graphInput(inputName(hook, "source"), "int64", [count, depth]);
  return add(
    mul(entries, perEntry("keep")),
    mul(stopGradient(gatherNd(activation, source)), perEntry("share")),
  );
}

/** Feeds of a kind's inputs. */
export function editFeeds(
  { sites }: EditKind,
  edits: readonly Edit[],
  { modelWidth }: Architecture,
): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const { hook, depth } of sites) {
    const here = edits.filter((edit) => edit.hook === hook);
    const rest = hook === EMBEDDING_SITE ? [modelWidth] : [];
    const place = ({ row, index }: Entry) => [row, ...index];
    const widened = (added: Edit["added"]) =>
      typeof added === "number" ? new Array<number>(rest[0] ?? 1).fill(added) : added;
    feeds[inputName(hook, "index")] = int64([here.length, depth], here.flatMap(place));
    feeds[inputName(hook, "source")] = int64([here.length, depth], here.flatMap((edit) => place(edit.patch ?? edit)));
    feeds[inputName(hook, "keep")] = float32([here.length], here.map(({ keep }) => keep));
    feeds[inputName(hook, "share")] = float32([here.length], here.map(({ patch }) => patch === null ? 0 : 1));
    feeds[inputName(hook, "added")] = float32([here.length, ...rest], here.flatMap(({ added }) => widened(added)));
  }
  return feeds;
}

function inputName(hook: HookName, what: "index" | "source" | "keep" | "share" | "added"): string {
  return `edit.${what}.${hook}`;
}
