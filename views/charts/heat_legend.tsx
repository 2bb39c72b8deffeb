/** What the shades mean, in words at both ends of the scale. */
import type { VNode } from "preact";
import { HEAT_STEPS, heatClass } from "../heat.ts";
import { SEQUENTIAL_STEPS, sequentialClass } from "./sequential.ts";

export interface LegendProps {
  /** What the lower end means: “against the target”, “0”. */
  readonly low: string;
  readonly high: string;
  /** What else there is to know: “shade by size within its column”. */
  readonly note?: string;
}

/** The diverging scale. */
export function HeatLegend({ low, high, note }: LegendProps): VNode {
  const steps = Array.from({ length: HEAT_STEPS + 1 }, (_, index) => 2 * index - HEAT_STEPS);
  return (
    <p class="legend">
      <span>{low}</span>
      <Scale classes={steps.map((step) => heatClass(step, HEAT_STEPS))} />
      <span>{high}</span>
      {note === undefined ? null : <span class="legend-note">{note}</span>}
    </p>
  );
}

/** The scale of values without a sign, from nothing to the largest. */
export function SequentialLegend({ low, high, note }: LegendProps): VNode {
  const steps = Array.from({ length: SEQUENTIAL_STEPS + 1 }, (_, step) => step);
  return (
    <p class="legend">
      <span>{low}</span>
      <Scale classes={steps.map((step) => sequentialClass(step, SEQUENTIAL_STEPS))} />
      <span>{high}</span>
      {note === undefined ? null : <span class="legend-note">{note}</span>}
    </p>
  );
}

function Scale({ classes }: { readonly classes: readonly string[] }): VNode {
  return (
    <span class="legend-scale" aria-hidden="true">
      {classes.map((name) => <span class={name} />)}
    </span>
  );
}
