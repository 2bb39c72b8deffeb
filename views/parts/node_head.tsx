/** The head of a table of nodes: every column sorts, by a link, and has its help where a keyboard reaches it. */
import type { VNode } from "preact";
import { METRIC_COLUMNS } from "../metrics.ts";
import type { RunViewState } from "../view_state.ts";
import { type MetricColumn, metricColumns, type TableFrame } from "./table_frame.ts";

export interface NodeHeadProps {
  readonly frame: TableFrame;
  /** What a row is: a node, or a group of them. */
  readonly rowTitle: string;
  readonly secondTitle: string;
}

export function NodeHead({ frame, rowTitle, secondTitle }: NodeHeadProps): VNode {
  const isPair = frame.sides.length > 1;
  const isGroupStart = (index: number) => isPair && index % 3 === 0;
  return (
    <thead>
      {isPair
        ? (
          <tr>
            <td colSpan={3} />
            {METRIC_COLUMNS.map(({ title }) => <th scope="colgroup" colSpan={3} class="group-start">{title}</th>)}
          </tr>
        )
        : null}
      <tr>
        <SortHeader frame={frame} sort="ref" side={0} title={rowTitle} />
        <th scope="col">{secondTitle}</th>
        <th scope="col">
          <span class="visually-hidden">Open</span>
        </th>
        {metricColumns(frame).map((column, index) => (
          <SortHeader frame={frame} sort={column.metric} isGroupStart={isGroupStart(index)} {...column} />
        ))}
      </tr>
    </thead>
  );
}

interface SortHeaderProps extends Pick<MetricColumn, "side" | "title"> {
  readonly frame: TableFrame;
  readonly sort: RunViewState["sort"];
  readonly isGroupStart?: boolean;
}

/** Directions in the order in which presses of a header go through them. */
const DIRECTIONS = ["desc", "asc", "size"] as const;
const MARKS = { desc: " ▼", asc: " ▲", size: " ◆" } as const;
const ORDERS = { desc: "descending", asc: "ascending", size: "other" } as const;

function SortHeader({ frame, sort, side, title, isGroupStart = false }: SortHeaderProps): VNode {
  const { view } = frame;
  const isSorted = view.sort === sort && (sort === "ref" || view.side === side);
  const directions = sort === "ref" ? ["asc", "desc"] as const : DIRECTIONS;
  const place = directions.findIndex((direction) => direction === view.direction);
  const direction = (isSorted ? directions[(place + 1) % directions.length] : directions[0]) ?? "desc";
  return (
    <th
      scope="col"
      class={sort === "ref" ? undefined : isGroupStart ? "number group-start" : "number"}
      aria-sort={isSorted ? ORDERS[view.direction] : undefined}
    >
      <a
        id={`sort-${sort}-${side}`}
        aria-describedby={sort === "ref" ? undefined : `help-${sort}`}
        {...frame.link({ ...view, sort, direction, side, page: 1 })}
      >
        {title}
        <span aria-hidden="true">{isSorted ? MARKS[view.direction] : ""}</span>
      </a>
    </th>
  );
}

/** What the columns mean, for everybody to open, and read with each header by those who do not see it. */
export function ColumnHelp(): VNode {
  return (
    <>
      <details class="column-help">
        <summary>What the columns mean</summary>
        <dl>
          {METRIC_COLUMNS.map(({ title, help }) => (
            <>
              <dt>{title}</dt>
              <dd>{help}</dd>
            </>
          ))}
        </dl>
        <p class="fine-print">
          A header sorts largest first; pressed again, smallest first; once more, by size whatever the sign (◆).
        </p>
      </details>
      {/* Browsers do not find a description in closed details, but in what is hidden they do. */}
      <div hidden>{METRIC_COLUMNS.map(({ key, help }) => <p id={`help-${key}`}>{help}</p>)}</div>
    </>
  );
}
