/**
 * Refs: the readable names of components and nodes in rows, URLs, CSV, JSON (`spec/api.md`, "Refs").
 * A component is a part of the weights (`head/9/8`); a node is one invocation of it (`head/9/8@12<4`).
 */
import { LATENT_KINDS, type LatentKind } from "../model/dictionary.ts";

/** A node of the circuit. Layers, units and tokens count from 0. */
export type NodeRef =
  | { readonly kind: "mlp"; readonly layer: number; readonly neuron: number; readonly token: number }
  | {
    readonly kind: "head";
    readonly layer: number;
    readonly head: number;
    readonly query: number;
    readonly key: number;
  }
  | { readonly kind: "embed"; readonly token: number }
  | LatentRef
  | { readonly kind: ErrorKind; readonly layer: number; readonly token: number };

/** A latent at a token. */
export interface LatentRef {
  readonly kind: LatentKind;
  readonly layer: number;
  readonly latent: number;
  readonly token: number;
}

/** What a dictionary's reconstruction leaves out at a token is a node as well. */
export const ERROR_KINDS = ["mlp-error", "attn-error", "resid-error"] as const;
export type ErrorKind = typeof ERROR_KINDS[number];

/** The kind of the errors of a dictionary, by that of its latents. */
export function errorKind(kind: LatentKind): ErrorKind {
  return kind === "mlp-latent" ? "mlp-error" : kind === "attn-latent" ? "attn-error" : "resid-error";
}

/** The kind of a dictionary's latents, by that of its errors. */
export function latentKindOfError(kind: ErrorKind): LatentKind {
  return kind === "mlp-error" ? "mlp-latent" : kind === "attn-error" ? "attn-latent" : "resid-latent";
}

/** Whether a node is an error. */
export function isError<Node extends { readonly kind: string }>(
  node: Node,
): node is Extract<Node, { readonly kind: ErrorKind }> {
  return (ERROR_KINDS as readonly string[]).includes(node.kind);
}

/** Whether a node is a latent. */
export function isLatent<Node extends { readonly kind: string }>(
  node: Node,
): node is Extract<Node, { readonly kind: LatentKind }> {
  return (LATENT_KINDS as readonly string[]).includes(node.kind);
}

/** What can be intervened on: a node, or a head's whole row at a token, `head/9/8@12<*`. */
export type InterventionRef = NodeRef | {
  readonly kind: "head-row";
  readonly layer: number;
  readonly head: number;
  readonly query: number;
};

const HEAD_COMPONENT = /^head\/(\d{1,9})\/(\d{1,9})$/;
const HEAD_ROW = /^head\/(\d{1,9})\/(\d{1,9})@(\d{1,9})<\*$/;
const MLP = /^mlp\/(\d{1,9})\/(\d{1,9})@(\d{1,9})$/;
const HEAD = /^head\/(\d{1,9})\/(\d{1,9})@(\d{1,9})<(\d{1,9})$/;
const LATENT = /^(mlp-latent|attn-latent|resid-latent)\/(\d{1,9})\/(\d{1,9})@(\d{1,9})$/;
const ERROR = /^(mlp-error|attn-error|resid-error)\/(\d{1,9})@(\d{1,9})$/;
const EMBED = /^embed@(\d{1,9})$/;

/** Writes a node as its ref. */
export function formatNodeRef(node: NodeRef): string {
  switch (node.kind) {
    case "mlp":
      return `mlp/${node.layer}/${node.neuron}@${node.token}`;
    case "head":
      return `head/${node.layer}/${node.head}@${node.query}<${node.key}`;
    case "embed":
      return `embed@${node.token}`;
    case "mlp-latent":
    case "attn-latent":
    case "resid-latent":
      return `${node.kind}/${node.layer}/${node.latent}@${node.token}`;
    case "mlp-error":
    case "attn-error":
    case "resid-error":
      return `${node.kind}/${node.layer}@${node.token}`;
  }
}

/** Reads what can be intervened on. @throws {SyntaxError} as `parseNodeRef`. */
export function parseInterventionRef(text: string): InterventionRef {
  const row = HEAD_ROW.exec(text);
  if (row === null) return parseNodeRef(text);
  const [layer, head, query] = row.slice(1).map(Number) as [number, number, number];
  return { kind: "head-row", layer, head, query };
}

/**
 * Reads a node ref.
 *
 * @throws {SyntaxError} if the text is of none of the forms, or a head attends to a later token.
 */
export function parseNodeRef(text: string): NodeRef {
  const mlp = MLP.exec(text);
  if (mlp !== null) return { kind: "mlp", layer: Number(mlp[1]), neuron: Number(mlp[2]), token: Number(mlp[3]) };
  const head = HEAD.exec(text);
  if (head !== null) {
    const [layer, index, query, key] = head.slice(1).map(Number) as [number, number, number, number];
    if (key > query) {
      throw new SyntaxError(`Cannot read node "${text}": token ${query} cannot attend to the later token ${key}`);
    }
    return { kind: "head", layer, head: index, query, key };
  }
  const embed = EMBED.exec(text);
  if (embed !== null) return { kind: "embed", token: Number(embed[1]) };
  const latent = LATENT.exec(text);
  if (latent !== null) {
    const [layer, index, token] = latent.slice(2).map(Number) as [number, number, number];
    return { kind: latent[1] as LatentKind, layer, latent: index, token };
  }
  const error = ERROR.exec(text);
  if (error !== null) return { kind: error[1] as ErrorKind, layer: Number(error[2]), token: Number(error[3]) };
  throw new SyntaxError(
    `Cannot read node "${text}": expected mlp/LAYER/NEURON@TOKEN, head/LAYER/HEAD@QUERY<KEY, embed@TOKEN, a latent as in ${
      LATENT_KINDS[0]
    }/LAYER/LATENT@TOKEN, or an error as in ${ERROR_KINDS[0]}/LAYER@TOKEN`,
  );
}

/** Reads a head without tokens, `head/9/8`; null if the text is none. */
export function parseHeadRef(text: string): { readonly layer: number; readonly head: number } | null {
  const found = HEAD_COMPONENT.exec(text);
  return found === null ? null : { layer: Number(found[1]), head: Number(found[2]) };
}
