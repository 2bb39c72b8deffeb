import type { VNode } from "preact";
import type { DebuggerProps } from "../props.ts";
import { NoticePlace } from "../parts/error_note.tsx";
import { QuestionForm } from "../parts/question_form.tsx";
import { runUrl } from "../urls.ts";
import { EmptyRun, RunShell } from "../parts/run_shell.tsx";

/** The debugger: the question on top, its answer below. */
export function DebuggerPage({ run, ...form }: DebuggerProps): VNode {
  return (
    <div class="page debugger-page">
      <h1>Why this token and not that one?</h1>
      <QuestionForm {...form} view={run === null ? "" : runUrl(run.result.id, run.view)} />
      <NoticePlace />
      {run === null ? <EmptyRun /> : <RunShell {...run} />}
    </div>
  );
}
