/** A run as CSV (RFC 4180): a header row, CRLF line ends, numbers as they are, all sides. */
import type { RunResult } from "../engine/mod.ts";

const NODE_SCALARS = ["activation", "writeNorm", "directEffect", "totalEffect"] as const;

/** One row a node; columns `ref`, then `activation_left`, `activation_right`, `writeNorm_left` and so on. */
export function nodesCsv({ sides, nodes }: RunResult): string {
  const header = ["ref", ...NODE_SCALARS.flatMap((scalar) => sides.map(({ label }) => `${scalar}_${label}`))];
  const rows = nodes.map((node) => [
    node.ref,
    ...NODE_SCALARS.flatMap((scalar) => sides.map((_, side) => node[scalar][side] ?? "")),
  ]);
  return csv([header, ...rows]);
}

/** One row a token and side; columns `side`, `id`, `text`, `logit`, `logProb`, `rank`, `role`. */
export function logitsCsv({ sides }: RunResult): string {
  const rows = sides.flatMap(({ label, logits }) =>
    logits.map(({ id, text, logit, logProb, rank, role }) => [label, id, text, logit, logProb, rank, role ?? ""])
  );
  return csv([["side", "id", "text", "logit", "logProb", "rank", "role"], ...rows]);
}

function csv(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((row) => `${row.map(csvField).join(",")}\r\n`).join("");
}

function csvField(value: string | number): string {
  const text = String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
