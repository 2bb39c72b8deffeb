/** A card of a run's page: a heading that folds it, a way to its data, and its content. */
import type { ComponentChildren, VNode } from "preact";
import type { Loaded } from "../props.ts";
import { runDataUrl, runUrl } from "../urls.ts";
import { type CardName, isOpen, type RunViewState, withToggled } from "../view_state.ts";

/** Id of the part of the page that a change of view replaces. */
export const RUN_ID = "run";

/** Id of the place where data is looked at without leaving the page. */
export const DIALOG_ID = "dialog";

/** A link to another view of the same run, swapped in place where there is script. */
export function viewLink(id: string, view: RunViewState): Readonly<Record<string, string>> {
  return swapLink(runUrl(id, view), `#${RUN_ID}`);
}

/** A link whose answer replaces one element, and whose address becomes the page's. Another tab still gets the
 * whole page; of two presses in a row the newer wins. */
export function swapLink(href: string, target: string): Readonly<Record<string, string>> {
  return { href, "hx-boost": "true", "hx-target": target, "hx-swap": "outerHTML", "hx-sync": `${target}:replace` };
}

export interface CardProps {
  readonly name: CardName;
  readonly title: string;
  readonly runId: string;
  readonly view: RunViewState;
  /** What stands beside the heading. */
  readonly note?: ComponentChildren;
  /** Whether the data behind the card can be looked at. */
  readonly hasData?: boolean;
  readonly class?: string;
  readonly children: ComponentChildren;
}

/** Id of a card's element. */
export function cardId(name: CardName): string {
  return name === "nodes" ? name : `card-${name}`;
}

export function Card({ name, title, runId, view, note, hasData = false, class: own, children }: CardProps): VNode {
  const shown = isOpen(view, name);
  return (
    <section
      id={cardId(name)}
      class={own === undefined ? "card" : `card ${own}`}
      aria-labelledby={`${name}-title`}
      data-open={String(shown)}
    >
      <div class="card-head">
        <h2 id={`${name}-title`} tabIndex={-1}>
          <a
            id={`fold-${name}`}
            class="fold"
            aria-expanded={shown ? "true" : "false"}
            {...viewLink(runId, withToggled(view, name))}
          >
            <span class="fold-mark" aria-hidden="true">{shown ? "▾" : "▸"}</span> {title}
          </a>
        </h2>
        {shown ? note : null}
        {hasData && shown ? <DataLink runId={runId} card={name} title={title} /> : null}
      </div>
      {shown ? children : null}
    </section>
  );
}

/** Shows the JSON behind a card, in a dialog where there is script. */
export function DataLink(
  { runId, card, title }: { readonly runId: string; readonly card: string | null; readonly title: string },
): VNode {
  const href = runDataUrl(runId, card);
  return (
    <a
      class="data-link"
      href={href}
      hx-boost="true"
      hx-target={`#${DIALOG_ID}`}
      hx-swap="innerHTML"
      hx-push-url="false"
    >
      JSON<span class="visually-hidden">: {title}</span>
    </a>
  );
}

export interface LoadedCardProps<T> {
  readonly loaded: Loaded<T>;
  /** Address of the page as it is, to be asked again, and the id of what its answer replaces. */
  readonly href: string;
  readonly targetId: string;
  readonly what: string;
  readonly children: (value: T) => ComponentChildren;
}

/** Content that is shown when it is there; until then it asks again by itself, or by a link where there is no script. */
export function LoadedContent<T>({ loaded, href, targetId, what, children }: LoadedCardProps<T>): VNode {
  switch (loaded.state) {
    case "ready":
      return <>{children(loaded.value)}</>;
    case "failed":
      return <p class="error-note" role="alert">{what} cannot be shown: {loaded.problem}</p>;
    case "pending":
      return (
        <div
          class="pending"
          role="status"
          hx-get={href}
          hx-target={`#${targetId}`}
          hx-select={`#${targetId}`}
          hx-swap="outerHTML"
          hx-trigger="load delay:200ms"
        >
          <progress aria-label={`${what}: computing`} /> {what}: computing… <a href={href}>Look again</a>
        </div>
      );
  }
}
