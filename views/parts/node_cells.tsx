/** Cells of a table of nodes: refs, tokens, numbers. */
import type { VNode } from "preact";
import type { NodeRow, Side, Token } from "../../engine/mod.ts";
import { formatNumber, formatSigned, tokenLabel } from "../format.ts";
import { heatClass } from "../heat.ts";
import { placesOf } from "../refs.ts";
import { NODE_KIND_NAMES, type NodeKind } from "../view_state.ts";
import { isSigned, type MetricColumn } from "./table_frame.ts";

export function KindBadge({ kind }: { readonly kind: NodeKind }): VNode {
  return <span class="kind" data-kind={kind}>{NODE_KIND_NAMES[kind]}</span>;
}

export interface MetricCellProps {
  readonly value: number;
  readonly column: MetricColumn;
  /** The size that has the strongest colour. */
  readonly largest: number;
  /** In the table because of other columns only. */
  readonly isBeyond?: boolean;
  /** Why there is no value, where there is none. */
  readonly absence?: string;
}

export function MetricCell(
  { value, column, largest, isBeyond = false, absence = "There is no such node on this side" }: MetricCellProps,
): VNode {
  if (Number.isNaN(value)) {
    return (
      <td class="number" title={absence}>
        <span aria-label="none">—</span>
      </td>
    );
  }
  const hasSign = isSigned(column);
  return (
    <td
      class={hasSign ? `number ${heatClass(value, largest)}` : "number"}
      title={String(value)}
      data-beyond={isBeyond ? "true" : undefined}
    >
      {hasSign ? formatSigned(value) : formatNumber(value)}
    </td>
  );
}

export interface NodeTokensProps {
  readonly node: Pick<NodeRow, "ref" | "refs">;
  readonly sides: readonly Side[];
  /** By side, the token that the question is about. */
  readonly focus: readonly number[];
}

/** Which tokens a node is about: where it writes, and for heads where it reads. Where the prompts differ, both are named. */
export function NodeTokens({ node, sides, focus }: NodeTokensProps): VNode {
  const named = new Map<string, VNode>();
  sides.forEach(({ tokens }, side) => {
    const ref = node.refs === undefined ? node.ref : node.refs[side];
    if (ref === null || ref === undefined) return;
    const places = placesOf(ref);
    const key = places.map((place) => `${place} ${tokens[place]?.id}`).join();
    if (named.has(key)) return;
    named.set(
      key,
      <span class="node-tokens">
        {places.map((place, index) => (
          <>
            {index === 0 ? "" : " ← "}
            <TokenName token={tokens[place]} isFocus={index === 0 && place === focus[side]} />
            <sub>{place}</sub>
          </>
        ))}
      </span>,
    );
  });
  return <>{[...named.values()].map((name, index) => <>{index === 0 ? "" : " | "}{name}</>)}</>;
}

function TokenName({ token, isFocus }: { readonly token: Token | undefined; readonly isFocus: boolean }): VNode {
  return (
    <code
      class="token-name"
      data-focus={isFocus ? "true" : undefined}
    >
      {token === undefined ? "—" : tokenLabel(token.text)}
    </code>
  );
}
