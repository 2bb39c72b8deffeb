/** A trace as it is asked for, and the node that gradients start from (`spec/api.md`, "Run specs"). */
import { z } from "zod";
import type { FieldIssue } from "../errors.ts";
import { type Alignment, slotOf } from "./alignment.ts";
import { checkNode, type NodeSpace } from "./node_range.ts";
import { isError, parseNodeRef } from "./refs.ts";
import { HEAD_PATHS, type HeadPath, type Trace, type TracedNode } from "./trace.ts";

const path = z.enum(HEAD_PATHS, { error: `Expected one of ${HEAD_PATHS.join(", ")}` });

export const traceSchema = z.strictObject({
  node: z.string().max(100).meta({
    description: "A neuron, latent or head pair; its tokens count in the first prompt",
  }),
  path: path.nullable().default(null).meta({ description: "The way into a head; null for others" }),
  towards: z.string().max(100).nullable().default(null).meta({
    description: "For the path v: a later node that the value is measured by, instead of the objective",
  }),
  towardsPath: path.exclude(["v"]).nullable().default(null),
  activation: z.enum(["pre", "post"]).default("pre").meta({
    description: "Before the nonlinearity (GELU, softmax), or after it",
  }),
  freezeNorm: z.boolean().default(true).meta({
    description: "Hold the scale of the norm in front of the node constant",
  }),
  of: z.enum(["value", "attribution"]).default("value").meta({
    description:
      "The scalar, or the scalar times the objective's gradient there, held constant: direct effects are then edges",
  }),
});

/** The canonical form of a trace. */
export type TraceSpec = z.output<typeof traceSchema>;

export interface TraceContext extends NodeSpace {
  readonly prompts: readonly (readonly number[])[];
  readonly alignment: Alignment;
}

/** Checks a trace against model and prompts; what cannot be honoured becomes an issue, and the trace null. */
export function resolveTrace(spec: TraceSpec, context: TraceContext, issues: FieldIssue[]): Trace | null {
  const field = { context, issues };
  const node = tracedNode(spec.node, spec.path, { ...field, nodePath: "trace.node", pathPath: "trace.path" });
  const towards = spec.towards === null ? null : tracedNode(spec.towards, spec.towardsPath, {
    ...field,
    nodePath: "trace.towards",
    pathPath: "trace.towardsPath",
  });
  if (spec.towards === null && spec.towardsPath !== null) {
    issues.push({ path: "trace.towardsPath", message: "A path into nothing: expected null, or towards" });
  }
  if (node === null) return null;
  if (spec.towards !== null && (node.kind !== "head" || node.path !== "v")) {
    issues.push({ path: "trace.towards", message: "Only a head's path v leads towards something: expected null" });
    return null;
  }
  if (towards !== null) reportOrder(node, towards, issues);
  const { activation, freezeNorm, of } = spec;
  if (of === "attribution" && towards !== null) {
    issues.push({ path: "trace.towards", message: "An attribution is one to the objective: expected null" });
  }
  return { node, towards, activation, freezeNorm, of };
}

function tracedNode(text: string, headPath: HeadPath | null, { context, issues, nodePath, pathPath }: {
  readonly context: TraceContext;
  readonly issues: FieldIssue[];
  readonly nodePath: string;
  readonly pathPath: string;
}): TracedNode | null {
  const refuse = (at: string, message: string) => {
    issues.push({ path: at, message });
    return null;
  };
  const { prompts, alignment } = context;
  let ref;
  try {
    ref = parseNodeRef(text);
  } catch (error) {
    if (error instanceof SyntaxError) return refuse(nodePath, error.message);
    throw error;
  }
  if (ref.kind === "embed") {
    return refuse(nodePath, "Nothing is upstream of an embedding: expected a neuron, a latent or a head pair");
  }
  if (isError(ref)) {
    return refuse(nodePath, "An error is what is left, and reads nothing: expected a neuron, a latent or a head pair");
  }
  const problem = checkNode(ref, context, prompts[0]?.length ?? 0);
  if (problem !== null) return refuse(nodePath, problem);
  const tokens = ref.kind === "head" ? [ref.query, ref.key] : [ref.token];
  const slots = tokens.map((token) => slotOf(alignment, 0, token));
  if (slots.some((slot) => alignment[slot]?.includes(null))) {
    return refuse(nodePath, `The second prompt has no counterpart of ${text}: expected a node at tokens of both`);
  }
  const [first = 0, second = 0] = slots;
  if (ref.kind !== "head") {
    if (headPath !== null) return refuse(pathPath, "Only heads have several ways in: expected null");
    return { ...ref, token: first };
  }
  if (headPath === null) {
    return refuse(
      pathPath,
      `A head is traced through its query, key or value: expected one of ${HEAD_PATHS.join(", ")}`,
    );
  }
  return { kind: "head", layer: ref.layer, head: ref.head, query: first, key: second, path: headPath };
}

/** A value can only reach what reads the stream after the head has written into it, at the head's query. */
function reportOrder(node: TracedNode, towards: TracedNode, issues: FieldIssue[]): void {
  // An MLP reads what the attention of its own layer has written.
  const readsOwnLayer = towards.kind === "mlp" || towards.kind === "mlp-latent";
  const isLater = readsOwnLayer ? towards.layer >= node.layer : towards.layer > node.layer;
  if (!isLater) {
    issues.push({
      path: "trace.towards",
      message: `The head writes in layer ${node.layer}, after this node has read: expected a later node`,
    });
  }
}
