import type { VNode } from "preact";
import type { ErrorProps } from "../props.ts";
import { debuggerUrl, homeUrl } from "../urls.ts";
import { ErrorNote } from "../parts/error_note.tsx";

/** A page for what cannot be shown. */
export function ErrorPage(props: ErrorProps): VNode {
  return (
    <div class="page error-page">
      <h1>{props.title}</h1>
      <ErrorNote {...props} />
      <p>
        <a href={homeUrl()}>Home</a> · <a href={debuggerUrl()}>Ask a question</a>
      </p>
    </div>
  );
}
