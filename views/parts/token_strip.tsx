/** The prompt, token by token, as it was run. */
import type { VNode } from "preact";
import type { Alignment, Side } from "../../engine/mod.ts";
import { formatSigned, tokenLabel } from "../format.ts";
import { heatClass } from "../heat.ts";
import type { TokenWindow } from "./token_window.tsx";

export interface TokenStripProps {
  readonly side: Side;
  /** The side to compare with; tokens that are not the same there are marked. */
  readonly other: Side | undefined;
  /** Which tokens of prompts of different length stand beside each other. */
  readonly alignment: Alignment | null;
  /** By token: what its embedding adds to the objective, estimated; its shade. */
  readonly effects: readonly number[];
  /** Which tokens are shown; default: all. */
  readonly window?: TokenWindow;
}

/** Tokens with their indices; the one at which the objective is read stands out. */
export function TokenStrip(
  { side: { tokens, position, label }, other, alignment, effects, window }: TokenStripProps,
): VNode {
  const prompt = label.startsWith("right") ? 1 : 0;
  const hasCounterpart = (index: number) => alignment?.find((slot) => slot[prompt] === index)?.includes(null) !== true;
  const { from, end } = window ?? { from: 0, end: tokens.length };
  const largest = Math.max(0, ...effects.map(Math.abs).filter(Number.isFinite));
  return (
    <ol class="token-strip" aria-label={`Tokens, ${label}`} start={from}>
      {tokens.slice(from, end).map(({ id, text }, place) => {
        const index = from + place;
        const isDifferent = alignment === null
          ? other !== undefined && other.tokens[index]?.id !== id
          : !hasCounterpart(index);
        return (
          <li
            class={`token ${heatClass(effects[index] ?? 0, largest)}`}
            title={`token ${index}, id ${id}${
              effects[index] === undefined ? "" : `, effect ${formatSigned(effects[index])}`
            }`}
            aria-current={index === position ? "location" : undefined}
            data-different={isDifferent ? "true" : undefined}
          >
            <span class="token-text">{tokenLabel(text)}</span>
            <span class="token-index">
              {isDifferent
                ? (
                  <>
                    <span aria-hidden="true">≠</span>
                    <span class="visually-hidden">differs,</span>
                    {" "}
                  </>
                )
                : null}
              {index}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
