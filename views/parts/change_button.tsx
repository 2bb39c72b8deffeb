/** A button anywhere in an answer that asks the form's question again with one change. */
import type { ComponentChildren, VNode } from "preact";

/** Id of the form that such buttons submit; it is the form of the page. */
export const QUESTION_FORM_ID = "question-form";

export interface ChangeButtonProps {
  /** As `applyChange` of the routes reads it. */
  readonly change: string;
  readonly title?: string;
  /** A switch says whether it is on. */
  readonly role?: "switch";
  readonly isChecked?: boolean;
  readonly children: ComponentChildren;
}

export function ChangeButton({ change, title, role, isChecked = false, children }: ChangeButtonProps): VNode {
  return (
    <button
      type="submit"
      class="small"
      form={QUESTION_FORM_ID}
      name="change"
      value={change}
      {...title === undefined ? {} : { title }}
      {...role === undefined ? {} : { role, "aria-checked": isChecked ? "true" as const : "false" as const }}
    >
      {children}
    </button>
  );
}
