/** Which tokens matter: the total effects of everything of a kind, summed at each token. */
import type { VNode } from "preact";
import type { EffectSums, RunResult } from "../../engine/mod.ts";
import { LATENT_PARTS } from "../dictionary_figures.ts";
import { HeatLegend } from "../charts/heat_legend.tsx";
import { TokenHeat } from "../charts/token_heat.tsx";
import { placesOf } from "../refs.ts";
import type { RunViewState } from "../view_state.ts";
import { Card, viewLink } from "./card.tsx";
import { TokenPager, tokenWindow } from "./token_window.tsx";

const ROWS: readonly { readonly key: keyof EffectSums; readonly title: string }[] = [
  { key: "embed", title: "Embeddings" },
  { key: "mlp", title: "MLP neurons, at the token where they are active" },
  { key: "attentionByQuery", title: "Attention, at the token that looks" },
  { key: "attentionByKey", title: "Attention, at the token looked at" },
];

export function EffectsCard({ result, view }: { readonly result: RunResult; readonly view: RunViewState }): VNode {
  const { id, sides, sums: { totalEffect } } = result;
  const shown = sides.length > 1 ? view.pair : [0];
  const sizes = (row: readonly number[]) => Math.max(0, ...row.map(Math.abs).filter(Number.isFinite));
  const rowsOf = (side: number) => [
    ...ROWS.map(({ key, title }) => ({ title, values: totalEffect[key][side] ?? [] })),
    ...errorRows(result, side),
  ];
  const shared = Math.max(...shown.flatMap((side) => rowsOf(side).map(({ values }) => sizes(values))));
  return (
    <Card
      name="effects"
      title="Effect of each token"
      runId={id}
      view={view}
      class="effects-card"
      hasData
      note={
        <p class="fine-print">
          Total effects (estimates) on the{" "}
          {result.objectiveKind === "trace" ? "traced node" : "objective"}, summed over all layers and units.
        </p>
      }
    >
      <HeatLegend
        low="lowers it"
        high="raises it"
        note={view.sharedScale ? "all rows on one scale" : "each row on its own scale"}
      />
      <p class="links">
        <a id="scale" {...viewLink(id, { ...view, sharedScale: !view.sharedScale })}>
          {view.sharedScale ? "A scale for each row" : "One scale for all rows"}
        </a>
      </p>
      {shown.map((index) => {
        const side = sides[index];
        if (side === undefined) return null;
        const { label, tokens, position } = side;
        const { from, end } = tokenWindow(side, view);
        return (
          <div class="effects-side">
            {sides.length > 1 ? <h3>{label}</h3> : null}
            {rowsOf(index).map(({ title, values }) => (
              <TokenHeat
                label={title}
                tokens={tokens.slice(from, end)}
                values={values.slice(from, end)}
                largest={view.sharedScale ? shared : sizes(values)}
                position={position}
                from={from}
              />
            ))}
            <TokenPager id={`effects-${label}`} runId={id} side={side} view={view} />
          </div>
        );
      })}
    </Card>
  );
}

/** What the dictionaries of each kind leave out, at each token of a side; every error is among the rows of the run. */
function errorRows(
  { nodes, sides, dictionaries = [] }: RunResult,
  side: number,
): readonly { readonly title: string; readonly values: readonly number[] }[] {
  const tokenCount = sides[side]?.tokens.length ?? 0;
  return [...new Set(dictionaries.map(({ kind }) => kind))].flatMap((kind) => {
    const prefix = `${kind.replace("latent", "error")}/`;
    const values = Array.from({ length: tokenCount }, () => 0);
    const own = nodes.filter(({ ref }) => ref.startsWith(prefix));
    for (const { ref, refs, totalEffect } of own) {
      const [token] = placesOf((refs === undefined ? ref : refs[side]) ?? "");
      if (token !== undefined) values[token] = (values[token] ?? 0) + (totalEffect[side] ?? 0);
    }
    // Where errors are dropped there are none.
    return own.length === 0 ? [] : [{ title: `Left out by the dictionaries of the ${LATENT_PARTS[kind]}`, values }];
  });
}
