/** The heads, neurons and embeddings responsible. Sorted by links, so that it works without script and Back undoes a sort. */
import type { VNode } from "preact";
import type { NodeRow, RunResult, Token } from "../../engine/mod.ts";
import { formatNumber, formatSigned, tokenLabel } from "../format.ts";
import { HEAT_STEPS, heatClass } from "../heat.ts";
import { METRIC_COLUMNS, type MetricKey, metricValue, sortedNodes } from "../node_order.ts";
import type { NodeSort, RunViewState } from "../props.ts";
import { runUrl } from "../urls.ts";

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
  const columns = METRIC_COLUMNS.flatMap(({ key, title }): readonly Column[] =>
    isPair
      ? [
        { metric: key, side: 0, title: `${sides[0]?.label}` },
        { metric: key, side: "diff", title: "diff" },
        { metric: key, side: 1, title: `${sides[1]?.label}` },
      ]
      : [{ metric: key, side: 0, title }]
  );
  const largest = new Map(
    columns.map((column) => [column, Math.max(...nodes.map((node) => Math.abs(valueOf(node, column))))]),
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
      <Legend />
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Table of nodes">
        <table>
          <caption class="visually-hidden">
            Heads, neurons and embeddings with their activation, write magnitude and effects
          </caption>
          <thead>
            {isPair
              ? (
                <tr>
                  <td colSpan={2} />
                  {METRIC_COLUMNS.map(({ title, help }) => (
                    <th scope="colgroup" colSpan={3} class="group-start" title={help}>{title}</th>
                  ))}
                </tr>
              )
              : null}
            <tr>
              <SortHeader result={result} view={view} sort="ref" side={0} title="Node" />
              <th scope="col">Tokens</th>
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
  const href = runUrl(result.id, { sort, direction, side });
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

/** Which tokens a node is about: where it reads from and writes to. */
function NodeTokens({ node, sides: [left, right] }: { readonly node: NodeRow } & Pick<RunResult, "sides">): VNode {
  const [from, to] = node.ref.slice(node.ref.indexOf("@") + 1).split("<").map(Number);
  const name = (index: number) => (
    <>
      <TokenName token={left?.tokens[index]} />
      {right === undefined || right.tokens[index]?.id === left?.tokens[index]?.id ? null : (
        <>
          {" | "}
          <TokenName token={right.tokens[index]} />
        </>
      )}
      <sub>{index}</sub>
    </>
  );
  if (from === undefined) return <span />;
  return <span class="node-tokens">{name(from)}{to === undefined ? null : <>{" ← "}{name(to)}</>}</span>;
}

function TokenName({ token }: { readonly token: Token | undefined }): VNode {
  return <code class="token-name">{token === undefined ? "—" : tokenLabel(token.text)}</code>;
}

function MetricCell(
  { value, column: { metric, side }, largest }: { value: number; column: Column; largest: number },
): VNode {
  const isColoured = COLOURED.has(metric) || side === "diff";
  return (
    <td class={isColoured ? `number ${heatClass(value, largest)}` : "number"} title={String(value)}>
      {isColoured ? formatSigned(value) : formatNumber(value)}
    </td>
  );
}

function Legend(): VNode {
  const steps = Array.from({ length: 2 * HEAT_STEPS + 1 }, (_, index) => index - HEAT_STEPS).filter((step) =>
    step % 2 === 0
  );
  return (
    <p class="legend">
      <span>against the target</span>
      <span class="legend-scale" aria-hidden="true">
        {steps.map((step) => <span class={heatClass(step, HEAT_STEPS)} />)}
      </span>
      <span>for the target; shade by size within its column</span>
    </p>
  );
}

function valueOf(node: NodeRow, { metric, side }: Column): number {
  return metricValue(node, metric, side);
}

function kindOf({ ref }: NodeRow): string {
  if (ref.startsWith("head/")) return "head";
  return ref.startsWith("mlp/") ? "neuron" : "embed";
}
