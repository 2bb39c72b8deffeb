/** What stands behind the numbers of a run: the checks that it passed, where it came from, how long it took. */
import type { VNode } from "preact";
import type { RunResult } from "../../engine/mod.ts";
import { formatDuration, formatNumber } from "../format.ts";
import { logitsCsvUrl, nodesCsvUrl, runJsonUrl } from "../urls.ts";

/** Identities measured on the run; a failed one is loud. */
export function ChecksCard({ checks }: Pick<RunResult, "checks">): VNode {
  const failed = checks.filter(({ ok }) => !ok).length;
  return (
    <section class="card checks-card" aria-labelledby="checks-title" data-ok={String(failed === 0)}>
      <h2 id="checks-title">Checks</h2>
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
    </section>
  );
}

/** Where the numbers come from, and how to get them elsewhere. */
export function ProvenanceCard({ result, curl }: { readonly result: RunResult; readonly curl: string }): VNode {
  const { id, provenance: { model, weights, version }, timing: { device, queuedMs, compileMs, computeMs } } = result;
  return (
    <section class="card provenance" aria-labelledby="provenance-title">
      <h2 id="provenance-title">Provenance</h2>
      <dl>
        <dt>Model</dt>
        <dd>{model}</dd>
        <dt>Weights</dt>
        <dd>
          <code title={weights}>{weights.slice(0, "sha256:".length + 12)}…</code>
        </dd>
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
          <code>{id}</code>
        </dd>
      </dl>
      <p class="links">
        <a href={runJsonUrl(id)}>JSON</a>
        <a href={nodesCsvUrl(id)}>Nodes as CSV</a>
        <a href={logitsCsvUrl(id)}>Logits as CSV</a>
      </p>
      <details>
        <summary>Ask from the command line</summary>
        <div class="command">
          <pre id="curl" tabIndex={0}>{curl}</pre>
          {/* Shown by the script that makes it work. */}
          <button type="button" class="small" data-copy="curl" hidden>Copy</button>
        </div>
      </details>
    </section>
  );
}
