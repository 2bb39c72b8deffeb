/** A button anywhere in an answer that asks the form's question again with one change. */
import type { ComponentChildren, VNode } from "preact";

/** Id of the form that such buttons submit; it is the form of the page. */
export const QUESTION_FORM_ID = "question-form";

export interface ChangeButtonProps {
  /** As `applyChange` of the routes reads it. */
  readonly change: string;
  readonly title?: string;
  /** Needed where the form around it is replaced by the answer, so that the focus comes back. */
  readonly id?: string;
  /** Of buttons that choose: whether this one is chosen. */
  readonly isPressed?: boolean;
  /** A switch says whether it is on. */
  readonly role?: "switch";
  readonly isChecked?: boolean;
  readonly children: ComponentChildren;
}

export function ChangeButton(
  { change, title, id, isPressed, role, isChecked = false, children }: ChangeButtonProps,
): VNode {
  return (
    <button
      type="submit"
      class="small"
      form={QUESTION_FORM_ID}
      name="change"
      value={change}
      {...id === undefined ? {} : { id }}
      {...title === undefined ? {} : { title }}
      {...isPressed === undefined ? {} : { "aria-pressed": isPressed ? "true" as const : "false" as const }}
      {...role === undefined ? {} : { role, "aria-checked": isChecked ? "true" as const : "false" as const }}
    >
      {children}
    </button>
  );
}
