/** Examples of a component: some of them, or all, each as a picture with its values. */
import type { VNode } from "preact";
import type { Example } from "../../engine/mod.ts";
import { AttentionMatrix, MAX_ATTENTION_WINDOW } from "../charts/attention_matrix.tsx";
import { ExampleHeat, isOfPairs } from "../charts/example_heat.tsx";
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
        const pinLink = (token: number) => ({
          id: `${picture}.${token}`,
          href: query({ ...view, pin: pinned === token ? null : { picture, token } }),
        });
        const label = labels?.[index] ?? (example.sequence === null ? "the text" : `text ${example.sequence}`);
        const { values } = example;
        const isMatrix = view.matrix === picture;
        return (
          <li>
            {isMatrix && isOfPairs(values)
              ? <ExampleMatrix example={{ ...example, values }} pinned={pinned} pinLink={pinLink} label={label} />
              : (
                <ExampleHeat
                  example={example}
                  largest={largest}
                  mode={view.mode}
                  pinned={pinned}
                  pinLink={pinLink}
                  label={label}
                />
              )}
            {isOfPairs(values)
              ? (
                <a
                  id={`${picture}.matrix`}
                  class="fine-print"
                  href={query({ ...view, matrix: isMatrix ? null : picture })}
                >
                  {isMatrix ? "As text" : "As a matrix"}
                </a>
              )
              : null}
          </li>
        );
      })}
    </ol>
  );
}

interface ExampleMatrixProps {
  readonly example: Example & { readonly values: readonly (readonly number[])[] };
  /** The query whose row is listed. */
  readonly pinned: number | null;
  readonly pinLink: (token: number) => Record<string, string>;
  readonly label: string;
}

/** All pairs of a text; of a long one those around its strongest, both of whose tokens are in it unless they are too far apart. */
function ExampleMatrix({ example: { tokens, values, at }, pinned, pinLink, label }: ExampleMatrixProps): VNode {
  const count = Math.min(MAX_ATTENTION_WINDOW, tokens.length);
  const [query = 0, key = query] = at;
  const middle = query - key < count ? (query + key) / 2 : query;
  const from = Math.max(0, Math.min(Math.round(middle - count / 2), tokens.length - count));
  return (
    <figure class="record">
      <figcaption>
        <span class="record-label">
          {label}
          {count < tokens.length ? `, tokens ${from} to ${from + count - 1} of ${tokens.length}` : ""}
        </span>
      </figcaption>
      <AttentionMatrix
        attention={{ head: label, metric: "writeNorm", tokens, values }}
        window={{ from, count }}
        pinned={pinned === null ? [] : [pinned]}
        rowLink={pinLink}
      />
    </figure>
  );
}
