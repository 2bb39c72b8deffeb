/** The heads, neurons, latents, errors and embeddings responsible. Everything about it is a link or a form, so that it works without script. */
import type { VNode } from "preact";
import type { NodeRow } from "../../engine/mod.ts";
import { METRIC_COLUMNS } from "../metrics.ts";
import {
  beyondTopK,
  filteredNodes,
  groupedNodes,
  isFiltered,
  metricValue,
  type NodeGroup,
  pageOf,
  sortedGroups,
  sortedNodes,
} from "../node_order.ts";
import type { ShownRun } from "../props.ts";
import { componentWithPage, kindOf, placeOnSide, placesOf } from "../refs.ts";
import { circuitUrl, componentUrl, nodesCsvUrl, runUrl } from "../urls.ts";
import { MAX_OPEN_ROWS, type RunViewState, toggledList } from "../view_state.ts";
import { tokenLabel } from "../format.ts";
import { Card, cardId, LoadedContent, RUN_ID, viewLink } from "./card.tsx";
import { KindBadge, MetricCell, NodeTokens } from "./node_cells.tsx";
import { isChangeable, nameForChange, NodeDetailContent } from "./node_detail.tsx";
import { GroupPicker, NodeFilterForm, Pager } from "./node_filter.tsx";
import { ColumnHelp, NodeHead } from "./node_head.tsx";
import { HeatLegend } from "../charts/heat_legend.tsx";
import { TopSource } from "./source_tokens.tsx";
import { metricColumns, type TableFrame } from "./table_frame.ts";

/** The table of a run. */
export function NodeTable(run: ShownRun): VNode {
  const { result, view, firstChangedLayer } = run;
  const { id, nodes, sides, spec } = result;
  const frame: TableFrame = {
    view,
    sides,
    link: (other) => viewLink(id, other),
    action: runUrl(id),
    query: [],
    targetId: RUN_ID,
  };
  const rows = sortedNodes(filteredNodes(nodes, view.filter, { sides, firstChangedLayer, pair: view.pair }), view);
  const isTrace = result.objectiveKind === "trace";
  return (
    <Card
      name="nodes"
      title="Nodes"
      runId={id}
      view={view}
      class="node-table"
      hasData
      note={
        <p class="fine-print">
          {isFiltered(view.filter)
            ? `${rows.length} of ${nodes.length} nodes pass the filter.`
            : `${nodes.length} nodes:`} the top {spec.topK}{" "}
          of every column and kind, and all embeddings{nodes.some(({ ref }) => kindOf(ref) === "error")
            ? " and errors"
            : ""}. Sorted by {orderInWords(view)}.
        </p>
      }
    >
      <p class="links">
        <a href={nodesCsvUrl(id)}>CSV</a>
        {view.pins.length === 0
          ? <a data-circuit href={circuitUrl(id, [])}>Circuit of the strongest</a>
          : <a data-circuit href={circuitUrl(id, view.pins)}>Circuit of {view.pins.length} pinned</a>}
      </p>
      <PairPicker frame={frame} />
      <NodeFilterForm frame={frame} nodes={nodes} canHideEarly={firstChangedLayer !== null} />
      <GroupPicker frame={frame} />
      <HeatLegend
        low={isTrace ? "lowers the traced node" : "against the target"}
        high={isTrace ? "raises it" : "for the target"}
        note="shade by size within its metric, over all sides"
      />
      {view.group === null
        ? <Rows run={run} rows={rows} frame={frame} />
        : <Groups rows={rows} frame={frame} group={view.group} />}
      <ColumnHelp />
    </Card>
  );
}

/** As in “direct effect, largest first”. */
export function orderInWords({ sort, direction }: Pick<RunViewState, "sort" | "direction">): string {
  const title = METRIC_COLUMNS.find(({ key }) => key === sort)?.title ?? "node";
  if (sort === "ref") return `node, ${direction === "desc" ? "last" : "first"} layer first`;
  const order = { desc: "largest first", asc: "smallest first", size: "largest by size first" } as const;
  return `${title.toLowerCase()}, ${order[direction]}`;
}

/** The strongest colour of each metric, the same for all sides and differences, so that colours compare. */
function largestOf(rows: readonly NodeRow[], frame: TableFrame): ReadonlyMap<string, number> {
  const columns = metricColumns(frame);
  return new Map(METRIC_COLUMNS.map(({ key }) => {
    const own = columns.filter(({ metric }) => metric === key);
    const values = rows.flatMap((row) =>
      own.map(({ side }) => Math.abs(metricValue(row, key, { ...frame.view, side })) || 0)
    );
    return [key, Math.max(0, ...values)];
  }));
}

interface RowsProps {
  readonly run: ShownRun;
  readonly rows: readonly NodeRow[];
  readonly frame: TableFrame;
}

function Rows({ run, rows, frame }: RowsProps): VNode {
  const { result: { id, nodes, sides, spec, alignment }, view, details, explanations, trace, sources } = run;
  const columns = metricColumns(frame);
  const largest = largestOf(nodes, frame);
  const beyond = beyondTopK(nodes, view, spec.topK);
  const [traced] = spec.trace === null ? [] : placesOf(spec.trace.node);
  const focus = sides.map((side) => traced === undefined ? side.position : placeOnSide(traced, side, alignment));
  const changed = new Set(
    spec.interventions.map(({ node: name, prompt }) => prompt === 1 ? `right: ${name}` : name),
  );
  const { rows: shown, ...page } = pageOf(rows, view);
  if (rows.length === 0) return <p class="empty-state">No node passes the filter.</p>;
  return (
    <>
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Table of nodes">
        <table>
          <caption class="visually-hidden">
            Nodes with their activation, write magnitude and effects, sorted by {orderInWords(view)}
          </caption>
          <NodeHead frame={frame} rowTitle="Node" secondTitle="Tokens" />
          <tbody>
            {shown.map((row) => {
              const { ref } = row;
              const isOpen = view.open.includes(ref);
              return (
                <>
                  <tr
                    class="node-row"
                    data-ref={ref}
                    data-name={isChangeable(row) ? nameForChange(row) : undefined}
                    data-open={isOpen ? "true" : undefined}
                  >
                    <RefCell row={row} view={view} model={spec.model} runId={id} />
                    <td>
                      <NodeTokens node={row} sides={sides} focus={focus} />
                      <RowSource sources={sources} row={row} />
                    </td>
                    <td>
                      <a
                        id={`open-${ref}`}
                        class="expander"
                        aria-expanded={isOpen ? "true" : "false"}
                        aria-label={`Details and actions of ${ref}`}
                        {...viewLink(id, { ...view, open: toggledList(view.open, ref).slice(-MAX_OPEN_ROWS) })}
                      >
                        {isOpen ? "▾" : "⋯"}
                      </a>
                    </td>
                    {columns.map((column) => (
                      <MetricCell
                        value={metricValue(row, column.metric, { ...view, side: column.side })}
                        column={column}
                        largest={largest.get(column.metric) ?? 0}
                        isBeyond={column.metric === view.sort && column.side === view.side && beyond.has(ref)}
                      />
                    ))}
                  </tr>
                  {isOpen
                    ? (
                      <tr class="detail-row">
                        <td colSpan={3 + columns.length}>
                          <NodeDetailContent
                            runId={id}
                            row={row}
                            view={view}
                            trace={spec.trace}
                            changed={changed}
                            detail={details.get(ref) ?? { state: "pending" }}
                            explanations={explanations.get(ref) ?? null}
                            model={spec.model}
                            sources={sources}
                          />
                        </td>
                      </tr>
                    )
                    : null}
                </>
              );
            })}
          </tbody>
        </table>
      </div>
      {sources === null ? null : (
        <LoadedContent
          loaded={sources}
          href={runUrl(id, view)}
          targetId={cardId("nodes")}
          what="Where latents come from"
        >
          {() => null}
        </LoadedContent>
      )}
      <Pager frame={frame} {...page} shown={shown.length} total={rows.length} />
      {shown.some(({ ref }) => beyond.has(ref))
        ? (
          <p class="fine-print">
            Values in <i>italics</i> are not among the top {spec.topK}{" "}
            of their kind in this column; the nodes are here because of other columns, and nodes between them may be
            missing.
          </p>
        )
        : null}
      {trace === null ? null : <p class="fine-print">Effects are those on the traced node.</p>}
    </>
  );
}

/** Of an attention latent: the token that brings most, where it is known. */
function RowSource({ sources, row }: { readonly sources: ShownRun["sources"]; readonly row: NodeRow }): VNode | null {
  if (sources?.state !== "ready") return null;
  const latent = sources.value.latents.get(row.ref);
  return latent === undefined ? null : <TopSource latent={latent} tokens={sources.value.tokens} />;
}

interface RefCellProps {
  readonly row: NodeRow;
  readonly view: RunViewState;
  readonly model: string;
  readonly runId: string;
}

/** The component is a link to its page; an embedding and an error have none. */
function RefCell({ row: { ref }, view, model, runId }: RefCellProps): VNode {
  const component = componentWithPage(ref);
  return (
    <th scope="row" class="node-ref">
      <KindBadge kind={kindOf(ref)} />{" "}
      <code>
        {component === null ? ref : (
          <>
            <a href={componentUrl(model, component, { run: runId })}>{component}</a>
            {ref.slice(component.length)}
          </>
        )}
      </code>
      {view.pins.includes(ref) ? <span class="pin-mark" title="Pinned to the circuit">●</span> : null}
    </th>
  );
}

interface GroupsProps {
  readonly rows: readonly NodeRow[];
  readonly frame: TableFrame;
  readonly group: NonNullable<RunViewState["group"]>;
}

function Groups({ rows, frame, group }: GroupsProps): VNode {
  const { view, sides } = frame;
  const columns = metricColumns(frame);
  const groups = sortedGroups(groupedNodes(rows, group, { sides }), view);
  const asRows = groups.map((sum) => ({ ...sum, ref: sum.name }));
  const largest = largestOf(asRows, frame);
  const { rows: shown, ...page } = pageOf(groups, view);
  const tokenName = ({ name }: NodeGroup) => {
    const token = name.startsWith("@") ? sides[0]?.tokens[Number(name.slice(1))] : undefined;
    return token === undefined ? null : <code class="token-name">{tokenLabel(token.text)}</code>;
  };
  return (
    <>
      <p class="fine-print">Sums over the nodes listed, not over all nodes of the model.</p>
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Table of groups of nodes">
        <table>
          <caption class="visually-hidden">Sums over the listed nodes, by {group}</caption>
          <NodeHead frame={frame} rowTitle="Group" secondTitle="Nodes" />
          <tbody>
            {shown.map((sum) => (
              <tr>
                <th scope="row" class="node-ref">
                  <code>{sum.name}</code> {tokenName(sum)}
                </th>
                <td class="number">{sum.count}</td>
                <td />
                {columns.map((column) => (
                  <MetricCell
                    value={metricValue(sum, column.metric, { ...view, side: column.side })}
                    column={column}
                    largest={largest.get(column.metric) ?? 0}
                  />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Pager frame={frame} {...page} shown={shown.length} total={groups.length} />
    </>
  );
}

/** Chooses the two of four sides that tables compare. */
function PairPicker({ frame: { view, sides, link } }: { readonly frame: TableFrame }): VNode | null {
  if (sides.length <= 2) return null;
  const pairs = sides.flatMap((_, a) => sides.flatMap((_, b): RunViewState["pair"][] => a < b ? [[a, b]] : []));
  return (
    <nav class="pair-picker" aria-label="Sides compared">
      {pairs.map(([a, b]) => (
        <a
          id={`pair-${a}-${b}`}
          aria-current={view.pair.join() === [a, b].join() ? "true" : undefined}
          {...link({ ...view, side: a, pair: [a, b] })}
        >
          {sides[a]?.label} – {sides[b]?.label}
        </a>
      ))}
    </nav>
  );
}
