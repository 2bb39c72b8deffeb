/** The question: prompts, targets, distractors, objective. Works without script; every button submits the form itself. */
import type { VNode } from "preact";
import type { DebuggerProps, FieldMessage, PromptFields } from "../props.ts";
import { quotedToken } from "../format.ts";
import { debuggerUrl, runsUrl } from "../urls.ts";
import { Field, FieldMessages, messagesAt } from "./field.tsx";
import { QUESTION_FORM_ID } from "./change_button.tsx";
import { RUN_ID } from "./run_shell.tsx";

/** The button that has the model's mean values computed. */
export const MEANS_ACTION = "means";

export type QuestionFormProps = Pick<DebuggerProps, "models" | "fields" | "messages"> & {
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
  /^(prompts\.[01]\.(text|tokens|targets|distractors)|objective\.(kind|position)|topK|model|bos|interventions|trace|means)(\.|$)/;

export function QuestionForm({ models, fields, messages, isOutOfBand = false }: QuestionFormProps): VNode {
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
            <select id="model" name="model" {...attributes}>
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
      <Changes fields={fields} messages={messages} />
      <div class="form-actions">
        <button type="submit" class="run-button primary" name="action" value="run">Run</button>
        {fields.prompts.length === 1
          ? <FormButton action="add-prompt">Compare with a second prompt</FormButton>
          : <FormButton action="remove-prompt">Remove the second prompt</FormButton>}
        <span class="computing" aria-hidden="true">Computing…</span>
      </div>
    </form>
  );
}

/** Interventions and a trace, folded away while there are none. */
function Changes({ fields: { interventions, trace }, messages }: Omit<QuestionFormProps, "models">): VNode {
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
          help="NODE = 0 sets, NODE = mean takes the mean over the model’s reference texts, NODE * 0.5 scales, NODE from right takes the other prompt’s value; head/3/3@14<* is a head’s whole row."
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
          help="A node to explain instead of the prediction: mlp/3/17@14, or head/3/3@14<2 with q, k, qk or v."
        >
          {(attributes) => <input id="trace" name="trace" value={trace} spellcheck={false} size={40} {...attributes} />}
        </Field>
      </div>
    </details>
  );
}

interface PromptColumnProps {
  readonly prompt: PromptFields;
  readonly index: number;
  readonly isOnly: boolean;
  readonly messages: readonly FieldMessage[];
}

function PromptColumn({ prompt, index, isOnly, messages }: PromptColumnProps): VNode {
  const side = isOnly ? "Prompt" : index === 0 ? "Left prompt" : "Right prompt";
  const path = `prompts.${index}`;
  return (
    <fieldset class="prompt">
      <legend>{side}</legend>
      <Field
        id={`prompt-${index}`}
        label="Text before the predicted token"
        messages={[...messagesAt(messages, `${path}.text`), ...messagesAt(messages, `${path}.tokens`)]}
        path={path}
        {...prompt.text.endsWith(" ")
          ? { help: "The text ends in a space: most tokens begin with one, so the model may not expect this." }
          : {}}
      >
        {(attributes) => (
          <textarea id={`prompt-${index}`} name="prompt" rows={3} spellcheck={false} {...attributes}>
            {/* A reader drops the first line break: this one, not the prompt's own. */ `\n${prompt.text}`}
          </textarea>
        )}
      </Field>
      <div class="choices">
        <ChoiceList kind="target" title="Targets" choices={prompt.targets} index={index} messages={messages} />
        <FormButton action={`swap.${index}`}>
          ⇄<span class="visually-hidden">Swap targets and distractors</span>
        </FormButton>
        <ChoiceList
          kind="distractor"
          title="Distractors"
          choices={prompt.distractors}
          index={index}
          messages={messages}
        />
      </div>
    </fieldset>
  );
}

interface ChoiceListProps {
  readonly kind: "target" | "distractor";
  readonly title: string;
  readonly choices: readonly string[];
  readonly index: number;
  readonly messages: readonly FieldMessage[];
}

function ChoiceList({ kind, title, choices, index, messages }: ChoiceListProps): VNode {
  const id = `${kind}-${index}`;
  const listPath = `prompts.${index}.${kind}s`;
  const own = messagesAt(messages, listPath);
  const ofList = own.some(({ path }) => path === listPath);
  const isWrong = (position: number) => ofList || messagesAt(own, `${listPath}.${position}`).length > 0;
  const spaceless = choices.filter((choice) => choice !== "" && !choice.startsWith(" "));
  return (
    <div class="choice-list" role="group" aria-label={`${title} of prompt ${index + 1}`}>
      <span class="choice-title">{title}</span>
      <div class="choice-boxes">
        {choices.map((choice, position) => (
          <input
            class="choice"
            name={`${kind}.${index}`}
            value={choice}
            size={Math.max(8, choice.length + 1)}
            aria-label={`${kind} ${position + 1}`}
            autocomplete="off"
            spellcheck={false}
            {...isWrong(position) ? { "aria-invalid": "true" as const, "aria-describedby": `${id}-message` } : {}}
          />
        ))}
        <FormButton action={`add-${kind}.${index}`}>
          +<span class="visually-hidden">Add a {kind}</span>
        </FormButton>
        {choices.length > 1
          ? (
            <FormButton action={`remove-${kind}.${index}`}>
              −<span class="visually-hidden">Remove the last {kind}</span>
            </FormButton>
          )
          : null}
      </div>
      <p class="help">
        {spaceless.length === 0
          ? `${kind === "target" ? "What should come next" : "What should not"}. One token each, with its space.`
          : `${spaceless.map(quotedToken).join(", ")} without a leading space: inside a text, most tokens are “␣word”.`}
      </p>
      <FieldMessages id={id} messages={own} />
    </div>
  );
}

/** A small button that changes the form without asking the question. */
function FormButton({ action, children }: { readonly action: string; readonly children: unknown }): VNode {
  return (
    <button
      type="submit"
      // With an id, htmx gives the focus back after the form is replaced.
      id={`action-${action.replace(".", "-")}`}
      class="small"
      name="action"
      value={action}
      formAction={debuggerUrl()}
      formNoValidate
      hx-post={debuggerUrl()}
      hx-target={`#${QUESTION_FORM_ID}`}
      hx-swap="outerHTML"
    >
      {children as VNode}
    </button>
  );
}
