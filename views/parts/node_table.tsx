/** The heads, neurons and embeddings responsible. Sorted by links, so that it works without script and Back undoes a sort. */
import type { VNode } from "preact";
import type { NodeRow, RunResult, Token } from "../../engine/mod.ts";
import { formatNumber, formatSigned, tokenLabel } from "../format.ts";
import { HEAT_STEPS, heatClass } from "../heat.ts";
import { METRIC_COLUMNS, type MetricKey, metricValue, sortedNodes } from "../node_order.ts";
import type { NodeSort, RunViewState } from "../props.ts";
import { nodeUrl, runUrl } from "../urls.ts";
import { ChangeButton } from "./change_button.tsx";

export const NODES_ID = "nodes";

export interface NodeTableProps {
  readonly result: RunResult;
  readonly view: RunViewState;
}

/** Effects have a sign that matters; their cells are coloured. */
const COLOURED: ReadonlySet<MetricKey> = new Set<MetricKey>(["directEffect", "totalEffect"]);

type Column = { readonly metric: MetricKey; readonly side: RunViewState["side"]; readonly title: string };

export function NodeTable({ result, view }: NodeTableProps): VNode {
  const { nodes, sides } = result;
  const isPair = sides.length > 1;
  const { pair: [first, second] } = view;
  const columns = METRIC_COLUMNS.flatMap(({ key, title }): readonly Column[] =>
    isPair
      ? [
        { metric: key, side: first, title: `${sides[first]?.label}` },
        { metric: key, side: "diff", title: "diff" },
        { metric: key, side: second, title: `${sides[second]?.label}` },
      ]
      : [{ metric: key, side: 0, title }]
  );
  const valueOf = (row: NodeRow, { metric, side }: Column) => metricValue(row, metric, { ...view, side });
  const largest = new Map(
    columns.map((column) => [column, Math.max(...nodes.map((row) => Math.abs(valueOf(row, column) || 0)))]),
  );
  const sortLabel = METRIC_COLUMNS.find(({ key }) => key === view.sort)?.title ?? "node";
  return (
    <section id={NODES_ID} class="card node-table" aria-labelledby="nodes-title">
      <div class="card-head">
        <h2 id="nodes-title" tabIndex={-1}>Nodes</h2>
        <p class="fine-print">
          {nodes.length} nodes: the top {result.spec.topK} of every column and kind, and all embeddings. Sorted by{" "}
          {sortLabel.toLowerCase()}, {view.direction === "desc" ? "largest first" : "smallest first"}.
        </p>
      </div>
      <PairPicker result={result} view={view} />
      <Legend isTrace={result.objectiveKind === "trace"} />
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Table of nodes">
        <table>
          <caption class="visually-hidden">
            Heads, neurons and embeddings with their activation, write magnitude and effects
          </caption>
          <thead>
            {isPair
              ? (
                <tr>
                  <td colSpan={3} />
                  {METRIC_COLUMNS.map(({ title, help }) => (
                    <th scope="colgroup" colSpan={3} class="group-start" title={help}>{title}</th>
                  ))}
                </tr>
              )
              : null}
            <tr>
              <SortHeader result={result} view={view} sort="ref" side={0} title="Node" />
              <th scope="col">Tokens</th>
              <th scope="col">Act</th>
              {columns.map(({ metric, side, title }) => (
                <SortHeader
                  result={result}
                  view={view}
                  sort={metric}
                  side={side}
                  title={title}
                  help={METRIC_COLUMNS.find(({ key }) => key === metric)?.help ?? ""}
                />
              ))}
            </tr>
          </thead>
          <tbody>
            {sortedNodes(nodes, view).map((node) => (
              <tr>
                <th scope="row" class="node-ref">
                  <span class="kind" data-kind={kindOf(node)}>{kindOf(node)}</span> <code>{node.ref}</code>
                </th>
                <td>
                  <NodeTokens node={node} sides={sides} />
                </td>
                <td>
                  <NodeActions runId={result.id} row={node} />
                </td>
                {columns.map((column) => (
                  <MetricCell value={valueOf(node, column)} column={column} largest={largest.get(column) ?? 0} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

interface SortHeaderProps extends NodeTableProps {
  readonly sort: NodeSort;
  readonly side: RunViewState["side"];
  readonly title: string;
  readonly help?: string;
}

/** A header that sorts: largest first, and the other way round when it already does. */
function SortHeader({ result, view, sort, side, title, help }: SortHeaderProps): VNode {
  const isSorted = view.sort === sort && (sort === "ref" || view.side === side);
  const first = sort === "ref" ? "asc" : "desc";
  const direction = isSorted && view.direction === first ? (first === "asc" ? "desc" : "asc") : first;
  const href = runUrl(result.id, { ...view, sort, direction, side });
  return (
    <th
      scope="col"
      class={sort === "ref" ? undefined : "number"}
      aria-sort={isSorted ? (view.direction === "asc" ? "ascending" : "descending") : undefined}
    >
      <a
        id={`sort-${sort}-${side}`}
        href={href}
        title={help}
        hx-get={href}
        hx-target={`#${NODES_ID}`}
        hx-swap="outerHTML"
        hx-push-url="true"
      >
        {title}
        <span aria-hidden="true">{isSorted ? (view.direction === "asc" ? " ▲" : " ▼") : ""}</span>
      </a>
    </th>
  );
}

/** Chooses the two of four sides that the table compares. */
function PairPicker({ result: { id, sides }, view }: NodeTableProps): VNode | null {
  if (sides.length <= 2) return null;
  const pairs = sides.flatMap((_, a) => sides.flatMap((_, b): RunViewState["pair"][] => a < b ? [[a, b]] : []));
  return (
    <nav class="pair-picker" aria-label="Sides compared">
      {pairs.map(([a, b]) => {
        const isShown = view.pair.join() === [a, b].join();
        const href = runUrl(id, { ...view, side: a, pair: [a, b] });
        return (
          <a
            id={`pair-${a}-${b}`}
            href={href}
            aria-current={isShown ? "true" : undefined}
            hx-get={href}
            hx-target={`#${NODES_ID}`}
            hx-swap="outerHTML"
            hx-push-url="true"
          >
            {sides[a]?.label} – {sides[b]?.label}
          </a>
        );
      })}
    </nav>
  );
}

/** Which tokens a node is about: where it reads from and writes to. Where the prompts differ, both are named. */
function NodeTokens({ node, sides }: { readonly node: NodeRow } & Pick<RunResult, "sides">): VNode {
  const named = new Map<string, VNode>();
  sides.forEach(({ tokens }, side) => {
    const ref = node.refs === undefined ? node.ref : node.refs[side];
    if (ref === null || ref === undefined) return;
    const places = ref.slice(ref.indexOf("@") + 1).split("<").map(Number);
    const key = places.map((place) => `${place} ${tokens[place]?.id}`).join();
    if (named.has(key)) return;
    named.set(
      key,
      <span class="node-tokens">
        {places.map((place, index) => (
          <>
            {index === 0 ? "" : " ← "}
            <TokenName token={tokens[place]} />
            <sub>{place}</sub>
          </>
        ))}
      </span>,
    );
  });
  return <>{[...named.values()].map((name, index) => <>{index === 0 ? "" : " | "}{name}</>)}</>;
}

/** What can be done with a node, folded away until wanted. */
function NodeActions({ runId, row: { ref, refs } }: { readonly runId: string; readonly row: NodeRow }): VNode {
  // Tokens of changes count in the first prompt, unless it lacks them.
  const name = refs?.[0] === null ? `right: ${ref}` : ref;
  return (
    <details class="node-actions">
      <summary aria-label={`Act on ${ref}`}>⋯</summary>
      <div class="node-actions-menu">
        {refs?.[0] === null
          ? null
          : <a href={nodeUrl(runId, ref)} title="What it promotes, what drives it, its edges">Details</a>}
        <ChangeButton change={`ablate ${name}`} title="Set this value to 0 and compare">Ablate</ChangeButton>
        {ref.startsWith("head/")
          ? (
            <>
              <ChangeButton change={`ablate ${name.replace(/<\d+$/, "<*")}`} title="Set the head's whole row to 0">
                Ablate row
              </ChangeButton>
              {refs?.[0] === null
                ? null
                : HEAD_PATHS.map((path) => (
                  <ChangeButton change={`trace ${ref} ${path}`} title={PATH_HELP[path]}>Trace {path}</ChangeButton>
                ))}
            </>
          )
          : ref.startsWith("mlp/") && refs?.[0] !== null
          ? <ChangeButton change={`trace ${ref}`} title="What drives this neuron">Trace</ChangeButton>
          : null}
      </div>
    </details>
  );
}

const HEAD_PATHS = ["q", "k", "qk", "v"] as const;
const PATH_HELP = {
  q: "Why this token looks: what makes its query",
  k: "Why it looks there: what makes that token's key",
  qk: "Query and key together",
  v: "What is moved: what makes the value that is read",
} as const;

function TokenName({ token }: { readonly token: Token | undefined }): VNode {
  return <code class="token-name">{token === undefined ? "—" : tokenLabel(token.text)}</code>;
}

function MetricCell(
  { value, column: { metric, side }, largest }: { value: number; column: Column; largest: number },
): VNode {
  const isColoured = COLOURED.has(metric) || side === "diff";
  if (Number.isNaN(value)) {
    return (
      <td class="number" title="There is no such node on this side">
        <span aria-label="none">—</span>
      </td>
    );
  }
  return (
    <td class={isColoured ? `number ${heatClass(value, largest)}` : "number"} title={String(value)}>
      {isColoured ? formatSigned(value) : formatNumber(value)}
    </td>
  );
}

function Legend({ isTrace }: { readonly isTrace: boolean }): VNode {
  const steps = Array.from({ length: 2 * HEAT_STEPS + 1 }, (_, index) => index - HEAT_STEPS).filter((step) =>
    step % 2 === 0
  );
  return (
    <p class="legend">
      <span>{isTrace ? "lowers the traced node" : "against the target"}</span>
      <span class="legend-scale" aria-hidden="true">
        {steps.map((step) => <span class={heatClass(step, HEAT_STEPS)} />)}
      </span>
      <span>{isTrace ? "raises it" : "for the target"}; shade by size within its column</span>
    </p>
  );
}

function kindOf({ ref }: NodeRow): string {
  if (ref.startsWith("head/")) return "head";
  return ref.startsWith("mlp/") ? "neuron" : "embed";
}
