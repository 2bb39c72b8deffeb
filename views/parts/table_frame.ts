/** What a table of nodes needs to know of the page around it: its view, its sides, and where other views of it are. */
import type { Side } from "../../engine/mod.ts";
import { METRIC_COLUMNS, type MetricKey } from "../metrics.ts";
import type { RunViewState } from "../view_state.ts";

export interface TableFrame {
  readonly view: RunViewState;
  readonly sides: readonly Side[];
  /** Attributes of a link to another view of the same page. */
  readonly link: (view: RunViewState) => Readonly<Record<string, string>>;
  /** Path of the page, for forms, and what its query says besides the view. */
  readonly action: string;
  readonly query: readonly (readonly [string, string])[];
  /** Id of what another view replaces. */
  readonly targetId: string;
}

/** One column of numbers. */
export interface MetricColumn {
  readonly metric: MetricKey;
  readonly side: RunViewState["side"];
  readonly title: string;
  readonly help: string;
}

/** Four columns, or with two sides compared four groups of left, difference and right. */
export function metricColumns({ view: { pair: [first, second] }, sides }: TableFrame): readonly MetricColumn[] {
  return METRIC_COLUMNS.flatMap(({ key, title, help }): readonly MetricColumn[] =>
    sides.length > 1
      ? [
        { metric: key, side: first, title: `${sides[first]?.label}`, help },
        { metric: key, side: "diff", title: "diff", help },
        { metric: key, side: second, title: `${sides[second]?.label}`, help },
      ]
      : [{ metric: key, side: 0, title, help }]
  );
}

/** Effects and differences have a sign that matters: their cells are coloured and always signed. */
export function isSigned({ metric, side }: Pick<MetricColumn, "metric" | "side">): boolean {
  return metric === "directEffect" || metric === "totalEffect" || side === "diff";
}
