/** Interventions as they are asked for, and the edits of activations that they come down to (`spec/api.md`, "Run specs"). */
import { z } from "zod";
import type { FieldIssue } from "../errors.ts";
import type { Dictionary } from "../model/dictionary.ts";
import { type Alignment, slotOf } from "./alignment.ts";
import { type Edit, EMBEDDING_SITE } from "./edits.ts";
import { meanProbability, type ModelMeans } from "./model_means.ts";
import { checkNode, dictionaryOf, type NodeSpace } from "./node_range.ts";
import { type InterventionRef, isError, isLatent, type LatentRef, type NodeRef, parseInterventionRef } from "./refs.ts";
import { latentHook } from "./splice.ts";

/** Largest number of interventions of one question. */
export const MAX_INTERVENTIONS = 64;

/** How the value of an intervened node comes about: exactly one of these says it. */
const METHODS = ["set", "scale", "patch", "method"] as const;

/** One intervention. Its node is overwritten before anything reads it. */
export const interventionSchema = z.strictObject({
  node: z.string().max(100).meta({ description: "A node, or a head's whole row at a token: head/9/8@12<*" }),
  prompt: z.union([z.literal(0), z.literal(1)], { error: "Expected 0 or 1" }).default(0).meta({
    description:
      "The prompt in which the node's tokens are counted; the node is edited wherever a prompt has its tokens",
  }),
  set: z.number().optional().meta({ description: "The value itself" }),
  scale: z.number().optional().meta({ description: "A multiple of the value that the node has" }),
  patch: z.strictObject({ from: z.enum(["left", "right"], { error: "Expected left or right" }) }).optional().meta({
    description: "The value that the node has on that prompt without interventions",
  }),
  method: z.literal("mean", { error: 'Expected "mean"' }).optional().meta({
    description: "The mean over the model's reference texts (a job computes it), heads by how far back they attend",
  }),
}, { error: "Expected an object with a node and how its value comes about" }).refine(
  (intervention) => METHODS.filter((method) => intervention[method] !== undefined).length === 1,
  'Expected exactly one of "set": NUMBER, "scale": NUMBER, "patch": { "from": "left" or "right" }, "method": "mean"',
);

export type Intervention = z.output<typeof interventionSchema>;

/** A row of the batch as interventions see it. */
export interface InterventionSide {
  readonly prompt: number;
  readonly isEdited: boolean;
}

export interface InterventionContext extends NodeSpace {
  readonly prompts: readonly (readonly number[])[];
  readonly alignment: Alignment;
  /** One a row of the batch. */
  readonly sides: readonly InterventionSide[];
  /** Null before they are computed. */
  readonly means: ModelMeans | null;
}

export interface ResolvedInterventions {
  /** In the order of the forward pass. */
  readonly canonical: readonly Intervention[];
  readonly edits: readonly Edit[];
}

/** Checks interventions against model and prompts; what cannot be honoured becomes an issue. */
export function resolveInterventions(
  interventions: readonly Intervention[],
  context: InterventionContext,
  issues: FieldIssue[],
): ResolvedInterventions {
  const seen = new Map<string, string>();
  const resolved = interventions.flatMap((intervention, index) => {
    const path = `interventions.${index}`;
    const ref = parsedRef(intervention, { context, path, issues });
    if (ref === null) return [];
    const entries = entriesOf(ref, intervention.prompt, context);
    const problem = patchProblem(intervention, entries, context);
    if (problem !== null) {
      issues.push({ path: `${path}.patch`, message: problem });
      return [];
    }
    if (intervention.method === "mean" && !hasMeans(ref, intervention.prompt, { context, path, issues })) return [];
    const twice = entries.map((entry) => seen.get(entryKey(entry))).find((other) => other !== undefined);
    if (twice !== undefined) {
      issues.push({
        path: `${path}.node`,
        message:
          `${intervention.node} and ${twice} set the same value: expected each node once, and a row or its pairs, not both`,
      });
    }
    for (const entry of entries) seen.set(entryKey(entry), intervention.node);
    return [{ intervention, entries }];
  });
  const ordered = resolved.toSorted((a, b) => compareEntries(a.entries[0], b.entries[0]));
  return {
    canonical: ordered.map(({ intervention }) => intervention),
    edits: ordered.flatMap(({ intervention, entries }) =>
      entries.flatMap((entry) => editsOf(entry, intervention, context))
    ),
  };
}

/** The entry that holds a node's value. @param promptIndex The prompt in which the node's tokens are counted. */
export function nodeEntry(
  ref: NodeRef,
  promptIndex: number,
  context: Pick<InterventionContext, "alignment" | "dictionaries">,
): { readonly hook: Edit["hook"]; readonly index: readonly number[] } {
  const [entry] = entriesOf(ref, promptIndex, context);
  if (entry === undefined) throw new Error("Internal: a node without an entry");
  return { hook: entry.hook, index: entry.index };
}

/** An entry of an activation, by slots, on whatever rows have them. */
interface SlotEntry {
  readonly hook: Edit["hook"];
  readonly index: readonly number[];
  /** Slots that a row must have. */
  readonly slots: readonly number[];
  /** Place in the forward pass. */
  readonly order: readonly number[];
}

function parsedRef(
  { node: text, prompt: promptIndex }: Intervention,
  { context, path, issues }: {
    readonly context: InterventionContext;
    readonly path: string;
    readonly issues: FieldIssue[];
  },
): InterventionRef | null {
  const tokens = context.prompts[promptIndex];
  if (tokens === undefined) {
    issues.push({ path: `${path}.prompt`, message: "There is no second prompt: expected 0" });
    return null;
  }
  try {
    const ref = parseInterventionRef(text);
    const problem = isError(ref)
      ? "An error is what a dictionary leaves out, and has no value to set: expected a latent, a neuron or a head"
      : checkNode(ref, context, tokens.length);
    if (problem === null) return ref;
    issues.push({ path: `${path}.node`, message: problem });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    issues.push({ path: `${path}.node`, message: error.message });
  }
  return null;
}

function entriesOf(
  ref: InterventionRef,
  promptIndex: number,
  { alignment, dictionaries }: Pick<InterventionContext, "alignment" | "dictionaries">,
): readonly SlotEntry[] {
  const slot = (token: number) => slotOf(alignment, promptIndex, token);
  switch (ref.kind) {
    case "embed": {
      const at = slot(ref.token);
      return [{ hook: EMBEDDING_SITE, index: [at], slots: [at], order: [-1, 0, at] }];
    }
    case "mlp": {
      const at = slot(ref.token);
      return [{
        hook: `blocks.${ref.layer}.mlp.hook_post`,
        index: [at, ref.neuron],
        slots: [at],
        order: [ref.layer, STAGES.mlp, at, ref.neuron],
      }];
    }
    case "mlp-latent":
    case "attn-latent":
    case "resid-latent":
      return latentEntries(ref, slot(ref.token), dictionaries);
    case "mlp-error":
    case "attn-error":
    case "resid-error":
      return [];
    case "head":
      return [pairEntry(ref, slot(ref.query), slot(ref.key))];
    case "head-row": {
      const query = slot(ref.query);
      const keys = alignment.flatMap((_, at) => at <= query ? [at] : []);
      return keys.map((key) => pairEntry(ref, query, key));
    }
  }
}

function pairEntry({ layer, head }: { layer: number; head: number }, query: number, key: number): SlotEntry {
  return {
    hook: `blocks.${layer}.attn.hook_pattern`,
    index: [head, query, key],
    slots: [query, key],
    order: [layer, STAGES.head, query, head, key],
  };
}

function latentEntries(
  { kind, layer, latent }: LatentRef,
  at: number,
  dictionaries: readonly Dictionary[],
): readonly SlotEntry[] {
  const dictionary = dictionaryOf(dictionaries, kind, layer);
  if (dictionary === undefined) return [];
  const hook = latentHook(dictionary.detail.writeHook, "hook_sae_acts_post");
  return [{ hook, index: [at, latent], slots: [at], order: [layer, STAGES[kind], at, latent] }];
}

/** In which order the nodes of a layer are listed. */
const STAGES = { head: 0, "attn-latent": 1, mlp: 2, "mlp-latent": 3, "resid-latent": 4 } as const;

function editsOf(
  { hook, index, slots, order }: SlotEntry,
  intervention: Intervention,
  { alignment, sides, means }: InterventionContext,
): readonly Edit[] {
  const hasSlots = (promptIndex: number) => isOn(slots, promptIndex, alignment);
  return sides.flatMap((side, row): readonly Edit[] => {
    if (!side.isEdited || !hasSlots(side.prompt)) return [];
    const base = { hook, row, index, patch: null };
    const { set, scale, patch, method } = intervention;
    if (method === "mean") {
      const added = means === null ? null : meanOf(order, { means, alignment, prompt: side.prompt });
      return added === null ? [] : [{ ...base, keep: 0, added }];
    }
    if (scale !== undefined) return [{ ...base, keep: scale, added: 0 }];
    if (patch === undefined) {
      // An embedding's activation is 1: to set it is to scale what it writes.
      return hook === EMBEDDING_SITE
        ? [{ ...base, keep: set ?? 0, added: 0 }]
        : [{ ...base, keep: 0, added: set ?? 0 }];
    }
    const from = patch.from === "left" ? 0 : 1;
    const source = sides.findIndex((other) => other.prompt === from && !other.isEdited);
    return hasSlots(from) ? [{ ...base, keep: 0, patch: { row: source, index }, added: 0 }] : [];
  });
}

/** Whether a prompt has all of some slots. */
function isOn(slots: readonly number[], promptIndex: number, alignment: Alignment): boolean {
  return slots.every((slot) => typeof alignment[slot]?.[promptIndex] === "number");
}

/** Why a patch has no value to take, null if it has (or there is no patch). */
function patchProblem(
  { patch, prompt: promptIndex, node: name }: Intervention,
  entries: readonly SlotEntry[],
  { prompts, alignment }: InterventionContext,
): string | null {
  if (patch === undefined) return null;
  if (prompts.length < 2) return "A patch takes the value from the other prompt: expected two prompts";
  const from = patch.from === "left" ? 0 : 1;
  const isThere = entries.every(({ slots }) => !isOn(slots, promptIndex, alignment) || isOn(slots, from, alignment));
  return isThere ? null : `The ${patch.from} prompt has no counterpart of ${name}: expected a node at tokens of both`;
}

/** Whether the means of a node are known, on the prompt that names it; if not, an issue says why. */
function hasMeans(
  ref: InterventionRef,
  promptIndex: number,
  { context, path, issues }: {
    readonly context: InterventionContext;
    readonly path: string;
    readonly issues: FieldIssue[];
  },
): boolean {
  const { means, alignment } = context;
  if (isLatent(ref)) {
    issues.push({ path: `${path}.method`, message: "Means of latents are not computed: expected a set value" });
    return false;
  }
  if (means === null) {
    issues.push({
      path: `${path}.method`,
      message: 'This model\'s means are not known yet: ask for them with POST /api/v1/jobs { "kind": "means" }',
    });
    return false;
  }
  const known = entriesOf(ref, promptIndex, context).every(({ order }) =>
    meanOf(order, { means, alignment, prompt: promptIndex }) !== null
  );
  if (!known) {
    issues.push({
      path: `${path}.method`,
      message: "No reference text is long enough for the mean of this pair: expected a set value, or a nearer token",
    });
  }
  return known;
}

/** The mean of an entry, by its place in the forward pass; null where no reference text is long enough. */
function meanOf(
  [layer = -1, kind, first = 0, second = 0, third = 0]: readonly number[],
  { means, alignment, prompt }: { readonly means: ModelMeans; readonly alignment: Alignment; readonly prompt: number },
): Edit["added"] | null {
  if (layer < 0) return means.embedding;
  if (kind === STAGES.mlp) return means.neurons[layer]?.[second] ?? null;
  const [query, key] = [alignment[first]?.[prompt], alignment[third]?.[prompt]];
  if (typeof query !== "number" || typeof key !== "number") return 0;
  return meanProbability(means, { layer, head: second, query, key });
}

function entryKey({ hook, index }: SlotEntry): string {
  return `${hook} ${index.join()}`;
}

function compareEntries(a: SlotEntry | undefined, b: SlotEntry | undefined): number {
  const [left, right] = [a?.order ?? [], b?.order ?? []];
  const at = left.findIndex((value, index) => value !== right[index]);
  return at < 0 ? left.length - right.length : (left[at] ?? 0) - (right[at] ?? 0);
}
