/** Estimates beside what really happens: the strongest nodes ablated one at a time. */
import type { VNode } from "preact";
import type { Measurement } from "../../engine/mod.ts";
import { Scatter } from "../charts/scatter.tsx";
import { formatNumber, formatSigned } from "../format.ts";
import { cancelMeasuredUrl, measuredUrl } from "../urls.ts";

export const MEASURED_ID = "measured";

export interface MeasuredCardProps {
  readonly id: string;
  readonly measurement: Measurement | null;
}

export function MeasuredCard({ id, measurement }: MeasuredCardProps): VNode {
  const isRunning = measurement?.state === "running";
  return (
    <section
      id={MEASURED_ID}
      class="card measured-card"
      aria-labelledby="measured-title"
      {...isRunning
        ? { "hx-get": measuredUrl(id), "hx-trigger": "load delay:400ms", "hx-target": "this", "hx-swap": "outerHTML" }
        : {}}
    >
      <h2 id="measured-title">Measured effects</h2>
      {measurement === null || measurement.state === "cancelled" || measurement.state === "failed"
        ? <Offer id={id} measurement={measurement} />
        : isRunning
        ? <Progress id={id} measurement={measurement} />
        : <Outcome measurement={measurement} />}
    </section>
  );
}

function Offer({ id, measurement }: MeasuredCardProps): VNode {
  return (
    <>
      <p class="fine-print">
        Total effects are estimates. Ablating the strongest nodes one at a time shows what each really does.
      </p>
      {measurement?.state === "cancelled"
        ? <p>Cancelled after {measurement.done} of {measurement.total} nodes.</p>
        : null}
      {measurement?.state === "failed" ? <p class="error-note" role="alert">It failed: {measurement.problem}</p> : null}
      <form
        method="post"
        action={measuredUrl(id)}
        hx-post={measuredUrl(id)}
        hx-target={`#${MEASURED_ID}`}
        hx-swap="outerHTML"
      >
        <button type="submit">Measure the top 32 nodes</button>
      </form>
    </>
  );
}

function Progress(
  { id, measurement: { done, total } }: { readonly id: string; readonly measurement: Measurement },
): VNode {
  return (
    <>
      <p role="status">
        {done} of {total} nodes measured. <progress max={total} value={done} aria-label="Nodes measured" />
      </p>
      <form
        method="post"
        action={cancelMeasuredUrl(id)}
        hx-post={cancelMeasuredUrl(id)}
        hx-target={`#${MEASURED_ID}`}
        hx-swap="outerHTML"
      >
        <button type="submit">Cancel</button>
      </form>
      <p class="fine-print">
        <a href={`${measuredUrl(id)}#${MEASURED_ID}`}>Look again</a> if this page does not do so by itself.
      </p>
    </>
  );
}

function Outcome({ measurement: { nodes, objective, rankCorrelation } }: { readonly measurement: Measurement }): VNode {
  return (
    <>
      <p class="fine-print">
        Each node alone is set to 0; measured is how much the objective
        {objective === null ? "" : ` (${formatSigned(objective)})`} then loses. {rankCorrelation === null
          ? "Too few nodes for a rank correlation."
          : `Rank correlation of estimate and measurement: ${formatNumber(rankCorrelation)}.`}
      </p>
      <div class="measured-body">
        <Scatter nodes={nodes} />
        <div class="table-scroll" tabIndex={0} role="region" aria-label="Table of measured nodes">
          <table>
            <caption class="visually-hidden">Estimated and measured effects of the strongest nodes</caption>
            <thead>
              <tr>
                <th scope="col">Node</th>
                <th scope="col" class="number">Direct effect</th>
                <th scope="col" class="number">Total effect</th>
                <th scope="col" class="number">Measured</th>
              </tr>
            </thead>
            <tbody>
              {nodes.map(({ ref, directEffect, totalEffect, measured }) => (
                <tr>
                  <th scope="row">
                    <code>{ref}</code>
                  </th>
                  <td class="number" title={String(directEffect)}>{formatSigned(directEffect)}</td>
                  <td class="number" title={String(totalEffect)}>{formatSigned(totalEffect)}</td>
                  <td class="number" title={String(measured)}>{formatSigned(measured)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </div>
    </>
  );
}
