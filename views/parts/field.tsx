/** A form field with its label, its help and what is wrong with it. */
import type { ComponentChildren, VNode } from "preact";
import type { FieldMessage } from "../props.ts";

/** What an input needs so that its help and its message are read with it. */
export interface FieldAttributes {
  readonly "aria-describedby"?: string;
  readonly "aria-invalid"?: "true";
}

export interface FieldProps {
  readonly id: string;
  readonly label: string;
  readonly help?: string;
  /** Messages of the whole form and the path of this field: those at or below it are shown. */
  readonly messages: readonly FieldMessage[];
  readonly path: string;
  readonly children: (attributes: FieldAttributes) => ComponentChildren;
}

/** Messages of one field. */
export function messagesAt(messages: readonly FieldMessage[], path: string): readonly FieldMessage[] {
  return messages.filter((message) => message.path === path || message.path.startsWith(`${path}.`));
}

export function Field({ id, label, help, messages, path, children }: FieldProps): VNode {
  const own = messagesAt(messages, path);
  const describedBy = [...help === undefined ? [] : [`${id}-help`], ...own.length === 0 ? [] : [`${id}-message`]];
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        ...describedBy.length === 0 ? {} : { "aria-describedby": describedBy.join(" ") },
        ...own.length === 0 ? {} : { "aria-invalid": "true" as const },
      })}
      {help === undefined ? null : <p class="help" id={`${id}-help`}>{help}</p>}
      <FieldMessages id={id} messages={own} />
    </div>
  );
}

/** What is wrong with a field; nothing if nothing is. */
export function FieldMessages(
  { id, messages }: { readonly id: string; readonly messages: readonly FieldMessage[] },
): VNode | null {
  if (messages.length === 0) return null;
  return <p class="field-message" id={`${id}-message`}>{messages.map(({ message }) => message).join(" · ")}</p>;
}
