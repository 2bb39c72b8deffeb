/** An error in its place: what happened and what would be right. */
import type { VNode } from "preact";
import type { ErrorProps } from "../props.ts";

/** Id of the place where errors without a field are shown. */
export const NOTICE_ID = "notice";

/** The empty place, in every page with a form. */
export function NoticePlace(): VNode {
  return <div id={NOTICE_ID} class="notice-place" />;
}

export function ErrorNote({ status, title, detail, issues, requestId }: ErrorProps): VNode {
  return (
    <div id={NOTICE_ID} class="error-note" role="alert">
      <p class="error-title">{title}</p>
      {issues.length === 0 ? <p>{detail}</p> : (
        <ul>
          {issues.map(({ path, message }) => (
            <li>
              {path === "" ? null : <code>{path}</code>} {message}
            </li>
          ))}
        </ul>
      )}
      <p class="fine-print">Status {status} · request {requestId}</p>
    </div>
  );
}
