/** Who explains how well: each explainer by each scorer, kind by kind, and pairs on the components that both explain. */
import type { VNode } from "preact";
import type {
  ExplainerComparison,
  ExplainerPair,
  ExplainerRow,
  KindComparison,
  ModelSummary,
  ScorerName,
} from "../../engine/mod.ts";
import { defaultCatalogue } from "../catalogue_view.ts";
import { formatCount, formatShare } from "../format.ts";
import { catalogueUrl, dictionariesUrl, explanationsUrl } from "../urls.ts";
import { explainerWords, formatScore, scorerWords } from "./explanation_item.tsx";

/** Id of the card: pages of components lead to it. */
export const EXPLAINERS_ID = "explainers";

const TITLES: Readonly<Record<KindComparison["kind"], string>> = {
  neuron: "Neurons",
  head: "Heads",
  latent: "Latents",
};

const MEASURES: Readonly<Record<KindComparison["measure"], string>> = {
  correlation: "Numbers are correlations of predicted and real values; a constant prediction has 0.",
  area: "Numbers are areas under the ROC curve of judged pairs; chance has 0.5.",
};

export interface ExplainersCardProps {
  readonly models: readonly ModelSummary[];
  readonly model: ModelSummary;
  readonly comparison: ExplainerComparison;
}

export function ExplainersCard({ models, model, comparison: { kinds } }: ExplainersCardProps): VNode {
  const others = models.filter(({ id }) => id !== model.id);
  return (
    <section id={EXPLAINERS_ID} class="card explainers" aria-labelledby="explainers-title">
      <h2 id="explainers-title" tabIndex={-1}>Compare explainers of {model.id}</h2>
      {kinds.length === 0
        ? (
          <p class="empty-state">
            Nothing is said of {model.id} yet. Explain some of{" "}
            <a href={catalogueUrl(model.id, defaultCatalogue("head"))}>its heads</a> or{" "}
            <a href={catalogueUrl(model.id, defaultCatalogue("mlp"))}>its neurons</a>.
          </p>
        )
        : (
          <p class="fine-print">
            By held-out texts. Where an explainer has several sentences about a component, the newest that has a number
            counts. A control is what the same explainer says of a random other component.
          </p>
        )}
      {kinds.map((kind) => <Kind model={model} {...kind} />)}
      {others.length === 0 ? null : (
        <p class="links">
          {others.map(({ id }) => <a href={`${explanationsUrl({ model: id })}#${EXPLAINERS_ID}`}>Explainers of {id}
          </a>)}
        </p>
      )}
    </section>
  );
}

function Kind({ model, kind, measure, rows, pairs }: KindComparison & Pick<ExplainersCardProps, "model">): VNode {
  const title = TITLES[kind];
  const all = kind === "latent"
    ? dictionariesUrl(model.id)
    : catalogueUrl(model.id, defaultCatalogue(kind === "head" ? "head" : "mlp"));
  return (
    <div data-kind={kind}>
      <h3>{title}</h3>
      <p class="fine-print">
        {MEASURES[measure]} <a href={all}>All {kind === "latent" ? "dictionaries" : title.toLowerCase()}</a>
      </p>
      <div class="table-scroll" tabIndex={0} role="region" aria-label={`Table of explainers: ${title}`}>
        <table>
          <caption class="visually-hidden">{title} by explainer and scorer</caption>
          <thead>
            <tr>
              <th scope="col">Explained</th>
              <th scope="col">Scored by</th>
              <th scope="col" class="number">Mean</th>
              <th scope="col" class="number">Median</th>
              <th scope="col" class="number">Beats its control</th>
              <th scope="col" class="number">Components</th>
              <th scope="col" class="number">With a number</th>
              <th scope="col" class="number">Failed</th>
              <th scope="col" class="number">Nothing to tell apart</th>
            </tr>
          </thead>
          <tbody>{rows.map((row) => <Row {...row} />)}</tbody>
        </table>
      </div>
      {pairs.length === 0
        ? <p class="fine-print">No two explainers have a number for the same component by the same scorer yet.</p>
        : <Pairs title={title} pairs={pairs} />}
    </div>
  );
}

function Row(
  { explainer, assistant, scoredBy, components, scored, failed, undecided, mean, median, beatsControl }: ExplainerRow,
): VNode {
  return (
    <tr>
      <th scope="row">{explainerWords({ explainer, assistant })}</th>
      <td>{scoredBy === null ? "not scored" : <Scorer {...scoredBy} />}</td>
      {[mean, median].map((value) => (
        <td class="number" title={String(value ?? "no number")}>{value === null ? "—" : formatScore(value)}</td>
      ))}
      <td class="number">
        {beatsControl.of === 0
          ? "—"
          : `${formatShare(beatsControl.count / beatsControl.of)} (${formatCount(beatsControl.count)} of ${
            formatCount(beatsControl.of)
          })`}
      </td>
      {[components, scored, failed, undecided].map((count) => <td class="number">{formatCount(count)}</td>)}
    </tr>
  );
}

function Scorer(scorer: ScorerName): VNode {
  const { textSet, version } = scorer;
  return (
    <span title={version ?? ""}>
      {scorerWords(scorer)}
      {textSet === null ? "" : `, over “${textSet}”`}
    </span>
  );
}

function Pairs({ title, pairs }: { readonly title: string; readonly pairs: readonly ExplainerPair[] }): VNode {
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label={`Table of pairs of explainers: ${title}`}>
      <table>
        <caption>On the same components, how often each is better</caption>
        <thead>
          <tr>
            <th scope="col">One</th>
            <th scope="col" class="number">Better</th>
            <th scope="col">Other</th>
            <th scope="col" class="number">Better</th>
            <th scope="col" class="number">Alike</th>
            <th scope="col" class="number">Components</th>
            <th scope="col" class="number">Mean difference</th>
            <th scope="col">Scored by</th>
          </tr>
        </thead>
        <tbody>
          {pairs.map(({ first, second, scoredBy, shared, firstBetter, secondBetter, alike, meanDifference }) => (
            <tr>
              <th scope="row">{explainerWords(first)}</th>
              <td class="number">{formatCount(firstBetter)}</td>
              <td>{explainerWords(second)}</td>
              {[secondBetter, alike, shared].map((count) => <td class="number">{formatCount(count)}</td>)}
              <td class="number" title={String(meanDifference)}>{formatScore(meanDifference)}</td>
              <td>
                <Scorer {...scoredBy} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
