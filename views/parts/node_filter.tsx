/** Which rows of a table of nodes are shown, and under what they are gathered. A plain form; with script it follows the typing. */
import type { VNode } from "preact";
import type { NodeRow } from "../../engine/mod.ts";
import { METRIC_COLUMNS } from "../metrics.ts";
import { isFiltered } from "../node_order.ts";
import { kindOf } from "../refs.ts";
import { DEFAULT_VIEW, type Grouping, GROUPINGS, NODE_KINDS, pageSizes, viewQuery } from "../view_state.ts";
import { KindBadge } from "./node_cells.tsx";
import { PageWays } from "./pager.tsx";
import type { TableFrame } from "./table_frame.ts";

export interface NodeFilterProps {
  readonly frame: TableFrame;
  /** The rows that are filtered: only their kinds can be chosen. */
  readonly nodes: readonly Pick<NodeRow, "ref">[];
  /** Whether layers before the first intervention can be hidden: there is one. */
  readonly canHideEarly: boolean;
}

/** Name of the field that tells the filter form from a link: its address is then written in the short form. */
export const FILTER_FIELD = "filter";

export function NodeFilterForm({ frame, nodes, canHideEarly }: NodeFilterProps): VNode {
  const { view, action, query, targetId } = frame;
  const { kinds, layers, token, text, range, hidesEarly } = view.filter;
  const present = new Set(nodes.map(({ ref }) => kindOf(ref)));
  const kept = [...query, ...viewQuery({ ...view, filter: DEFAULT_VIEW.filter, page: 1 })];
  return (
    <form
      id="node-filter"
      class="node-filter"
      method="get"
      action={action}
      role="search"
      aria-label="Filter nodes"
      autocomplete="off"
      hx-get={action}
      hx-target={`#${targetId}`}
      hx-swap="outerHTML"
      hx-trigger="input delay:250ms, submit"
      hx-sync={`#${targetId}:replace`}
    >
      {[...kept, [FILTER_FIELD, "on"] as const].map(([name, value]) => (
        <input
          type="hidden"
          name={name}
          value={value}
        />
      ))}
      <fieldset class="filter-kinds">
        <legend class="visually-hidden">Kinds</legend>
        {NODE_KINDS.filter((kind) => present.has(kind) || kinds.includes(kind)).map((kind) => (
          <label>
            <input
              type="checkbox"
              id={`filter-kind-${kind}`}
              name="kind"
              value={kind}
              checked={kinds.includes(kind)}
            />{" "}
            <KindBadge kind={kind} />
          </label>
        ))}
      </fieldset>
      <label>
        Name <input id="filter-q" name="q" value={text} size={9} placeholder="head/3" spellcheck={false} />
      </label>
      <label>
        Token <input id="filter-token" name="token" value={token} size={7} placeholder="Mary, 14" spellcheck={false} />
      </label>
      <span class="filter-span">
        <label>
          Layers <input id="filter-layer-min" name="layer-min" value={layers?.[0] ?? ""} size={2} inputMode="numeric" />
        </label>
        <label>
          to{" "}
          <input
            id="filter-layer-max"
            name="layer-max"
            value={layers === null || layers[1] >= 999 ? "" : layers[1]}
            size={2}
            inputMode="numeric"
          />
        </label>
      </span>
      <span class="filter-span">
        <label>
          <span class="visually-hidden">Column with bounds</span>
          <select id="filter-metric" name="metric">
            {METRIC_COLUMNS.map(({ key, title }) => (
              <option value={key} selected={(range?.metric ?? "directEffect") === key}>{title}</option>
            ))}
          </select>
        </label>
        <label>
          from <input id="filter-min" name="min" value={range?.min ?? ""} size={5} inputMode="decimal" />
        </label>
        <label>
          to <input id="filter-max" name="max" value={range?.max ?? ""} size={5} inputMode="decimal" />
        </label>
      </span>
      {canHideEarly
        ? (
          <label>
            <input type="checkbox" id="filter-early" name="early" value="hide" checked={hidesEarly} />{" "}
            Hide layers before the first intervention
          </label>
        )
        : null}
      <button type="submit" class="small" id="filter-apply">Filter</button>
      {isFiltered(view.filter)
        ? <a id="filter-clear" {...frame.link({ ...view, filter: DEFAULT_VIEW.filter, page: 1 })}>Show all</a>
        : null}
    </form>
  );
}

const GROUPING_TITLES: Readonly<Record<Grouping, string>> = {
  component: "by component",
  layer: "by layer",
  token: "by token",
};

/** Rows one by one, or gathered with their sums. */
export function GroupPicker({ frame: { view, link } }: { readonly frame: TableFrame }): VNode {
  return (
    <nav class="pair-picker" aria-label="Grouping">
      {[null, ...GROUPINGS].map((group) => (
        <a
          id={`group-${group ?? "none"}`}
          aria-current={view.group === group ? "true" : undefined}
          {...link({ ...view, group, page: 1 })}
        >
          {group === null ? "each node" : GROUPING_TITLES[group]}
        </a>
      ))}
    </nav>
  );
}

export interface PagerProps {
  readonly frame: TableFrame;
  readonly page: number;
  readonly pageCount: number;
  /** Place of the first row shown, from 0, how many are shown and how many there are. */
  readonly start: number;
  readonly shown: number;
  readonly total: number;
}

export function Pager({ frame: { view, link, sides }, page, pageCount, start, shown, total }: PagerProps): VNode {
  return (
    <PageWays
      label="Pages of the table"
      previous={page > 1 ? { id: "page-previous", rel: "prev", ...link({ ...view, page: page - 1 }) } : null}
      next={page < pageCount ? { id: "page-next", rel: "next", ...link({ ...view, page: page + 1 }) } : null}
      before={<span class="pager-count">{shown === 0 ? "No rows" : `${start + 1}–${start + shown} of ${total}`}</span>}
      after={
        <span class="pager-sizes">
          rows: {pageSizes(sides.length).map((size) => (
            <>
              <a
                id={`page-size-${size}`}
                aria-current={view.pageSize === size ? "true" : undefined}
                {...link({ ...view, pageSize: size, page: 1 })}
              >
                {size}
              </a>
              {" "}
            </>
          ))}
        </span>
      }
    >
      page {page} of {pageCount}
    </PageWays>
  );
}
