/** The values of one query, as a table by falling size. */
import type { VNode } from "preact";
import { allDigits } from "./numbers.ts";

export interface PinnedRowProps {
  /** Index and text of the query. */
  readonly name: string;
  /** One a key. */
  readonly values: readonly number[];
  readonly largest: number;
  readonly nameOf: (token: number) => string;
  readonly write: (value: number) => string;
  readonly colour: (value: number, largest: number) => string;
}

/** Rows of a table before the rest is only counted. */
const LISTED = 10;

/** Where this token looks, strongest first. */
export function PinnedRow({ name, values, largest, nameOf, write, colour }: PinnedRowProps): VNode {
  const keys = values.map((value, key) => ({ key, value })).toSorted((a, b) => size(b.value) - size(a.value));
  const rest = keys.length - LISTED;
  return (
    <section class="pinned-row">
      <h3>
        From <span class="token-name">{name}</span>
      </h3>
      <table>
        <caption class="visually-hidden">Keys of the query {name}, by falling size</caption>
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col" class="number">Value</th>
          </tr>
        </thead>
        <tbody>
          {keys.slice(0, LISTED).map(({ key, value }) => (
            <tr>
              <th scope="row">
                <span class={`swatch ${colour(value, largest)}`} aria-hidden="true" />
                {nameOf(key)}
              </th>
              <td class="number" title={allDigits(value)}>{write(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rest > 0 ? <p class="fine-print">and {rest} smaller</p> : null}
    </section>
  );
}

/** What is not a number comes last. */
function size(value: number): number {
  return Number.isNaN(value) ? -1 : Math.abs(value);
}
