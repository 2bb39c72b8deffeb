/** How examples are to be read; said once above them. */
import type { VNode } from "preact";
import type { PairMode } from "./pairs.ts";
import { SequentialLegend } from "./heat_legend.tsx";

export interface ExampleLegendProps {
  readonly kind: "neuron" | "head";
  /** Of a head: as in the examples. */
  readonly mode: PairMode;
}

/** The legend of `ExampleHeat`. */
export function ExampleLegend({ kind, mode }: ExampleLegendProps): VNode {
  return (
    <div class="example-legend">
      {kind === "neuron" ? <ValueKeys /> : <PairKeys mode={mode} />}
      <SequentialLegend
        low="0"
        high="the component’s largest value"
        note={kind === "neuron" ? "one scale for all examples" : "one scale for all examples, bars and shades"}
      />
    </div>
  );
}

function ValueKeys(): VNode {
  return (
    <p class="legend">
      <span class="example-key example-values" aria-hidden="true">
        <span data-max="true">token</span>
      </span>
      <span>framed: the example’s maximum</span>
      <span class="example-key example-values" aria-hidden="true">
        <span class="heat-n5">token</span>
      </span>
      <span>dotted underline, orange: below 0</span>
    </p>
  );
}

function PairKeys({ mode }: { readonly mode: PairMode }): VNode {
  return (
    <p class="legend">
      <span class="example-key example-pairs" aria-hidden="true">
        <span class="in-8">token</span>
      </span>
      <span>bar above: how strongly it reads, at most (as query)</span>
      <span class="example-key example-pairs" aria-hidden="true">
        <span class="out-8">token</span>
      </span>
      <span>bar below: how strongly it is read, at most (as key)</span>
      <span class="example-key example-pairs" aria-hidden="true">
        <span class={mode === "outgoing" ? "at out-8" : "at in-8"}>token</span>
        <span class={mode === "outgoing" ? "in-6 seq-6" : "out-6 seq-6"}>token</span>
      </span>
      <span>
        {mode === "outgoing"
          ? "point at a token, or pin it by pressing: later tokens are shaded by how strongly they read it"
          : "point at a token, or pin it by pressing: earlier tokens are shaded by how strongly it reads them"}
      </span>
    </p>
  );
}
