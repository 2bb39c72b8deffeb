/** Long prompts are shown a window at a time, so that a page stays light. */
import type { VNode } from "preact";
import type { Side } from "../../engine/mod.ts";
import type { RunViewState } from "../view_state.ts";
import { viewLink } from "./card.tsx";
import { PageWays } from "./pager.tsx";

/** Tokens that are shown at a time. */
export const TOKEN_WINDOW = 80;

export interface TokenWindow {
  /** Index of the first token shown, and of the one after the last. */
  readonly from: number;
  readonly end: number;
}

/** The window of a side: as asked, or such that it ends where the objective is read. */
export function tokenWindow({ tokens, position }: Side, { tokensFrom }: Pick<RunViewState, "tokensFrom">): TokenWindow {
  const last = Math.max(0, tokens.length - TOKEN_WINDOW);
  const from = Math.max(0, Math.min(tokensFrom ?? position + 1 - TOKEN_WINDOW, last));
  return { from, end: Math.min(tokens.length, from + TOKEN_WINDOW) };
}

export interface TokenPagerProps {
  readonly id: string;
  readonly runId: string;
  readonly side: Side;
  readonly view: RunViewState;
}

/** Ways to the windows before and after; nothing where a prompt is shown whole. */
export function TokenPager({ id, runId, side, view }: TokenPagerProps): VNode | null {
  const count = side.tokens.length;
  const { from, end } = tokenWindow(side, view);
  if (count <= TOKEN_WINDOW) return null;
  const leads = (tokensFrom: number) => viewLink(runId, { ...view, tokensFrom: Math.max(0, tokensFrom) });
  return (
    <PageWays
      label={`Tokens shown, ${id}`}
      words={["← earlier tokens", "later tokens →"]}
      previous={from > 0 ? { id: `${id}-previous`, ...leads(from - TOKEN_WINDOW) } : null}
      next={end < count ? { id: `${id}-next`, ...leads(end) } : null}
    >
      tokens {from}–{end - 1} of {count}
    </PageWays>
  );
}
