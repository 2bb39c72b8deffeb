/** A component's values on texts of one's own; each stays until it is closed, and all are in the address. */
import type { VNode } from "preact";
import type { Example, ModelSummary } from "../../engine/mod.ts";
import { componentQuery, type ComponentView, MAX_OWN_TEXT, MAX_OWN_TEXTS } from "../component_view.ts";
import type { Loaded } from "../props.ts";
import { LoadedContent, swapLink } from "./card.tsx";
import { COMPONENT_ID, ExampleList } from "./example_list.tsx";

export interface OwnTextProps {
  readonly model: ModelSummary;
  readonly action: string;
  readonly view: ComponentView;
  readonly own: Loaded<readonly Example[]> | null;
  readonly largest: number;
  readonly urlOf: (view: ComponentView) => string;
}

export function OwnText({ model, action, view, own, largest, urlOf }: OwnTextProps): VNode {
  const kept = [...componentQuery(view)];
  return (
    <section class="card" aria-labelledby="own-title">
      <h2 id="own-title">On a text of your own</h2>
      <form
        class="own-form"
        method="get"
        action={action}
        autocomplete="off"
        hx-get={action}
        hx-target={`#${COMPONENT_ID}`}
        hx-swap="outerHTML"
        hx-push-url="true"
      >
        {kept.map(([name, value]) => <input type="hidden" name={name} value={value} />)}
        <label for="own-text">Text, up to {model.contextLength} tokens</label>
        <textarea
          id="own-text"
          name="p"
          rows={2}
          maxLength={MAX_OWN_TEXT}
          required
          spellcheck={false}
          aria-keyshortcuts="Control+Enter Meta+Enter"
        />
        <p class="links">
          <button type="submit" class="small">Show its values</button>
          <span class="fine-print key-hint">
            <kbd>Ctrl</kbd> or <kbd>⌘</kbd> + <kbd>Enter</kbd>
          </span>
        </p>
      </form>
      {own === null
        ? (
          <p class="empty-state">
            Nothing yet. Colours are those of the records above; up to {MAX_OWN_TEXTS} texts are kept.
          </p>
        )
        : (
          <LoadedContent loaded={own} href={urlOf(view)} targetId={COMPONENT_ID} what="Its values">
            {(examples) => (
              <>
                <ExampleList
                  name="own"
                  examples={examples}
                  largest={largest}
                  view={view}
                  labels={examples.map((_, index) => `your text ${index + 1}`)}
                />
                <p class="links">
                  {view.own.map((text, index) => (
                    <a
                      id={`close-${index}`}
                      {...swapLink(
                        urlOf({ ...view, own: view.own.filter((other) => other !== text) }),
                        `#${COMPONENT_ID}`,
                      )}
                    >
                      Close text {index + 1}
                      <span class="visually-hidden">: {text.slice(0, 60)}</span>
                    </a>
                  ))}
                </p>
              </>
            )}
          </LoadedContent>
        )}
    </section>
  );
}
