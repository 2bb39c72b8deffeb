/** One prompt of the question with its targets and distractors. */
import type { VNode } from "preact";
import { quotedToken } from "../format.ts";
import type { FieldMessage, PromptFields } from "../props.ts";
import { debuggerUrl } from "../urls.ts";
import { QUESTION_FORM_ID } from "./change_button.tsx";
import { Field, FieldMessages, messagesAt } from "./field.tsx";

export interface PromptColumnProps {
  readonly prompt: PromptFields;
  readonly index: number;
  readonly isOnly: boolean;
  readonly messages: readonly FieldMessage[];
}

export function PromptColumn({ prompt, index, isOnly, messages }: PromptColumnProps): VNode {
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
          <span class="choice-box">
            <input
              id={`${id}-${position}`}
              class="choice"
              name={`${kind}.${index}`}
              value={choice}
              size={Math.max(8, choice.length + 1)}
              aria-label={`${kind} ${position + 1}`}
              autocomplete="off"
              spellcheck={false}
              {...isWrong(position) ? { "aria-invalid": "true" as const, "aria-describedby": `${id}-message` } : {}}
            />
            {choices.length > 1 || kind === "distractor" && choice !== ""
              ? (
                <FormButton action={`remove-${kind}.${index}.${position}`}>
                  ×<span class="visually-hidden">Remove {kind} {position + 1}</span>
                </FormButton>
              )
              : null}
          </span>
        ))}
        <FormButton action={`add-${kind}.${index}`}>
          +<span class="visually-hidden">Add a {kind}</span>
        </FormButton>
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
export function FormButton({ action, children }: { readonly action: string; readonly children: unknown }): VNode {
  return (
    <button
      type="submit"
      // With an id, htmx gives the focus back after the form is replaced.
      id={`action-${action.replaceAll(".", "-")}`}
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
