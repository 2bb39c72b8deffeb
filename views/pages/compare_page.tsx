/** Two runs side by side: objectives, next tokens, and their nodes joined by ref. */
import type { VNode } from "preact";
import type { NodeRow, RunResult } from "../../engine/mod.ts";
import { HeatLegend } from "../charts/heat_legend.tsx";
import { formatProbability, formatSigned, promptLabel, quotedToken } from "../format.ts";
import { METRIC_COLUMNS } from "../metrics.ts";
import { filteredNodes, metricValue, pageOf, sortedNodes } from "../node_order.ts";
import { KindBadge, MetricCell, NodeTokens } from "../parts/node_cells.tsx";
import { NodeFilterForm, Pager } from "../parts/node_filter.tsx";
import { ColumnHelp, NodeHead } from "../parts/node_head.tsx";
import { swapLink } from "../parts/card.tsx";
import { metricColumns, type TableFrame } from "../parts/table_frame.ts";
import { kindOf } from "../refs.ts";
import { compareUrl, nodeUrl, runUrl } from "../urls.ts";
import type { RunViewState } from "../view_state.ts";

export const COMPARE_ID = "compare";

export interface ComparePageProps {
  readonly a: RunResult;
  readonly b: RunResult;
  /** Nodes of either, by ref; null where a run does not list it. */
  readonly nodes: readonly NodeRow[];
  readonly view: RunViewState;
  /** In words, what each run changed in the model. */
  readonly changes: readonly [readonly string[], readonly string[]];
}

export function ComparePage(props: ComparePageProps): VNode {
  const { a, b, changes } = props;
  const [left, right] = [a.sides[0], b.sides[0]];
  const difference = (left?.objective ?? NaN) - (right?.objective ?? NaN);
  return (
    <div class="page compare-page">
      <h1>Two answers compared</h1>
      <section class="card" aria-labelledby="runs-title">
        <h2 id="runs-title">Objectives</h2>
        <div class="objectives objectives-two">
          <ComparedRun name="left" run={a} changes={changes[0]} />
          <ComparedRun name="right" run={b} changes={changes[1]} />
          <div class="objective objective-difference">
            <span class="objective-side">left − right</span>
            <span class="objective-value" title={String(difference)}>{formatSigned(difference)}</span>
            <p>
              {a.objectiveKind === b.objectiveKind
                ? "Differences are always left minus right, of the first side of each answer."
                : `These are different quantities: ${a.objectiveKind} and ${b.objectiveKind}.`}{" "}
              <a href={compareUrl(b.id, a.id)}>Swap</a>
            </p>
          </div>
        </div>
      </section>
      <CompareTable {...props} />
    </div>
  );
}

function ComparedRun(
  { name, run, changes }: {
    readonly name: string;
    readonly run: RunResult;
    readonly changes: readonly string[];
  },
): VNode {
  const { id, sides: [side], spec } = run;
  const best = side?.logits.find(({ rank }) => rank === 1);
  return (
    <div class="objective">
      <span class="objective-side">{name}: {side?.label}</span>
      <span class="objective-value" title={String(side?.objective)}>{formatSigned(side?.objective ?? NaN)}</span>
      <p class="compared-prompt">{promptLabel(run, 0)}</p>
      <p class="fine-print">
        {spec.objective.kind} on {spec.model}
        {best === undefined ? "" : `; likeliest next: ${quotedToken(best.text)}, ${formatProbability(best.logProb)}`}
        {changes.length === 0 ? "" : `; changed: ${changes.join("; ")}`}
      </p>
      <p>
        <a href={runUrl(id)}>The answer</a>
      </p>
    </div>
  );
}

/** The part that changes with the view. */
export function CompareTable({ a, b, nodes, view }: ComparePageProps): VNode {
  const [left, right] = [a.sides[0], b.sides[0]];
  if (left === undefined || right === undefined) return <p class="empty-state">One of the answers has no side.</p>;
  const sides = [{ ...left, label: "left" as const }, { ...right, label: "right" as const }];
  const frame: TableFrame = {
    view,
    sides,
    link: (other) => swapLink(compareUrl(a.id, b.id, other), `#${COMPARE_ID}`),
    action: "/compare",
    query: [["a", a.id], ["b", b.id]],
    targetId: COMPARE_ID,
  };
  const rows = sortedNodes(filteredNodes(nodes, view.filter, { sides, firstChangedLayer: null, pair: [0, 1] }), view);
  const { rows: shown, ...page } = pageOf(rows, view);
  const columns = metricColumns(frame);
  const largest = new Map(METRIC_COLUMNS.map(({ key }) => [
    key,
    Math.max(
      0,
      ...columns.filter(({ metric }) => metric === key).flatMap(({ side }) =>
        nodes.map((row) => Math.abs(metricValue(row, key, { ...view, side })) || 0)
      ),
    ),
  ]));
  return (
    <section id={COMPARE_ID} class="card node-table" aria-labelledby="compare-title">
      <div class="card-head">
        <h2 id="compare-title">Nodes</h2>
        <p class="fine-print">{rows.length} of {nodes.length} nodes of either answer, joined by name.</p>
      </div>
      <NodeFilterForm frame={frame} nodes={nodes} canHideEarly={false} />
      <HeatLegend low="against the target" high="for the target" note="shade by size within its metric" />
      {shown.length === 0
        ? <p class="empty-state">No node passes the filter.</p>
        : (
          <div class="table-scroll" tabIndex={0} role="region" aria-label="Table of nodes">
            <table>
              <caption class="visually-hidden">Nodes of both answers</caption>
              <NodeHead frame={frame} rowTitle="Node" secondTitle="Tokens" />
              <tbody>
                {shown.map((row) => (
                  <tr>
                    <th scope="row" class="node-ref">
                      <KindBadge kind={kindOf(row.ref)} />{" "}
                      <a href={nodeUrl(row.directEffect[0] === null ? b.id : a.id, row.ref)}>
                        <code>{row.ref}</code>
                      </a>
                    </th>
                    <td>
                      <NodeTokens node={row} sides={sides} focus={[left.position, right.position]} />
                    </td>
                    <td />
                    {columns.map((column) => (
                      <MetricCell
                        value={metricValue(row, column.metric, { ...view, side: column.side })}
                        column={column}
                        largest={largest.get(column.metric) ?? 0}
                        absence="Not listed in that answer: not among its top k"
                      />
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      <Pager frame={frame} {...page} shown={shown.length} total={rows.length} />
      <p class="fine-print">A dash: that answer does not list the node, because it is in none of its top k.</p>
      <ColumnHelp />
    </section>
  );
}
