/**
 * An example from a text set with a component's values on it, as dense as text. Of a neuron, the value at each token; of a head, the
 * token pairs: bars at rest, shades around the token that is pinned or, with `static/js/pairs.js`, pointed at.
 */
import type { VNode } from "preact";
import type { Example } from "../../engine/mod.ts";
import { formatSigned, tokenLabel } from "../format.ts";
import { heatClass } from "../heat.ts";
import { formatShort } from "./numbers.ts";
import {
  encodePairs,
  keptPairs,
  markClass,
  type PairMode,
  type Pairs,
  pairSentence,
  pairValues,
  pinnedMarks,
  restMarks,
  tokenName,
} from "./pairs.ts";
import { sequentialClass } from "./sequential.ts";

export { ExampleLegend, type ExampleLegendProps } from "./example_legend.tsx";

export interface ExampleHeatProps {
  readonly example: Example;
  /** The component's largest value: examples that are to be compared share it. Above it, colour does not grow. */
  readonly largest: number;
  /** Of a head: whether the token that is pointed at is the one read, or the one that reads. */
  readonly mode: PairMode;
  /** Of a head: the token around which the others are coloured. */
  readonly pinned: number | null;
  /** Of a head: HTML attributes of the link that pins a token, or unpins it. */
  readonly pinLink: (token: number) => Record<string, string>;
  readonly label: string;
}

/** Tokens of a pinned token's sentence before the rest is only counted. */
const LISTED = 12;

/** One example, of a neuron or a head. */
export function ExampleHeat(props: ExampleHeatProps): VNode {
  const { example, label } = props;
  const { tokens, values } = example;
  return (
    <figure class="record" data-picture>
      <figcaption>
        <span class="record-label">{label}</span>
        <Maximum example={example} />
        <output class="readout" aria-live="off" data-readout />
      </figcaption>
      {isOfPairs(values)
        ? <PairTokens {...props} pairs={keptPairs(values, tokens.length)} />
        : <ValueTokens {...props} values={values} />}
    </figure>
  );
}

/** The largest value and where it is; of pairs, both tokens. */
function Maximum({ example }: Pick<ExampleHeatProps, "example">): VNode | null {
  if (isSilent(example)) return <span class="record-max">never active</span>;
  const { tokens, max, at } = example;
  const [place, key] = at.filter((token) => token in tokens).map((token) => tokenName(tokens, token));
  if (place === undefined) return null;
  return (
    <span class="record-max">
      max <b>{formatShort(max)}</b> {key === undefined ? "at " : ""}
      <span class="token-name">{place}</span>
      {key === undefined ? null : (
        <>
          {" reads "}
          <span class="token-name">{key}</span>
        </>
      )}
    </span>
  );
}

/** Whether nothing is there: the first of many zeros is no maximum. */
function isSilent({ values, max }: Example): boolean {
  return max === 0 && values.flat().every((value) => value === 0);
}

/** Whether they are a head's. Where there is no value at all, it may as well be a neuron's. */
export function isOfPairs(values: Example["values"]): values is readonly (readonly number[])[] {
  return Array.isArray(values[0]);
}

function ValueTokens(
  { example, values, largest, label }: ExampleHeatProps & { readonly values: readonly number[] },
): VNode {
  const { tokens } = example;
  const [place = -1] = isSilent(example) ? [] : example.at;
  // Tab leads to the token of the maximum; the arrow keys lead on from there.
  const start = place in tokens ? place : 0;
  return (
    <ol class="record-values" start={0} aria-label={label} data-roving>
      {tokens.map(({ text }, token) => {
        const value = values[token];
        const written = value === undefined ? "no value" : formatSigned(value);
        return (
          <li
            class={value === undefined ? undefined : valueClass(value, largest)}
            value={token}
            tabIndex={token === start ? 0 : undefined}
            data-max={token === place ? "true" : undefined}
            title={written}
          >
            {tokenLabel(text)}
            <i>{` ${written}`}</i>
          </li>
        );
      })}
    </ol>
  );
}

/** What is above zero has the scale without a sign; what is below, the diverging one's lower half. */
function valueClass(value: number, largest: number): string {
  return value < 0 ? heatClass(value, largest) : sequentialClass(value, largest);
}

function PairTokens(
  { example: { tokens }, pairs, largest, mode, pinned, pinLink, label }: ExampleHeatProps & { readonly pairs: Pairs },
): VNode {
  const { text, exponent } = encodePairs(pairs);
  const atRest = restMarks(pairs);
  const isPinned = pinned !== null && pinned in tokens;
  const marks = isPinned ? pinnedMarks(pairs, pinned, mode) : atRest;
  const nameOf = (token: number) => tokenName(tokens, token);
  const strongest = (what: "reads" | "isRead") => strongestNames(atRest.map((mark) => mark[what]), nameOf);
  return (
    <>
      <div
        class="record-pairs"
        role="group"
        aria-label={`${label}. Read most: ${strongest("reads")}. Most read: ${strongest("isRead")}`}
        data-roving
        data-pairs={text}
        data-exponent={exponent}
        data-largest={Number.isFinite(largest) ? largest : 0}
        data-mode={mode}
      >
        {tokens.map((token, index) => {
          const classes = [
            marks[index] === undefined ? "" : markClass(marks[index], largest),
            index === pinned ? "at" : "",
          ].filter((name) => name !== "").join(" ");
          return (
            <a
              {...pinLink(index)}
              class={classes === "" ? undefined : classes}
              aria-current={index === pinned ? "true" : undefined}
            >
              {tokenLabel(token.text)}
            </a>
          );
        })}
      </div>
      {isPinned
        ? (
          <p class="readout">
            {pairSentence(pairValues(pairs, pinned, mode), nameOf, { at: pinned, mode, listed: LISTED })}
          </p>
        )
        : null}
    </>
  );
}

/** The three strongest tokens, for those who cannot see the bars. */
function strongestNames(values: readonly number[], nameOf: (token: number) => string): string {
  const names = values.map((value, token) => ({ value, token })).filter(({ value }) => value > 0)
    .toSorted((a, b) => b.value - a.value).slice(0, 3)
    .map(({ value, token }) => `${nameOf(token)} ${formatShort(value)}`);
  return names.length === 0 ? "none" : names.join(", ");
}
