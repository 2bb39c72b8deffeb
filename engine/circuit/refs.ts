/**
 * Refs: the readable names of components and nodes in rows, URLs, CSV, JSON (`spec/api.md`, "Refs").
 * A component is a part of the weights (`head/9/8`); a node is one invocation of it (`head/9/8@12<4`).
 */

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
  | { readonly kind: "embed"; readonly token: number };

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
 * @throws {SyntaxError} if the text is not of one of the three forms, or a head attends to a later token.
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
  throw new SyntaxError(
    `Cannot read node "${text}": expected mlp/LAYER/NEURON@TOKEN, head/LAYER/HEAD@QUERY<KEY or embed@TOKEN`,
  );
}

/** Reads a head without tokens, `head/9/8`; null if the text is none. */
export function parseHeadRef(text: string): { readonly layer: number; readonly head: number } | null {
  const found = HEAD_COMPONENT.exec(text);
  return found === null ? null : { layer: Number(found[1]), head: Number(found[2]) };
}
