/**
 * A prompt as a heatmap. Each token is one small element with two texts, so that long prompts stay light: its index is written by the
 * style sheet, and the keys and the readout are a script's (`static/js/pictures.js`).
 */
import type { VNode } from "preact";
import type { Token } from "../../engine/mod.ts";
import { formatSigned, tokenLabel } from "../format.ts";
import { heatClass } from "../heat.ts";

export interface TokenHeatProps {
  readonly label: string;
  readonly tokens: readonly Token[];
  /** One a token; null where there is none. */
  readonly values: readonly (number | null)[];
  /** The size at the ends of the scale; rows that are to be compared share it. */
  readonly largest: number;
  /** The token at which the objective is read. */
  readonly position?: number;
  /** Index of the first of these tokens in its prompt. */
  readonly from?: number;
}

/** One row of values over the tokens of a prompt. */
export function TokenHeat({ label, tokens, values, largest, position, from = 0 }: TokenHeatProps): VNode {
  // The one token that Tab leads to; the arrow keys lead on from there.
  const place = (position ?? from) - from;
  const start = place >= 0 && place < tokens.length ? place : 0;
  return (
    <figure class="token-heat" data-picture>
      <figcaption>
        <span class="token-heat-label">{label}</span>
        <output class="readout" aria-live="off" data-readout />
      </figcaption>
      <ol start={from} aria-label={label} data-roving>
        {tokens.map(({ text }, index) => {
          const value = values[index] ?? null;
          const written = value === null ? "no value" : formatSigned(value);
          return (
            <li
              class={value === null ? undefined : heatClass(value, largest)}
              value={from + index}
              title={written}
              tabIndex={index === start ? 0 : undefined}
              aria-current={from + index === position ? "location" : undefined}
            >
              {tokenLabel(text)}
              <i>{` ${written}`}</i>
            </li>
          );
        })}
      </ol>
    </figure>
  );
}
