/** Examples of a component: some of them, or all, each as a picture with its values. */
import type { VNode } from "preact";
import type { Example } from "../../engine/mod.ts";
import { ExampleHeat } from "../charts/example_heat.tsx";
import { componentQuery, type ComponentView } from "../component_view.ts";

/** Id of the part of a component's page that a change of view replaces. */
export const COMPONENT_ID = "component";

export interface ExampleListProps {
  /** Begins the names of the pictures, as in `top`. */
  readonly name: string;
  readonly examples: readonly Example[];
  /** The value that has the strongest colour. */
  readonly largest: number;
  readonly view: ComponentView;
  /** What the pictures are called, by place; those of a text set are called by its texts otherwise. */
  readonly labels?: readonly string[];
}

export function ExampleList({ name, examples, largest, view, labels }: ExampleListProps): VNode {
  const query = (other: ComponentView) => `?${componentQuery(other)}`;
  return (
    // A link for each token: what they share is said once.
    <ol
      class="example-list"
      hx-boost="true"
      hx-target={`#${COMPONENT_ID}`}
      hx-swap="outerHTML"
      hx-sync={`#${COMPONENT_ID}:replace`}
      hx-inherit="*"
    >
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
                href: query({ ...view, pin: pinned === token ? null : { picture, token } }),
              })}
              label={labels?.[index] ?? (example.sequence === null ? "the text" : `text ${example.sequence}`)}
            />
          </li>
        );
      })}
    </ol>
  );
}
