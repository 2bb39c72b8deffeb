/** What is said of a component: explanations with their scores, ways to get more, and what an assistant would be sent before it is. */
import type { VNode } from "preact";
import type {
  AssistantSummary,
  Attempt,
  ComponentExplanations,
  ExplainPlan,
  Explanation,
  ModelSummary,
} from "../../engine/mod.ts";
import type { ComponentView } from "../component_view.ts";
import { formatCount } from "../format.ts";
import type { Loaded } from "../props.ts";
import { explainUrl, explanationsUrl } from "../urls.ts";
import { LoadedContent, swapLink } from "./card.tsx";
import { EXPLAINERS_ID } from "./explainers_card.tsx";
import { AskedPrompt, ExplanationSource, ExplanationText, ScoreRow } from "./explanation_item.tsx";

/** Id of the card, which replaces itself while something is under way. */
export const EXPLANATIONS_ID = "explanations";

/** Longest sentence that can be written, as the engine takes it. */
const MAX_TEXT = 1000;

export interface ExplanationsCardProps {
  readonly model: ModelSummary;
  /** As in `mlp/3/195`. */
  readonly name: string;
  /** Of a latent: id of its dictionary; else null. */
  readonly dictionary: string | null;
  /** Whose records explanations are made and scored from; null for the first. */
  readonly textSet: string | null;
  readonly view: ComponentView;
  readonly found: Loaded<ComponentExplanations>;
  /** Null where none is configured. */
  readonly assistant: AssistantSummary | null;
  /** What an explanation by the assistant would send; null where nobody asked. */
  readonly plan: Loaded<ExplainPlan> | null;
  /** Whether there are records to explain it from. */
  readonly hasRecords: boolean;
  readonly urlOf: (view: ComponentView) => string;
}

export function ExplanationsCard(props: ExplanationsCardProps): VNode {
  const { model, found, view, urlOf } = props;
  return (
    <section id={EXPLANATIONS_ID} class="card explanations" aria-labelledby="explanations-title">
      <div class="card-head">
        <h2 id="explanations-title" tabIndex={-1}>Explanations</h2>
        <div class="links">
          <a href={explanationsUrl({ model: model.id })}>Search explanations</a>
          <a href={`${explanationsUrl({ model: model.id })}#${EXPLAINERS_ID}`}>Compare explainers</a>
        </div>
      </div>
      <LoadedContent loaded={found} href={urlOf(view)} targetId={EXPLANATIONS_ID} what="Its explanations">
        {(value) => <Found {...props} value={value} />}
      </LoadedContent>
    </section>
  );
}

function Found({ value, ...props }: ExplanationsCardProps & { readonly value: ComponentExplanations }): VNode {
  const { name, view, urlOf, plan, assistant } = props;
  const running = value.attempts.filter(({ state }) => state === "running");
  return (
    <>
      {value.explanations.length === 0
        ? <p class="empty-state">Nobody has said yet what makes {name} fire.</p>
        : (
          <ol class="explanation-list">
            {value.explanations.map((explanation) => (
              <li id={`explanation-${explanation.id}`}>
                <Item {...props} explanation={explanation} isBusy={running.length > 0} />
              </li>
            ))}
          </ol>
        )}
      {running.length === 0 ? null : <UnderWay href={urlOf(view)} running={running} />}
      {value.attempts.filter(({ state }) => state === "failed").map((attempt) => (
        <Failed
          {...props}
          attempt={attempt}
        />
      ))}
      <Ways {...props} />
      {plan === null || assistant === null
        ? null
        : (
          <LoadedContent loaded={plan} href={urlOf(view)} targetId={EXPLANATIONS_ID} what="What would be sent">
            {(offer) => <Plan {...props} offer={offer} />}
          </LoadedContent>
        )}
      <WriteForm {...props} />
    </>
  );
}

/** What all forms of the card are about. */
type About = Pick<ExplanationsCardProps, "model" | "name" | "dictionary" | "textSet">;

interface ActionProps {
  readonly about: About;
  readonly action: string;
  readonly title: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly class?: string;
}

/** Which dictionary a latent is of, and the text set that the page shows: what is sent is what the page said. */
function ScopeFields({ dictionary, textSet }: Pick<About, "dictionary" | "textSet">): VNode {
  return (
    <>
      {dictionary === null ? null : <input type="hidden" name="dictionary" value={dictionary} />}
      {textSet === null ? null : <input type="hidden" name="textSet" value={textSet} />}
    </>
  );
}

/** A button that does one thing, as a form of its own. */
function Action(
  { about: { model, name, ...scope }, action, title, fields = {}, class: own = "small" }: ActionProps,
): VNode {
  return (
    <form method="post" action={explainUrl(model.id, name, action)}>
      <ScopeFields {...scope} />
      {Object.entries(fields).map(([field, value]) => <input type="hidden" name={field} value={value} />)}
      <button type="submit" class={own}>{title}</button>
    </form>
  );
}

function Item(
  { explanation, isBusy, ...props }: ExplanationsCardProps & {
    readonly explanation: Explanation;
    readonly isBusy: boolean;
  },
): VNode {
  const { name, plan, assistant, hasRecords } = props;
  const { id, scores } = explanation;
  const byRules = scores.find(({ scorer }) => scorer === "statistical");
  const byAssistant = scores.find(({ scorer }) => scorer === "assistant");
  const fields = { explanation: String(id) };
  return (
    <>
      <p>
        <ExplanationText explanation={explanation} />
      </p>
      {scores.map((score) => <ScoreRow score={score} isHead={name.startsWith("head/")} />)}
      {scores.length === 0 && !isBusy ? <p class="fine-print">Not scored yet.</p> : null}
      <ExplanationSource explanation={explanation} />
      <AskedPrompt explanation={explanation} />
      <div class="links">
        {hasRecords && byRules?.state !== "done"
          ? (
            <Action
              about={props}
              action="scores"
              title="Score by its rules"
              fields={{ ...fields, by: "statistical" }}
            />
          )
          : null}
        {
          /* Only where it stands what would be sent. */
          plan?.state === "ready" && assistant !== null && byAssistant?.state !== "done"
            ? (
              <Action
                about={props}
                action="scores"
                title={`Score with ${assistant.model}`}
                fields={{ ...fields, by: "assistant" }}
              />
            )
            : null
        }
        <Action
          about={props}
          action="remove"
          title="Remove"
          fields={fields}
        />
      </div>
    </>
  );
}

/** Looks again by itself. */
function UnderWay({ href, running }: { readonly href: string; readonly running: readonly Attempt[] }): VNode {
  const what = running.map(({ what }) => what === "explain" ? "Explaining" : "Scoring").join(", ");
  return (
    <div
      class="pending"
      role="status"
      hx-get={href}
      hx-target={`#${EXPLANATIONS_ID}`}
      hx-select={`#${EXPLANATIONS_ID}`}
      hx-swap="outerHTML"
      hx-trigger="load delay:500ms"
    >
      <progress aria-label={`${what}: under way`} /> {what}… <a href={href}>Look again</a>
    </div>
  );
}

function Failed({ attempt, ...props }: ExplanationsCardProps & { readonly attempt: Attempt }): VNode {
  const { what, by, explanation, problem } = attempt;
  const who = by === "statistical" ? "by rules" : "by the assistant";
  return (
    <div class="error-note" role="alert">
      <p>{what === "explain" ? "Not explained" : "Not scored"} {who}: {problem}</p>
      {
        /* What costs money is tried again from where it stands what would be sent. */
        by === "assistant" ? null : (
          <Action
            about={props}
            action={what === "explain" ? "explanations" : "scores"}
            title="Try again"
            fields={explanation === null ? { by } : { by, explanation: String(explanation) }}
          />
        )
      }
    </div>
  );
}

/** Ways to an explanation. */
function Ways(props: ExplanationsCardProps): VNode {
  const { view, urlOf, assistant, hasRecords, plan } = props;
  if (!hasRecords) {
    return <p class="fine-print">It can be explained once a sweep has made its records: see below.</p>;
  }
  return (
    <div class="links explanation-ways">
      <Action
        about={props}
        action="explanations"
        title="Explain by rules"
        fields={{ by: "statistical" }}
        class="primary"
      />
      {assistant === null
        ? (
          <p class="fine-print">
            From its records, by our own rules; nothing is sent anywhere. A language model can explain too:{" "}
            <code>--assistant-model</code>, see <code>--help</code>.
          </p>
        )
        : (
          <>
            {plan === null
              ? (
                <a
                  id="plan"
                  class="button small"
                  {...swapLink(urlOf({ ...view, plan: true }), `#${EXPLANATIONS_ID}`)}
                  hx-select={`#${EXPLANATIONS_ID}`}
                >
                  Explain with {assistant.model}…
                </a>
              )
              : null}
            <p class="fine-print">
              By rules nothing is sent anywhere. What {assistant.model} would be sent is shown before.
            </p>
          </>
        )}
    </div>
  );
}

/** What would be sent, and the button that sends it. */
function Plan({ offer, ...props }: ExplanationsCardProps & { readonly offer: ExplainPlan }): VNode {
  const { name, view, urlOf } = props;
  const { assistant, calls, promptTokens, completionTokens, cost, first } = offer;
  return (
    <div class="explanation-plan" role="group" aria-labelledby="plan-title">
      <h3 id="plan-title">What {assistant.model} would be sent</h3>
      <p>
        Texts from the records of {name}, to <code>{assistant.origin}</code>: up to {formatCount(calls)} calls, at most
        {" "}
        {formatCount(promptTokens)} tokens of prompts and {formatCount(completionTokens)} of answers; {cost === null
          ? "the price is unknown (--assistant-price)"
          : `at most ${cost.toFixed(4)} by the price that was set`}. What was asked before is not asked again.
      </p>
      <details>
        <summary>The first call, word for word</summary>
        <pre class="plan-text" tabIndex={0}>{first}</pre>
      </details>
      <div class="links">
        <Action
          about={props}
          action="explanations"
          title={`Send to ${assistant.origin}`}
          fields={{ by: "assistant" }}
          class="primary"
        />
        <a
          class="button small"
          {...swapLink(urlOf({ ...view, plan: false }), `#${EXPLANATIONS_ID}`)}
          hx-select={`#${EXPLANATIONS_ID}`}
        >
          Send nothing
        </a>
      </div>
    </div>
  );
}

/** One's own sentence. Its score is there on the page that the button leads to, or why there is none. */
function WriteForm({ model, name, dictionary, textSet, hasRecords }: ExplanationsCardProps): VNode {
  const example = name.startsWith("head/")
    ? "Looks at the token before (9); from “ to” at “ Mary” (4)"
    : "Fires on “ capital” (9), “ city” (4); after “ of” (3)";
  return (
    <form
      class="own-form explanation-form"
      method="post"
      action={explainUrl(model.id, name, "written")}
      autocomplete="off"
    >
      <ScopeFields dictionary={dictionary} textSet={textSet} />
      <label for="explanation-text">Your own explanation</label>
      <textarea
        id="explanation-text"
        name="text"
        rows={2}
        maxLength={MAX_TEXT}
        required
        aria-describedby="explanation-help"
      />
      <button type="submit" class="small">{hasRecords ? "Keep and score" : "Keep"}</button>
      <p id="explanation-help" class="fine-print">
        Up to {formatCount(MAX_TEXT)} characters. A sentence of rules is scored at once:{" "}
        <code>{example}</code>. Any other is kept, and scored by an assistant.
      </p>
    </form>
  );
}
