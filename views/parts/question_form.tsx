/** The question: prompts, targets, distractors, objective. Works without script; every button submits the form itself. */
import type { VNode } from "preact";
import type { DebuggerProps } from "../props.ts";
import { debuggerUrl, runsUrl } from "../urls.ts";
import { BasisFields } from "./basis_fields.tsx";
import { RUN_ID } from "./card.tsx";
import { QUESTION_FORM_ID } from "./change_button.tsx";
import { Field, FieldMessages, messagesAt } from "./field.tsx";
import { FormCheck, FormCheckPlace } from "./form_check.tsx";
import { FormButton, PromptColumn } from "./prompt_column.tsx";

/** The button that has the model's mean values computed. */
export const MEANS_ACTION = "means";

/** Name of the field that carries the view of the answer, for browsers without script, to the next answer. */
export const VIEW_FIELD = "view";

export type QuestionFormProps = Pick<DebuggerProps, "models" | "dictionaries" | "fields" | "messages" | "check"> & {
  /** The address of the page, for what of it is to be kept. */
  readonly view: string;
  /** Swapped into its place beside another answer. */
  readonly isOutOfBand?: boolean;
};

const OBJECTIVES = [
  { value: "logit-diff", label: "logit difference: targets − distractors" },
  { value: "logit", label: "logit: targets − mean of all tokens" },
  { value: "log-prob", label: "log-probability of the targets" },
  { value: "prob", label: "probability of the targets" },
] as const;

/** Paths whose messages stand beside their field; all others stand on top. */
const OWN_PATHS =
  /^(prompts\.[01]\.(text|tokens|targets|distractors)|objective\.(kind|position)|topK|model|bos|interventions|trace|means|basis\.(mlp|attention)|dictionaries|dropErrors)(\.|$)/;

export function QuestionForm(
  { models, dictionaries, fields, messages, check, view, isOutOfBand = false }: QuestionFormProps,
): VNode {
  const others = messages.filter(({ path }) => !OWN_PATHS.test(path));
  return (
    <form
      id={QUESTION_FORM_ID}
      class="question-form card"
      method="post"
      action={runsUrl()}
      autocomplete="off"
      hx-post={runsUrl()}
      hx-target={`#${RUN_ID}`}
      hx-swap="outerHTML"
      hx-sync="this:replace"
      hx-disabled-elt="find .run-button"
      {...isOutOfBand ? { "hx-swap-oob": "true" } : {}}
    >
      {/* First in the form, so that Enter in any field asks the question and never does anything else. */}
      <button type="submit" class="visually-hidden" name="action" value="run" tabIndex={-1} aria-hidden="true">
        Run
      </button>
      <input type="hidden" name={VIEW_FIELD} value={view} />
      {others.length === 0 ? null : (
        <ul class="form-messages" role="alert">
          {others.map(({ path, message }) => <li>{path === "" ? "" : `${path}: `}{message}</li>)}
        </ul>
      )}
      <div class={fields.prompts.length > 1 ? "prompts prompts-two" : "prompts"}>
        {fields.prompts.map((prompt, index) => (
          <PromptColumn prompt={prompt} index={index} isOnly={fields.prompts.length === 1} messages={messages} />
        ))}
      </div>
      <div class="options">
        <Field id="model" label="Model" messages={messages} path="model">
          {(attributes) => (
            // Another model has other dictionaries.
            <select
              id="model"
              name="model"
              hx-post={debuggerUrl()}
              hx-trigger="change"
              hx-target={`#${QUESTION_FORM_ID}`}
              hx-swap="outerHTML"
              {...attributes}
            >
              {models.map(({ id }) => <option value={id} selected={id === fields.model}>{id}</option>)}
            </select>
          )}
        </Field>
        <Field
          id="objective"
          label="Objective"
          messages={messages}
          path="objective.kind"
          help="What is explained, as one number after the position: the larger, the better for the targets."
        >
          {(attributes) => (
            <select id="objective" name="objective" {...attributes}>
              {OBJECTIVES.map(({ value, label }) => (
                <option value={value} selected={value === fields.objective}>{label}</option>
              ))}
            </select>
          )}
        </Field>
        <Field
          id="position"
          label="Position"
          messages={messages}
          path="objective.position"
          help="The token after which to predict: 0 is the first, −1 the last."
        >
          {(attributes) => (
            <input id="position" name="position" value={fields.position} inputMode="numeric" size={6} {...attributes} />
          )}
        </Field>
        <Field
          id="k"
          label="Top k"
          messages={messages}
          path="topK"
          help="Nodes shown for each column and kind: 1 to 200."
        >
          {(attributes) => <input id="k" name="k" value={fields.topK} inputMode="numeric" size={6} {...attributes} />}
        </Field>
        <div class="checks">
          <label>
            <input type="checkbox" name="bos" value="on" checked={fields.bos} />{" "}
            Begin with the model’s start token (BOS)
          </label>
          <FieldMessages id="bos" messages={messagesAt(messages, "bos")} />
          <label>
            <input type="checkbox" name="freezeFinalNorm" value="on" checked={fields.freezeFinalNorm} />{" "}
            Hold the final norm’s scale fixed, so that direct effects add up
          </label>
        </div>
      </div>
      <BasisFields dictionaries={dictionaries} fields={fields} messages={messages} />
      <Changes fields={fields} messages={messages} />
      <div class="form-actions">
        <button type="submit" class="run-button primary" name="action" value="run">Run</button>
        {fields.prompts.length === 1
          ? <FormButton action="add-prompt">Compare with a second prompt</FormButton>
          : <FormButton action="remove-prompt">Remove the second prompt</FormButton>}
        <span class="computing" aria-hidden="true">
          <progress aria-label="Computing" /> Computing… <span data-elapsed />
        </span>
        {/* Shown while a question is under way, by the script that makes it work. */}
        <button type="button" class="small cancel-button" data-cancel={QUESTION_FORM_ID} hidden>Cancel</button>
      </div>
      {check === undefined ? <FormCheckPlace /> : <FormCheck {...check} />}
    </form>
  );
}

/** Interventions and a trace, folded away while there are none. */
function Changes(
  { fields: { interventions, trace }, messages }: Pick<QuestionFormProps, "fields" | "messages">,
): VNode {
  const isUsed = interventions !== "" || trace !== "" ||
    ["interventions", "trace", "means"].some((path) => messagesAt(messages, path).length > 0);
  return (
    <details class="changes" open={isUsed}>
      <summary>Change inner values, or trace a node</summary>
      <div class="changes-fields">
        <Field
          id="interventions"
          label="Interventions, one a line"
          messages={messages}
          path="interventions"
          help="NODE = 0 sets, NODE = mean takes the mean over the model’s reference texts, NODE * 0.5 scales, NODE from right takes the other prompt’s value; head/3/3@14<* is a head’s whole row, mlp-latent/2/44@14 a dictionary’s latent, which has no mean. A line that begins with # is switched off."
        >
          {(attributes) => (
            <textarea id="interventions" name="interventions" rows={3} spellcheck={false} {...attributes}>
              {`\n${interventions}`}
            </textarea>
          )}
        </Field>
        <div>
          <FormButton action={MEANS_ACTION}>Compute the model’s means</FormButton>
          <FieldMessages id="means" messages={messagesAt(messages, "means")} />
        </div>
        <Field
          id="trace"
          label="Trace"
          messages={messages}
          path="trace"
          help="A node to explain instead of the prediction: mlp/3/17@14, a latent as mlp-latent/2/44@14, or head/3/3@14<2 with q, k, qk or v."
        >
          {(attributes) => <input id="trace" name="trace" value={trace} spellcheck={false} size={40} {...attributes} />}
        </Field>
      </div>
    </details>
  );
}
