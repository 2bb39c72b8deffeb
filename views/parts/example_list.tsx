/** Examples of a component: some of them, or all, each as a picture with its values. */
import type { VNode } from "preact";
import type { Example } from "../../engine/mod.ts";
import { ExampleHeat } from "../charts/example_heat.tsx";
import type { ComponentView } from "../component_view.ts";
import { formatNumber } from "../format.ts";
import { swapLink } from "./card.tsx";

/** Id of the part of a component's page that a change of view replaces. */
export const COMPONENT_ID = "component";

export interface ExampleListProps {
  /** Begins the names of the pictures, as in `top`. */
  readonly name: string;
  readonly examples: readonly Example[];
  /** The value that has the strongest colour. */
  readonly largest: number;
  readonly view: ComponentView;
  /** Address of the page in another view. */
  readonly urlOf: (view: ComponentView) => string;
}

export function ExampleList({ name, examples, largest, view, urlOf }: ExampleListProps): VNode {
  return (
    <ol class="example-list">
      {examples.map((example, index) => {
        const picture = `${name}.${index}`;
        const pinned = view.pin?.picture === picture ? view.pin.token : null;
        return (
          <li>
            <ExampleHeat
              example={example}
              largest={largest}
              mode={view.mode}
              pinned={pinned}
              pinLink={(token) => ({
                id: `${picture}.${token}`,
                ...swapLink(
                  urlOf({ ...view, pin: pinned === token ? null : { picture, token } }),
                  `#${COMPONENT_ID}`,
                ),
              })}
              label={labelOf(example)}
            />
          </li>
        );
      })}
    </ol>
  );
}

function labelOf({ sequence, max, at, tokens }: Example): string {
  const where = at.length === 2 ? `from ${at[0]} to ${at[1]}` : `at ${at[0]}`;
  const place = tokens.length === 0 ? "no tokens" : `largest ${formatNumber(max)} ${where}`;
  return sequence === null ? place : `text ${sequence}: ${place}`;
}
