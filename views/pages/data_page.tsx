/** JSON to look at and to copy: a page, and in a dialog the same. */
import type { VNode } from "preact";
import { CopyButton } from "../parts/run_facts.tsx";
import { runJsonUrl, runUrl } from "../urls.ts";

export interface DataPageProps {
  readonly title: string;
  readonly text: string;
  readonly runId: string;
}

export function DataPage({ title, text, runId }: DataPageProps): VNode {
  return (
    <div class="page data-page">
      <p>
        <a class="data-back" href={runUrl(runId)}>← back to the answer</a>
      </p>
      <h1>{title}</h1>
      <p class="links">
        <CopyButton from="data" what={title} />
        <a href={runJsonUrl(runId)} download>The whole run as a file</a>
        {/* Within a dialog, this closes it. */}
        <button type="button" class="small" data-close-dialog hidden>Close</button>
      </p>
      <pre id="data" tabIndex={0}>{text}</pre>
    </div>
  );
}
