/** How many latents are active at each token, and how much of each activation the dictionaries leave out. */
import type { VNode } from "preact";
import { SequentialLegend } from "../charts/heat_legend.tsx";
import { SparsityGrid } from "../charts/sparsity_grid.tsx";
import type { ShownRun } from "../props.ts";
import { dictionariesUrl } from "../urls.ts";
import { Card } from "./card.tsx";
import { TokenPager, tokenWindow } from "./token_window.tsx";

/** Nothing where a run shows no dictionary. */
export function SparsityCard({ result, view }: Pick<ShownRun, "result" | "view">): VNode | null {
  const { id, sides, spec, dictionaries = [] } = result;
  if (dictionaries.length === 0) return null;
  const shown = sides.length > 1 ? [...new Set(view.pair)] : [0];
  return (
    <Card
      name="sparsity"
      title="Sparsity"
      runId={id}
      view={view}
      class="sparsity-card"
      hasData
      note={
        <p class="fine-print">
          In each cell: latents that are active (L0), and the share of the activation’s squared norm that is left out.
        </p>
      }
    >
      <SequentialLegend
        low="nothing left out"
        high="everything"
        note="below: share left out; means are over all tokens"
      />
      {shown.map((index) => {
        const side = sides[index];
        return side === undefined ? null : (
          <div class="lens-grid sparsity-grid">
            {shown.length > 1 ? <h3>{side.label}</h3> : null}
            <SparsityGrid dictionaries={dictionaries} side={index} shown={side} window={tokenWindow(side, view)} />
            <TokenPager id={`sparsity-${side.label}`} runId={id} side={side} view={view} />
          </div>
        );
      })}
      <p class="fine-print">
        Counted before interventions on latents. The first token’s norm is often many times that of others: look at it
        apart. <a href={dictionariesUrl(spec.model)}>All dictionaries of {spec.model}</a>
      </p>
    </Card>
  );
}
