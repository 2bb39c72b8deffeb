/** The likeliest next tokens, with targets and distractors. */
import type { VNode } from "preact";
import type { RunResult, TokenLogit } from "../../engine/mod.ts";
import { formatCount, formatNumber, formatProbability, formatSigned, tokenLabel } from "../format.ts";

/** Rows shown before the rest is folded away. */
const FIRST_ROWS = 12;

export function LogitTable({ result: { sides } }: { readonly result: RunResult }): VNode {
  const [left, right] = sides;
  const rows = left?.logits ?? [];
  const otherSide = new Map(right?.logits.map((row) => [row.id, row]) ?? []);
  // Targets and distractors first: they are what the question is about.
  const ordered = [...rows.filter(({ role }) => role !== null), ...rows.filter(({ role }) => role === null)];
  const table = (part: readonly TokenLogit[], caption: string) => (
    <div class="table-scroll" tabIndex={0} role="region" aria-label={caption}>
      <table class="logit-table">
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            <th scope="col" class="number">Rank</th>
            <th scope="col">Token</th>
            <th scope="col" class="number">{right === undefined ? "Logit" : "Left logit"}</th>
            {right === undefined ? null : <th scope="col" class="number">Left − right</th>}
            {right === undefined ? null : <th scope="col" class="number">Right logit</th>}
            <th scope="col" class="number">Log-prob</th>
            <th scope="col" class="number">Probability</th>
            {right === undefined ? null : <th scope="col" class="number">Right probability</th>}
          </tr>
        </thead>
        <tbody>{part.map((row) => <LogitRow row={row} other={otherSide.get(row.id)} />)}</tbody>
      </table>
    </div>
  );
  return (
    <section class="card" aria-labelledby="logits-title">
      <h2 id="logits-title">Next token</h2>
      {table(ordered.slice(0, FIRST_ROWS), "Targets, distractors and the likeliest next tokens")}
      {ordered.length > FIRST_ROWS
        ? (
          <details>
            <summary>{ordered.length - FIRST_ROWS} more</summary>
            {table(ordered.slice(FIRST_ROWS), "Further next tokens")}
          </details>
        )
        : null}
    </section>
  );
}

function LogitRow({ row, other }: { readonly row: TokenLogit; readonly other: TokenLogit | undefined }): VNode {
  return (
    <tr data-role={row.role ?? undefined}>
      <td class="number">{formatCount(row.rank)}</td>
      <th scope="row">
        <code class="token-name" title={`id ${row.id}`}>{tokenLabel(row.text)}</code>
        {row.role === null ? null : <span class="badge" data-role={row.role}>{row.role}</span>}
      </th>
      <td class="number" title={String(row.logit)}>{formatNumber(row.logit)}</td>
      {other === undefined
        ? null
        : <td class="number" title={String(row.logit - other.logit)}>{formatSigned(row.logit - other.logit)}</td>}
      {other === undefined ? null : <td class="number" title={String(other.logit)}>{formatNumber(other.logit)}</td>}
      <td class="number" title={String(row.logProb)}>{formatNumber(row.logProb)}</td>
      <td class="number">{formatProbability(row.logProb)}</td>
      {other === undefined ? null : <td class="number">{formatProbability(other.logProb)}</td>}
    </tr>
  );
}
