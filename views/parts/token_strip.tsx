/** The prompt, token by token, as it was run. */
import type { VNode } from "preact";
import type { Side } from "../../engine/mod.ts";
import { tokenLabel } from "../format.ts";

export function TokenStrip({ side: { tokens, position, label } }: { readonly side: Side }): VNode {
  return (
    <ol class="token-strip" aria-label={`Tokens, ${label}`} start={0}>
      {tokens.map(({ id, text }, index) => (
        <li class="token" title={`token ${index}, id ${id}`} aria-current={index === position ? "location" : undefined}>
          <span class="token-text">{tokenLabel(text)}</span>
          <span class="token-index">{index}</span>
        </li>
      ))}
    </ol>
  );
}
