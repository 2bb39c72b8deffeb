/** How a training went: five curves, and what the dictionary was measured to be last. */
import type { VNode } from "preact";
import type { TrainingReport } from "../../engine/mod.ts";
import { CurveChart } from "../charts/curve_chart.tsx";
import { formatCount, formatShare } from "../format.ts";
import { MetricsInWords } from "./metrics_in_words.tsx";

export function TrainingCurves({ report }: { readonly report: TrainingReport }): VNode {
  const { points, measurements, spec: { steps } } = report;
  const of = (value: (point: TrainingReport["points"][number]) => number) =>
    points.map((point) => ({ step: point.step, value: value(point) }));
  const measured = (value: (metrics: TrainingReport["measurements"][number]["metrics"]) => number | null) =>
    measurements.map(({ step, metrics }) => ({ step, value: value(metrics) ?? NaN }));
  return (
    <>
      <div class="curves">
        <CurveChart title="Loss" line={of(({ loss }) => loss)} points={[]} steps={steps} />
        <CurveChart
          title="Variance explained"
          line={of(({ explained }) => explained)}
          points={measured(({ explainedVariance }) => explainedVariance)}
          steps={steps}
          format={formatShare}
        />
        <CurveChart
          title="Cross-entropy recovered"
          line={[]}
          points={measured(({ recovered }) => recovered)}
          steps={steps}
          format={formatShare}
        />
        <CurveChart
          title="Active latents a token"
          line={of(({ l0 }) => l0)}
          points={measured(({ l0 }) => l0)}
          steps={steps}
        />
        <CurveChart
          title="Dead latents"
          line={of(({ dead }) => dead)}
          points={measured(({ dead }) => dead)}
          steps={steps}
        />
      </div>
      <p class="fine-print">
        Lines: means over the steps between two points, on the batches themselves; a latent is dead there if it was
        active in none of the last steps. Points: held-out text.
      </p>
      <LastMeasurement report={report} />
    </>
  );
}

function LastMeasurement({ report: { measurements, spec } }: { readonly report: TrainingReport }): VNode | null {
  const last = measurements.at(-1);
  if (last === undefined) return null;
  return (
    <p>
      After {formatCount(last.step)} of {formatCount(spec.steps)} steps, on {formatCount(last.metrics.tokens)}{" "}
      held-out tokens: <MetricsInWords metrics={last.metrics} />.
    </p>
  );
}
