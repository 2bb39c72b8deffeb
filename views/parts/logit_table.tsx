/** The likeliest next tokens, with targets and distractors. */
import type { VNode } from "preact";
import type { RunResult, TokenLogit } from "../../engine/mod.ts";
import type { RunViewState } from "../props.ts";
import { formatCount, formatNumber, formatProbability, formatSigned, tokenLabel } from "../format.ts";

/** Rows shown before the rest is folded away. */
const FIRST_ROWS = 20;

export interface LogitTableProps {
  readonly result: RunResult;
  /** The two sides compared, where there are more. */
  readonly pair: RunViewState["pair"];
}

/** A row's token on every side. */
type SidesOfToken = readonly TokenLogit[];

/** Targets and distractors first: they are what the question is about. Then by falling logit of the first side. */
export function LogitTable({ result: { sides: all }, pair }: LogitTableProps): VNode {
  const sides = all.filter((_, side) => all.length <= 2 || pair.includes(side));
  const [first, ...others] = sides;
  const byId = others.map(({ logits }) => new Map(logits.map((row) => [row.id, row])));
  const rows = (first?.logits ?? []).map((row): SidesOfToken => [
    row,
    ...byId.flatMap((ofSide) => ofSide.get(row.id) ?? []),
  ]);
  const isPinned = ([row]: SidesOfToken) => row !== undefined && row.role !== null;
  const ordered = [...rows.filter(isPinned), ...rows.filter((row) => !isPinned(row))];
  const labels = sides.map(({ label }) => label);
  const rest = ordered.slice(FIRST_ROWS);
  return (
    <section class="card" aria-labelledby="logits-title">
      <h2 id="logits-title">Next token</h2>
      <Rows
        rows={ordered.slice(0, FIRST_ROWS)}
        labels={labels}
        caption="Targets, distractors and the likeliest next tokens"
      />
      {rest.length === 0 ? null : (
        <details>
          <summary>{rest.length} more</summary>
          <Rows rows={rest} labels={labels} caption="Further next tokens" />
        </details>
      )}
    </section>
  );
}

interface RowsProps {
  readonly rows: readonly SidesOfToken[];
  readonly labels: readonly string[];
  readonly caption: string;
}

function Rows({ rows, labels, caption }: RowsProps): VNode {
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label={caption}>
      <table class="logit-table">
        <caption class="visually-hidden">{caption}</caption>
        <thead>{labels.length > 1 ? <PairHead labels={labels} /> : <SingleHead />}</thead>
        <tbody>{rows.map((row) => <LogitRow row={row} />)}</tbody>
      </table>
    </div>
  );
}

function SingleHead(): VNode {
  return (
    <tr>
      <th scope="col" class="number">Rank</th>
      <th scope="col">Token</th>
      <th scope="col" class="number">Logit</th>
      <th scope="col" class="number">Log-prob</th>
      <th scope="col" class="number">Probability</th>
    </tr>
  );
}

function PairHead({ labels: [left, right] }: { readonly labels: readonly string[] }): VNode {
  const sub = (hasDifference: boolean) => (
    <>
      <th scope="col" class="number group-start">{left}</th>
      {hasDifference ? <th scope="col" class="number">diff</th> : null}
      <th scope="col" class="number">{right}</th>
    </>
  );
  return (
    <>
      <tr>
        <td colSpan={3} />

        <th scope="colgroup" colSpan={3} class="group-start">Logit</th>
        <th scope="colgroup" colSpan={3} class="group-start">Log-prob</th>
        <th scope="colgroup" colSpan={2} class="group-start">Probability</th>
      </tr>
      <tr>
        <th scope="col" class="number">Rank {left}</th>
        <th scope="col">Token</th>
        <th scope="col" class="number">Rank {right}</th>
        {sub(true)}
        {sub(true)}
        {sub(false)}
      </tr>
    </>
  );
}

function LogitRow({ row: [first, second] }: { readonly row: SidesOfToken }): VNode | null {
  if (first === undefined) return null;
  return (
    <tr data-role={first.role ?? undefined}>
      <td class="number">{formatCount(first.rank)}</td>
      <th scope="row">
        <code class="token-name" title={`id ${first.id}`}>{tokenLabel(first.text)}</code>
        {first.role === null ? null : <span class="badge" data-role={first.role}>{first.role}</span>}
      </th>
      {second === undefined ? null : <td class="number">{formatCount(second.rank)}</td>}
      <Values first={first.logit} second={second?.logit} />
      <Values first={first.logProb} second={second?.logProb} />
      <td class={second === undefined ? "number" : "number group-start"}>{formatProbability(first.logProb)}</td>
      {second === undefined ? null : <td class="number">{formatProbability(second.logProb)}</td>}
    </tr>
  );
}

/** A value; for two sides the left one, left minus right, and the right one. */
function Values({ first, second }: { readonly first: number; readonly second: number | undefined }): VNode {
  if (second === undefined) return <td class="number" title={String(first)}>{formatNumber(first)}</td>;
  return (
    <>
      <td class="number group-start" title={String(first)}>{formatNumber(first)}</td>
      <td class="number difference" title={String(first - second)}>{formatSigned(first - second)}</td>
      <td class="number" title={String(second)}>{formatNumber(second)}</td>
    </>
  );
}
