/** Which tokens an attention latent comes from: what all heads bring to it, along its encoder. */
import type { VNode } from "preact";
import type { AttributedLatent, Token } from "../../engine/mod.ts";
import { formatSigned, tokenLabel } from "../format.ts";
import { heatClass } from "../heat.ts";

export interface SourceTokensProps {
  readonly latent: AttributedLatent;
  readonly tokens: readonly Token[];
}

/** Tokens listed at either end in an open row. */
const LISTED = 5;

interface Source {
  readonly token: number;
  readonly value: number;
}

/** By falling value; tokens that bring nothing are left out. */
function sourcesOf({ values }: AttributedLatent): readonly Source[] {
  return values.map((value, token) => ({ token, value })).filter(({ value }) => value !== 0)
    .toSorted((a, b) => b.value - a.value);
}

/** The token that brings most, for a cell; nothing where the latent is off. */
export function TopSource({ latent, tokens }: SourceTokensProps): VNode | null {
  const [top] = sourcesOf(latent);
  if (top === undefined) return null;
  return (
    <span class="top-source" title={`What heads bring from token ${top.token}: ${top.value}`}>
      {" from "}
      <SourceName source={top} tokens={tokens} /> <span class="fine-print">{formatSigned(top.value)}</span>
    </span>
  );
}

/** Both ends of the list, for an open row. */
export function SourceList({ latent, tokens }: SourceTokensProps): VNode {
  const sources = sourcesOf(latent);
  if (sources.length === 0) return <p class="fine-print">It is off at this token: no token brings it anything.</p>;
  const largest = Math.max(...sources.map(({ value }) => Math.abs(value)));
  const ends = [
    ["raises", sources.filter(({ value }) => value > 0).slice(0, LISTED)],
    ["lowers", sources.filter(({ value }) => value < 0).slice(-LISTED).toReversed()],
  ] as const;
  return (
    <>
      {ends.map(([title, listed]) =>
        listed.length === 0 ? null : (
          <p class="token-pills">
            <span class="fine-print">{title}</span> {listed.map((source) => (
              <>
                <SourceName source={source} tokens={tokens} heat={heatClass(source.value, largest)} />
                {" "}
              </>
            ))}
          </p>
        )
      )}
    </>
  );
}

interface SourceNameProps {
  readonly source: Source;
  readonly tokens: readonly Token[];
  /** Class of its shade. */
  readonly heat?: string;
}

function SourceName({ source: { token, value }, tokens, heat }: SourceNameProps): VNode {
  return (
    <span class="node-source">
      <code class={heat === undefined ? "token-name" : `token-name ${heat}`} title={String(value)}>
        {tokenLabel(tokens[token]?.text ?? "")}
        {heat === undefined ? null : <span class="visually-hidden">{formatSigned(value)}</span>}
      </code>
      <sub>{token}</sub>
    </span>
  );
}
