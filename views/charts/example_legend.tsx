/** How examples are to be read; said once above them. */
import type { ComponentChildren, VNode } from "preact";
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
    <div class="record-legend">
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
      <span>
        <Sample kind="values">
          <span data-max="true">token</span>
        </Sample>
        framed: the example’s maximum
      </span>
      <span>
        <Sample kind="values">
          <span class="heat-n5">token</span>
        </Sample>
        orange with dots below: less than 0
      </span>
    </p>
  );
}

function PairKeys({ mode }: Pick<ExampleLegendProps, "mode">): VNode {
  const isOutgoing = mode === "outgoing";
  return (
    <p class="legend">
      <span>
        <Sample kind="pairs">
          <span class="in-8">token</span>
        </Sample>
        above: how strongly it reads at most, as query
      </span>
      <span>
        <Sample kind="pairs">
          <span class="out-8">token</span>
        </Sample>
        below: how strongly it is read at most, as key
      </span>
      <span>
        <Sample kind="pairs">
          <span class={isOutgoing ? "at out-8" : "out-7 seq-7"}>one</span>
          <span class={isOutgoing ? "in-7 seq-7" : "at in-8"}>two</span>
        </Sample>
        pointed at or pinned: {isOutgoing
          ? "later tokens are shaded by how strongly they read it"
          : "earlier tokens are shaded by how strongly it reads them"}
      </span>
    </p>
  );
}

function Sample(
  { kind, children }: { readonly kind: "values" | "pairs"; readonly children: ComponentChildren },
): VNode {
  return <span class={`record-key record-${kind}`} aria-hidden="true">{children}</span>;
}
