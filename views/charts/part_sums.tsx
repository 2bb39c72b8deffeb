/** What latents, errors and biases of a run's dictionaries add together: sums over all of them, whatever the table lists. */
import type { VNode } from "preact";
import type { DictionarySums, RunResult } from "../../engine/mod.ts";
import { LATENT_PARTS, type PartTotals, partTotals } from "../dictionary_figures.ts";
import { formatSigned } from "../format.ts";
import { NODE_KIND_NAMES } from "../view_state.ts";
import { allDigits } from "./numbers.ts";
import { percent } from "./sparsity_grid.tsx";

export interface PartSumsProps {
  readonly result: RunResult;
  /** The two sides that are compared, where there is more than one. */
  readonly pair: readonly [number, number];
}

const EFFECTS = [["directEffect", "Direct effect"], ["totalEffect", "Total effect"]] as const;
const COLUMNS = [
  ["latents", "latents"],
  ["error", "left out"],
  ["rest", "bias"],
  ["whole", "together"],
] as const satisfies readonly (readonly [keyof PartTotals, string])[];

/** Nothing where a run shows no dictionary. */
export function PartSums({ result, pair }: PartSumsProps): VNode | null {
  const { sides, dictionaries = [] } = result;
  if (dictionaries.length === 0) return null;
  const shown = sides.length > 1 ? [...new Set(pair)] : [0];
  return (
    <div class="part-sums">
      <h3>Latents, and what is left out</h3>
      {shown.map((side) => <Sentences result={result} dictionaries={dictionaries} side={side} />)}
      {shown.map((side) => (
        <SumsTable
          dictionaries={dictionaries}
          side={side}
          label={sides.length > 1 ? sides[side]?.label ?? "" : ""}
        />
      ))}
      <p class="fine-print">
        Sums over all latents and tokens of a dictionary, not only over the rows listed below. “Bias” is what it writes
        whatever its latents are: its output bias, and where it has them a removed mean and a skip. Together they are
        the whole activation, the model’s own output bias included, which the bars above leave out.
        {dictionaries.some(({ kind }) => kind === "resid-latent")
          ? " Those of the residual stream stand for all that was written before them, and are no further share."
          : ""}
      </p>
    </div>
  );
}

interface SideProps {
  readonly dictionaries: readonly DictionarySums[];
  readonly side: number;
}

/** As in “The MLP dictionaries leave out +0.412 of the objective’s +16.832 (2.4%)”. */
function Sentences({ result, dictionaries, side }: SideProps & { readonly result: RunResult }): VNode {
  const { sides, objectiveKind, spec } = result;
  const { objective = NaN, label = "" } = sides[side] ?? {};
  const what = objectiveKind === "trace" ? "traced node’s" : "objective’s";
  return (
    <>
      {[...Map.groupBy(dictionaries, ({ kind }) => kind)].map(([kind, own]) => {
        const { latents, error } = partTotals(own, "directEffect", side);
        return (
          <p class="sums-sentence" data-kind={kind}>
            {sides.length > 1 ? <span class="objective-side">{label}</span> : null} What the {LATENT_PARTS[kind]}{" "}
            {own.length === 1 ? "dictionary leaves" : `dictionaries (${own.length} layers) leave`} out{" "}
            {spec.dropErrors === true ? "is not in this model: it carries nothing; " : (
              <>
                carries <strong title={String(error)}>{formatSigned(error)}</strong> of the {what}{" "}
                <span title={String(objective)}>{formatSigned(objective)}</span>
                {objective === 0 ? "" : ` (${percent(error / objective)})`}
                {"; "}
              </>
            )}
            {own.length === 1 ? "its" : "their"} latents{" "}
            <strong title={String(latents)}>{formatSigned(latents)}</strong>.
          </p>
        );
      })}
    </>
  );
}

function SumsTable({ dictionaries, side, label }: SideProps & { readonly label: string }): VNode {
  const name = label === "" ? "" : `, ${label}`;
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label={`Latents and errors by layer${name}`}>
      <table>
        <caption class="visually-hidden">Effects of latents, of what is left out, and of biases{name}</caption>
        <thead>
          <tr>
            <td />
            {EFFECTS.map(([, title]) => <th scope="colgroup" colSpan={COLUMNS.length} class="group-start">{title}</th>)}
          </tr>
          <tr>
            <th scope="col">{label === "" ? "Dictionary" : label}</th>
            {EFFECTS.flatMap(() =>
              COLUMNS.map(([key, title], i) => (
                <th scope="col" class={i === 0 ? "number group-start" : "number"} data-part={key}>{title}</th>
              ))
            )}
          </tr>
        </thead>
        <tbody>
          {dictionaries.map((own) => (
            <tr>
              <th scope="row" title={own.dictionary}>{own.layer} {NODE_KIND_NAMES[own.kind]}s</th>
              {EFFECTS.flatMap(([effect]) => {
                const totals = partTotals([own], effect, side);
                return COLUMNS.map(([key], i) => (
                  <td class={i === 0 ? "number group-start" : "number"} title={allDigits(totals[key])}>
                    {formatSigned(totals[key])}
                  </td>
                ));
              })}
            </tr>
          )).toReversed()}
        </tbody>
      </table>
    </div>
  );
}
