/** What the fake engine tells of layers, heads and circuits: small numbers that follow from places, the same each time. */
import type {
  AttentionResult,
  CircuitEdge,
  CircuitResult,
  LensCell,
  LensResult,
  Metric,
  RunResult,
  Side,
  Token,
} from "../../engine/mod.ts";
import { ValidationError } from "../../engine/mod.ts";

/** The side of an index. @throws {ValidationError} */
export function sideAt({ sides }: RunResult, index: number): Side {
  const side = sides[index];
  if (side !== undefined) return side;
  throw new ValidationError([{
    path: "side",
    message: `There is no side ${index}: expected 0..${sides.length - 1}`,
  }]);
}

/** Three rows: the embeddings and two layers. */
export function fakeLens(
  { label, tokens, position, logits }: Side,
  { from, count }: { readonly from: number | null; readonly count: number },
): LensResult {
  if (from !== null && from >= tokens.length) {
    throw new ValidationError([{
      path: "from",
      message: `There is no token ${from}: expected 0..${tokens.length - 1}`,
    }]);
  }
  const first = from ?? Math.max(0, position - count + 1);
  const end = Math.min(first + count, from === null ? position + 1 : tokens.length);
  const [target] = logits.filter(({ role }) => role === "target");
  const named = ({ id, text }: Token): Token => ({ id, text });
  const cell = (row: number, token: Token): LensCell => ({
    top: named(row === 2 && target !== undefined ? target : token),
    topLogProb: -1 / (row + 1),
    targetLogProb: -4 + row,
    targetRank: 100 / 10 ** row,
  });
  return {
    side: label,
    tokens,
    target: named(target ?? { id: 0, text: "" }),
    from: first,
    rows: [0, 1, 2].map((row) => tokens.slice(first, end).map((token) => cell(row, token))),
  };
}

/** Attention is spread evenly; other metrics fall with the distance. @throws {ValidationError} if the head is none of `head/0..1/0..1` */
export function fakeAttention(
  { label, tokens }: Side,
  { head, metric }: { readonly head: string; readonly metric: Metric },
): AttentionResult {
  if (!/^head\/[01]\/[01]$/.test(head)) {
    throw new ValidationError([{
      path: "head",
      message: `Cannot read head "${head}": expected head/LAYER/HEAD, both 0..1`,
    }]);
  }
  const value = (query: number, key: number) =>
    metric === "activation" ? 1 / (query + 1) : (key % 2 === 0 ? 1 : -1) / (query - key + 1);
  const values = tokens.map((_, query) => Array.from({ length: query + 1 }, (_, key) => value(query, key)));
  return { head, metric, side: label, tokens, values };
}

/** Every node feeds the next one; two embeddings would join in. */
export function fakeCircuit({ objective, tokens }: Side, refs: readonly string[]): CircuitResult {
  const edge = (from: string, to: string, attribution: number): CircuitEdge => ({
    from,
    to,
    path: to.startsWith("head/") ? "q" : null,
    attribution,
  });
  const nodes = [...new Set(refs)];
  const [first = ""] = nodes;
  return {
    objective,
    tokens,
    nodes: nodes.map((ref, i) => ({ ref, activation: 0.1 * i, directEffect: i - 1, totalEffect: i % 2 })),
    edges: nodes.slice(1).map((ref, i) => edge(nodes[i] ?? "", ref, 1 / (i + 1))),
    candidates: ["mlp/0/3@0", "mlp/0/4@0"].map((ref, i) => ({ ref, edge: edge(ref, first, 0.5 - i) })),
    done: nodes.length,
    total: nodes.length,
  };
}
