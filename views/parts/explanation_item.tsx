/** One explanation: the sentence, who says it, how well it holds. Its text is anybody's and is only ever text. */
import type { VNode } from "preact";
import type { ExplainerName, Explanation, StoredScore } from "../../engine/mod.ts";
import { formatCount, formatDuration, formatNumber } from "../format.ts";

/** A score with two digits, and a minus that is one. */
export function formatScore(value: number): string {
  return value.toFixed(2).replace(/^-(?!0\.00$)/, "−").replace("-", "");
}

/** Who explains, in words. */
export function explainerName({ explainer, provenance: { assistant } }: Explanation): string {
  return explainerWords({ explainer, assistant });
}

/** The same, of whoever made several. */
export function explainerWords({ explainer, assistant }: ExplainerName): string {
  switch (explainer) {
    case "statistical":
      return "by rules from its records";
    case "assistant":
      return `by ${assistant ?? "an assistant"}`;
    case "hand":
      return "written by hand";
    case "imported":
      return assistant === null ? "imported" : `imported, by ${assistant}`;
  }
}

/** Who scores, in words. */
export function scorerWords({ scorer, assistant }: Pick<StoredScore, "scorer" | "assistant">): string {
  if (scorer === "published") return "its publisher";
  return scorer === "statistical" ? "its rules" : assistant ?? "an assistant";
}

/** The best number of an explanation, in a few words; what failed is no number. */
export function scoreWords({ scores }: Pick<Explanation, "scores">): string {
  const [best] = scores.filter(({ headline }) => headline !== null)
    .toSorted((a, b) => (b.headline?.value ?? 0) - (a.headline?.value ?? 0));
  if (best?.headline) return `score ${formatScore(best.headline.value)}`;
  if (scores.some(({ state }) => state === "failed")) return "not scored: scoring failed";
  return scores.length > 0 ? "no score: nothing to tell apart" : "not scored";
}

export function ExplanationText({ explanation }: { readonly explanation: Explanation }): VNode {
  return <q class="explanation-text">{explanation.text}</q>;
}

/** Where it comes from. */
export function ExplanationSource({ explanation }: { readonly explanation: Explanation }): VNode {
  const { textSet, sequences, createdAt, ms, spent, version } = explanation.provenance;
  const parts = [
    explainerName(explanation),
    textSet === null ? null : `over “${textSet}”${sequences === null ? "" : ` (${formatCount(sequences)} sequences)`}`,
    createdAt.slice(0, 10),
    ms === null ? null : `in ${formatDuration(ms)}`,
    spent === null ? null : spentWords(spent),
    version,
  ];
  return <p class="fine-print">{parts.filter((part) => part !== null).join(" · ")}</p>;
}

/** What an assistant was asked for it, word for word; nothing where none was. */
export function AskedPrompt({ explanation: { provenance } }: { readonly explanation: Explanation }): VNode | null {
  if (provenance.prompt === null) return null;
  return (
    <details class="explanation-measures">
      <summary>What {provenance.assistant ?? "the assistant"} was asked</summary>
      <pre class="plan-text" tabIndex={0}>{provenance.prompt}</pre>
    </details>
  );
}

/** What was sent for it, in words. */
export function spentWords({ calls, promptTokens, completionTokens, cost }: NonNullable<StoredScore["spent"]>): string {
  const tokens = `${formatCount(calls)} calls, ${formatCount(promptTokens + completionTokens)} tokens`;
  return cost === null ? `${tokens}, cost unknown` : `${tokens}, cost ${cost.toFixed(4)}`;
}

/** One scorer's numbers; a failure in their place. */
export function ScoreRow({ score, isHead }: { readonly score: StoredScore; readonly isHead: boolean }): VNode {
  const { state, problem, headline, control, score: measured } = score;
  if (state === "failed") {
    return <p class="error-note" role="alert">Not scored by {scorerWords(score)}: {problem} It can be tried again.</p>;
  }
  const measure = isHead ? "area under the ROC curve" : "correlation";
  return (
    <div class="explanation-score">
      <p>
        {headline === null ? `No score by ${scorerWords(score)}: the held-out texts have nothing to tell apart.` : (
          <>
            <strong class="number" title={String(headline.value)}>{formatScore(headline.value)}</strong>{" "}
            {intervalWords(headline)} {measure}, by {scorerWords(score)}
          </>
        )}
        {control === null ? null : (
          <>
            {" · "}
            <span title={control.text}>random control ({control.component})</span>{" "}
            <span class="number" title={String(control.headline?.value ?? "no score")}>
              {control.headline === null ? "—" : formatScore(control.headline.value)}
            </span>
          </>
        )}
      </p>
      {measured === null ? null : <Measures measured={measured} />}
    </div>
  );
}

function intervalWords({ interval }: NonNullable<StoredScore["headline"]>): string {
  return interval === null ? "" : `(95 %: ${formatScore(interval.low)} to ${formatScore(interval.high)})`;
}

const CALIBRATIONS = [["none", "as predicted"], ["linear", "along a line"], ["percentile", "by percentiles"]] as const;

function Measures(
  { measured: { simulation, judgements } }: { readonly measured: NonNullable<StoredScore["score"]> },
): VNode {
  return (
    <details class="explanation-measures">
      <summary>
        Measures{simulation === null ? "" : `, over ${formatCount(simulation.sequences)} held-out texts`}
      </summary>
      {simulation === null ? null : (
        <table>
          <caption>Predicted and real values at {formatCount(simulation.places)} places</caption>
          <thead>
            <tr>
              <th scope="col">scaled</th>
              <th scope="col" class="number">correlation</th>
              <th scope="col" class="number">R²</th>
              <th scope="col" class="number">absolute deviation</th>
            </tr>
          </thead>
          <tbody>
            {CALIBRATIONS.map(([name, title]) => {
              const { correlation, rSquared, absoluteDeviation } = simulation.byCalibration[name];
              return (
                <tr>
                  <th scope="row">{title}</th>
                  {[correlation, rSquared, absoluteDeviation].map((estimate) => (
                    <td class="number" title={`${estimate.value} ${intervalWords(estimate)}`}>
                      {formatNumber(estimate.value)}
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
      {judgements.map(({ kind, area, active, others }) => (
        <p class="fine-print">
          {kind}: area under the ROC curve {formatScore(area.value)} {intervalWords(area)}, {active} active and {others}
          {" "}
          quiet; 0.5 is chance
        </p>
      ))}
    </details>
  );
}
