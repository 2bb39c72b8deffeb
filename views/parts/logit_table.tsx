/** The likeliest next tokens, with targets and distractors, sorted by links. */
import type { VNode } from "preact";
import type { RunResult, Side, TokenLogit } from "../../engine/mod.ts";
import type { RunViewState } from "../view_state.ts";
import { formatCount, formatNumber, formatProbability, formatSigned, tokenLabel } from "../format.ts";
import { logitsCsvUrl } from "../urls.ts";
import { Card, viewLink } from "./card.tsx";

/** Rows shown before the rest is asked for. */
const FIRST_ROWS = 20;

export interface LogitTableProps {
  readonly result: RunResult;
  readonly view: RunViewState;
}

/** A token on the sides that are compared. */
interface TokenRow {
  readonly first: TokenLogit;
  readonly second: TokenLogit | undefined;
}

/** Logits of the first targets, which relative logits are told against. */
interface Zero {
  readonly first: number;
  readonly second: number;
}

export function LogitTable({ result, view }: LogitTableProps): VNode | null {
  const { id, sides } = result;
  const [left, right] = sides.length > 1 ? view.pair.map((side) => sides[side]) : sides;
  if (left === undefined) return null;
  const rows = sortedRows(left, right, view);
  const shown = view.showsAllLogits ? rows : rows.slice(0, FIRST_ROWS);
  const zero = {
    first: firstTargetLogit(left, result),
    second: right === undefined ? NaN : firstTargetLogit(right, result),
  };
  return (
    <Card
      name="logits"
      title="Next token"
      runId={id}
      view={view}
      hasData
      note={<p class="fine-print">{positionInWords(left, right)}</p>}
    >
      <p class="links">
        <a href={logitsCsvUrl(id)}>CSV</a>
      </p>
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Table of next tokens">
        <table class="logit-table">
          <caption class="visually-hidden">Targets and distractors, then the likeliest next tokens</caption>
          <thead>
            {right === undefined
              ? <SingleHead id={id} view={view} />
              : <PairHead id={id} view={view} labels={[left.label, right.label]} />}
          </thead>
          <tbody>
            {shown.map((row) =>
              right === undefined ? <SingleRow {...row} zero={zero} /> : <PairRow {...row} zero={zero} />
            )}
          </tbody>
        </table>
      </div>
      <p class="fine-print">
        Relative logits count from the target named first. {rows.length > FIRST_ROWS
          ? (
            <a id="logits-rows" {...viewLink(id, { ...view, showsAllLogits: !view.showsAllLogits })}>
              {view.showsAllLogits ? `Show the first ${FIRST_ROWS}` : `Show all ${rows.length}`}
            </a>
          )
          : null}
      </p>
    </Card>
  );
}

/** Targets and distractors first: they are what the question is about. Then as the view says. */
function sortedRows(
  left: Side,
  right: Side | undefined,
  { logitSort, logitDirection, logitSide, pair }: RunViewState,
): readonly TokenRow[] {
  const others = new Map(right?.logits.map((row) => [row.id, row]));
  const rows = left.logits.map((first): TokenRow => ({ first, second: others.get(first.id) }));
  const key = ({ first, second }: TokenRow) => {
    if (logitSort === "diff") return first.logit - (second?.logit ?? NaN);
    return (logitSide === pair[1] && second !== undefined ? second : first).logit;
  };
  const sign = logitDirection === "asc" ? 1 : -1;
  const sorted = rows.toSorted((a, b) => sign * (key(a) - key(b)));
  const isPinned = ({ first, second }: TokenRow) => first.role !== null || (second?.role ?? null) !== null;
  const order = { target: 0, distractor: 1 } as const;
  const rank = ({ first: { role } }: TokenRow) => role === null ? 2 : order[role];
  return [...sorted.filter(isPinned).toSorted((a, b) => rank(a) - rank(b)), ...sorted.filter((row) => !isPinned(row))];
}

/** Logit of the target that the side's prompt names first, which need not be the likeliest. */
function firstTargetLogit({ label, logits }: Side, { spec: { prompts } }: RunResult): number {
  const [first] = prompts[label.startsWith("right") ? 1 : 0]?.targets ?? [];
  return logits.find(({ id, text, role }) => role === "target" && (id === first || text === first))?.logit ?? NaN;
}

function positionInWords(left: Side, right: Side | undefined): string {
  const name = (side: Side) => `after token ${side.position} ${tokenLabel(side.tokens[side.position]?.text ?? "")}`;
  if (right === undefined || right.position === left.position) return `What follows ${name(left)}.`;
  return `What follows ${name(left)} (${left.label}) and ${name(right)} (${right.label}).`;
}

interface HeadProps {
  readonly id: string;
  readonly view: RunViewState;
}

function SingleHead({ id, view }: HeadProps): VNode {
  return (
    <tr>
      <th scope="col" class="number">Rank</th>
      <th scope="col">Token</th>
      <th scope="col" class="number">Relative logit</th>
      <SortHeader id={id} view={view} sort="logit" side={0} title="Logit" />
      <th scope="col" class="number">Log-prob</th>
      <th scope="col" class="number">Probability</th>
    </tr>
  );
}

function PairHead(
  { id, view, labels: [left, right] }: HeadProps & { readonly labels: readonly [string, string] },
): VNode {
  const two = (
    <>
      <th scope="col" class="number group-start">{left}</th>
      <th scope="col" class="number">{right}</th>
    </>
  );
  return (
    <>
      <tr>
        <td />
        <th scope="colgroup" colSpan={3} class="group-start">Relative logit</th>
        <th scope="colgroup" colSpan={3} class="group-start">Logit</th>
        <th scope="colgroup" colSpan={2} class="group-start">Probability</th>
        <th scope="colgroup" colSpan={2} class="group-start">Rank</th>
      </tr>
      <tr>
        <th scope="col">Token</th>
        <th scope="col" class="number group-start">{left}</th>
        <th scope="col" class="number">diff</th>
        <th scope="col" class="number">{right}</th>
        <SortHeader id={id} view={view} sort="logit" side={view.pair[0]} title={left} isGroupStart />
        <SortHeader id={id} view={view} sort="diff" side={0} title="diff" />
        <SortHeader id={id} view={view} sort="logit" side={view.pair[1]} title={right} />
        {two}
        {two}
      </tr>
    </>
  );
}

interface SortHeaderProps extends HeadProps {
  readonly sort: RunViewState["logitSort"];
  readonly side: number;
  readonly title: string;
  readonly isGroupStart?: boolean;
}

function SortHeader({ id, view, sort, side, title, isGroupStart = false }: SortHeaderProps): VNode {
  const isSorted = view.logitSort === sort && (sort === "diff" || view.logitSide === side);
  const direction = isSorted && view.logitDirection === "desc" ? "asc" : "desc";
  return (
    <th
      scope="col"
      class={isGroupStart ? "number group-start" : "number"}
      aria-sort={isSorted ? (view.logitDirection === "asc" ? "ascending" : "descending") : undefined}
    >
      <a
        id={`logit-sort-${sort}-${side}`}
        {...viewLink(id, { ...view, logitSort: sort, logitSide: side, logitDirection: direction })}
      >
        {title}
        <span aria-hidden="true">{isSorted ? (view.logitDirection === "asc" ? " ▲" : " ▼") : ""}</span>
      </a>
    </th>
  );
}

interface RowProps extends TokenRow {
  readonly zero: Zero;
}

function SingleRow({ first, zero }: RowProps): VNode {
  return (
    <tr data-role={first.role ?? undefined}>
      <td class="number">{formatCount(first.rank)}</td>
      <TokenCell first={first} second={undefined} />
      <Value value={first.logit - zero.first} isSigned />
      <Value value={first.logit} />
      <Value value={first.logProb} />
      <td class="number">{formatProbability(first.logProb)}</td>
    </tr>
  );
}

function PairRow({ first, second, zero }: RowProps): VNode {
  const [a, b] = [first.logit - zero.first, (second?.logit ?? NaN) - zero.second];
  return (
    <tr data-role={first.role ?? second?.role ?? undefined}>
      <TokenCell first={first} second={second} />
      <Value value={a} isSigned isGroupStart />
      <Value value={a - b} isSigned />
      <Value value={b} isSigned />
      <Value value={first.logit} isGroupStart />
      <Value value={first.logit - (second?.logit ?? NaN)} isSigned />
      <Value value={second?.logit ?? NaN} />
      <td class="number group-start">{formatProbability(first.logProb)}</td>
      <td class="number">{second === undefined ? "—" : formatProbability(second.logProb)}</td>
      <td class="number group-start">{formatCount(first.rank)}</td>
      <td class="number">{second === undefined ? "—" : formatCount(second.rank)}</td>
    </tr>
  );
}

/** The token with what the question makes of it, which may differ between prompts. */
function TokenCell({ first, second }: TokenRow): VNode {
  const roles = [...new Set([first.role, second?.role ?? null])].filter((role) => role !== null);
  return (
    <th scope="row">
      <code class="token-name" title={`id ${first.id}`}>{tokenLabel(first.text)}</code>
      {roles.map((role) => <span class="badge" data-role={role}>{role}</span>)}
    </th>
  );
}

interface ValueProps {
  readonly value: number;
  readonly isSigned?: boolean;
  readonly isGroupStart?: boolean;
}

function Value({ value, isSigned = false, isGroupStart = false }: ValueProps): VNode {
  const isKnown = Number.isFinite(value);
  return (
    <td class={isGroupStart ? "number group-start" : "number"} title={isKnown ? String(value) : undefined}>
      {!isKnown ? "—" : isSigned ? formatSigned(value) : formatNumber(value)}
    </td>
  );
}
