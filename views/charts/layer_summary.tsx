/** Where in the model the answer is made: effects summed over each layer's heads and neurons. */
import type { VNode } from "preact";
import type { RunResult } from "../../engine/mod.ts";
import { formatSigned } from "../format.ts";
import { barScale, LayerBars } from "./layer_bars.tsx";
import { LAYER_KIND_NAMES, type LayerRow, layerRows } from "./layer_rows.ts";
import { allDigits } from "./numbers.ts";

export interface LayerSummaryProps {
  readonly result: RunResult;
  /** The two sides that are compared, where there is more than one. */
  readonly pair: readonly [number, number];
}

interface Panel {
  readonly title: string;
  readonly rows: readonly LayerRow[];
}

const EFFECTS = [["directEffect", "Direct effect"], ["totalEffect", "Total effect"]] as const;

/** Bars of direct and total effect by layer, of one side or of two. */
export function LayerSummary({ result, pair }: LayerSummaryProps): VNode {
  const { sides, objectiveKind } = result;
  const shown = sides.length > 1 ? [...new Set(pair)] : [0];
  const panels = EFFECTS.flatMap(([effect, name]) =>
    shown.flatMap((side): readonly Panel[] => {
      const rows = layerRows(result, effect, side);
      const title = shown.length > 1 ? `${name}, ${sides[side]?.label ?? "no side"}` : name;
      return rows === null ? [] : [{ title, rows }];
    })
  );
  if (panels.length === 0) {
    return <p class="fine-print">This run was stored before layers were summed: ask it again.</p>;
  }
  const scale = barScale(panels.flatMap(({ rows }) => rows.map(({ value }) => value)));
  const isTrace = objectiveKind === "trace";
  return (
    <div class="layer-summary">
      <p class="legend">
        <span class="bar-key bar-key-against" aria-hidden="true" />
        <span>− {isTrace ? "lowers the traced node" : "against the target"}</span>
        <span class="bar-key bar-key-for" aria-hidden="true" />
        <span>+ {isTrace ? "raises it" : "for the target"}</span>
        <span class="legend-note">all bars on one scale</span>
      </p>
      <div class="layer-panels">
        {panels.map(({ title, rows }) => <LayerBars title={title} rows={rows} scale={scale} />)}
      </div>
      <Numbers panels={panels} />
    </div>
  );
}

/** The same as a table. */
function Numbers({ panels }: { readonly panels: readonly Panel[] }): VNode {
  return (
    <details>
      <summary>The numbers by layer</summary>
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Effects by layer">
        <table>
          <caption class="visually-hidden">Effects summed over each layer’s heads and neurons</caption>
          <thead>
            <tr>
              <th scope="col">Part</th>
              {panels.map(({ title }) => <th scope="col" class="number">{title}</th>)}
            </tr>
          </thead>
          <tbody>
            {panels[0]?.rows.map(({ layer, kind }, index) => (
              <tr>
                <th scope="row">{layer === null ? "" : `${layer} `}{LAYER_KIND_NAMES[kind]}</th>
                {panels.map(({ rows }) => {
                  const value = rows[index]?.value ?? NaN;
                  return <td class="number" title={allDigits(value)}>{formatSigned(value)}</td>;
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
