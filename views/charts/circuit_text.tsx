/** A circuit in words: its edges and its nodes, as tables. */
import type { VNode } from "preact";
import type { CircuitEdge, CircuitResult } from "../../engine/mod.ts";
import { formatNumber, formatSigned, tokenLabel } from "../format.ts";
import { placesOf } from "../refs.ts";
import { allDigits } from "./numbers.ts";

export interface CircuitTextProps {
  readonly circuit: CircuitResult;
  /** HTML attributes of a node's link, as for `CircuitGraph`. */
  readonly nodeLink: (ref: string) => Record<string, string>;
}

/** What the picture shows, for reading, searching and copying. */
export function CircuitText({ circuit, nodeLink }: CircuitTextProps): VNode {
  const edges = circuit.edges.toSorted((a, b) => size(b) - size(a));
  return (
    <div class="circuit-text">
      <section>
        <h3>Edges, by falling size</h3>
        {edges.length === 0
          ? <p class="fine-print">There are no direct edges among these nodes.</p>
          : (
            <div class="table-scroll" tabIndex={0} role="region" aria-label="Edges of the circuit">
              <table>
                <caption class="visually-hidden">Edges of the circuit, by falling size</caption>
                <thead>
                  <tr>
                    <th scope="col">Writer → reader</th>
                    <th scope="col" class="number">Attribution</th>
                  </tr>
                </thead>
                <tbody>
                  {edges.map(({ from, to, path, attribution }) => (
                    <tr>
                      <th scope="row">
                        <code>{from}</code> → <code>{to}</code>
                        {path === null ? "" : ` (${path})`}
                      </th>
                      <td class="number" title={allDigits(attribution)}>{formatSigned(attribution)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
      </section>
      <section>
        <h3>Nodes</h3>
        <div class="table-scroll" tabIndex={0} role="region" aria-label="Nodes of the circuit">
          <table>
            <caption class="visually-hidden">Nodes of the circuit with their activation and effects</caption>
            <thead>
              <tr>
                <th scope="col">Node</th>
                <th scope="col">Tokens</th>
                <th scope="col" class="number">Activation</th>
                <th scope="col" class="number">Direct effect</th>
                <th scope="col" class="number">Total effect</th>
              </tr>
            </thead>
            <tbody>
              {circuit.nodes.map(({ ref, activation, directEffect, totalEffect }) => (
                <tr>
                  <th scope="row">
                    <a {...nodeLink(ref)}>
                      <code>{ref}</code>
                    </a>
                  </th>
                  <td>{placesOf(ref).map((place) => tokenLabel(circuit.tokens[place]?.text ?? "")).join(" ← ")}</td>
                  <Value value={activation} write={formatNumber} />
                  <Value value={directEffect} write={formatSigned} />
                  <Value value={totalEffect} write={formatSigned} />
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
    </div>
  );
}

interface ValueProps {
  readonly value: number | null;
  readonly write: (value: number) => string;
}

function Value({ value, write }: ValueProps): VNode {
  if (value === null) {
    return (
      <td class="number" title="Not among the 200 strongest of its kind">
        <span aria-hidden="true">–</span>
        <span class="visually-hidden">not known</span>
      </td>
    );
  }
  return <td class="number" title={allDigits(value)}>{write(value)}</td>;
}

function size({ attribution }: CircuitEdge): number {
  return Number.isNaN(attribution) ? -1 : Math.abs(attribution);
}
