/** What a head is known for: its scores as bars, each with its meaning. */
import type { VNode } from "preact";
import { allDigits, coordinate } from "./numbers.ts";
import type { HeadScores } from "../../engine/mod.ts";
import { SCORE_TEXTS, scoreNames } from "./score_texts.ts";

export interface ScoreBarsProps {
  readonly scores: HeadScores;
}

const WIDTH = 160;
const HEIGHT = 12;

/** A row a score. Bars of shares end at 1. */
export function ScoreBars({ scores }: ScoreBarsProps): VNode {
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label="Scores of the head">
      <table class="score-bars">
        <caption class="visually-hidden">Scores of the head. Shares are from 0 to 1</caption>
        <thead>
          <tr>
            <th scope="col">Score</th>
            <th scope="col" class="number">Value</th>
            <th scope="col">
              <span class="score-axis" aria-hidden="true">
                <span>0</span>
                <span>1</span>
              </span>
              <span class="visually-hidden">Bar</span>
            </th>
            <th scope="col">Meaning</th>
          </tr>
        </thead>
        <tbody>
          {scoreNames().map((name) => {
            const { name: title, meaning, full, unit } = SCORE_TEXTS[name];
            const value = scores[name];
            const isKnown = Number.isFinite(value);
            const length = isKnown ? coordinate(Math.max(0, Math.min(1, value / full)) * WIDTH) : 0;
            return (
              <tr>
                <th scope="row">{title}</th>
                <td class="number" title={allDigits(value)}>
                  {formatScore(value)}
                  {unit === "" || !isKnown ? null : <span class="score-unit">{` ${unit}`}</span>}
                </td>
                <td>
                  <svg width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
                    <rect class="score-track" x={0.5} y={0.5} width={WIDTH - 1} height={HEIGHT - 1} />
                    {length > 0
                      ? <rect class="score-bar" data-unit={unit} x={0} y={0} width={length} height={HEIGHT} />
                      : null}
                  </svg>
                </td>
                <td class="score-meaning">
                  {meaning}
                  {full === 1
                    ? null
                    : ` Its bar ends at ${full} ${unit}: evenly over ${Math.round(Math.exp(full))} tokens.`}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** Two decimals; what is above zero is never written as zero. */
export function formatScore(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return value > 0 && value < 0.005 ? "<0.01" : value.toFixed(2).replace("-", "\u2212");
}
