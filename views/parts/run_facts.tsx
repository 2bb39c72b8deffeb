/** What stands behind the numbers of a run: the checks that it passed, where it came from, how to ask it elsewhere. */
import type { VNode } from "preact";
import type { RunResult } from "../../engine/mod.ts";
import { formatDuration, formatNumber } from "../format.ts";
import type { ShownRun } from "../props.ts";
import { runJsonUrl } from "../urls.ts";
import type { RunViewState } from "../view_state.ts";
import { Card } from "./card.tsx";

/** Identities measured on the run; a failed one is loud, and stands first. */
export function ChecksCard({ result, view }: { readonly result: RunResult; readonly view: RunViewState }): VNode {
  const { id, checks } = result;
  const failed = checks.filter(({ ok }) => !ok).length;
  return (
    <Card
      name="checks"
      title="Checks"
      runId={id}
      view={view}
      class={failed === 0 ? "checks-card" : "checks-card failed"}
    >
      {failed === 0
        ? <p class="fine-print">Identities that hold if the numbers are right, measured on this run.</p>
        : (
          <p class="error-note" role="alert">
            {failed === 1 ? "One check failed" : `${failed} checks failed`}: do not trust the numbers of this run.
          </p>
        )}
      <ul class="check-list">
        {checks.map(({ name, ok, difference, tolerance }) => (
          <li data-ok={String(ok)}>
            <span class="check-state">{ok ? "✓ ok" : "✗ failed"}</span>
            <span>{name}</span>
            <span class="fine-print" title={`${difference} ≤ ${tolerance}`}>
              off by {formatNumber(difference)}, allowed {formatNumber(tolerance)}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** Where the numbers come from. */
export function ProvenanceCard({ result, view }: { readonly result: RunResult; readonly view: RunViewState }): VNode {
  const {
    id,
    spec,
    provenance: { model, weights, dictionaries = {}, version },
    timing: { device, queuedMs, compileMs, computeMs },
  } = result;
  return (
    <Card name="provenance" title="Provenance" runId={id} view={view} class="provenance">
      <dl>
        <dt>Model</dt>
        <dd>{model}</dd>
        <dt>Weights</dt>
        <dd>
          <code title={weights}>{weights.slice(0, "sha256:".length + 12)}…</code>
        </dd>
        {Object.entries(dictionaries).map(([name, digest]) => (
          <>
            <dt>Dictionary</dt>
            <dd>
              {name} <code title={digest}>{digest.slice(0, "sha256:".length + 12)}…</code>
            </dd>
          </>
        ))}
        {spec.dropErrors === true
          ? (
            <>
              <dt>Errors</dt>
              <dd>left out: this is another model than {model}</dd>
            </>
          )
          : null}
        <dt>Version</dt>
        <dd>{version}</dd>
        <dt>Device</dt>
        <dd>{device}</dd>
        <dt>Time</dt>
        <dd>
          {formatDuration(computeMs)} computing, {formatDuration(compileMs)} compiling, {formatDuration(queuedMs)}{" "}
          waiting
        </dd>
        <dt>Run</dt>
        <dd>
          <code>{id}</code> · <a href={runJsonUrl(id)}>JSON</a>
        </dd>
      </dl>
    </Card>
  );
}

/** The same question from elsewhere. */
export function CodeCard({ result, view, code }: Pick<ShownRun, "result" | "view" | "code">): VNode {
  const snippets = [
    { name: "curl", title: "Shell", text: code.curl },
    { name: "python", title: "Python", text: code.python },
    { name: "javascript", title: "JavaScript", text: code.javascript },
  ];
  return (
    <Card name="code" title="Ask this from elsewhere" runId={result.id} view={view} class="code-card">
      {snippets.map(({ name, title, text }) => (
        <div class="command">
          <h3>{title}</h3>
          <pre id={`code-${name}`} tabIndex={0}>{text}</pre>
          <CopyButton from={`code-${name}`} what={title} />
        </div>
      ))}
    </Card>
  );
}

/** Shown by the script that makes it work. */
export function CopyButton({ from, what }: { readonly from: string; readonly what: string }): VNode {
  return (
    <button type="button" class="small" data-copy={from} hidden>
      Copy<span class="visually-hidden">: {what}</span>
    </button>
  );
}
