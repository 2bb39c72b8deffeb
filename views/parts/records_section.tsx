/** What a component does over a text set: statistics, histogram, and its examples by kind. */
import type { VNode } from "preact";
import type { ComponentKind, ComponentRecords, SweepSummary, ValueStatistics } from "../../engine/mod.ts";
import { ExampleLegend } from "../charts/example_heat.tsx";
import { HistogramChart } from "../charts/histogram_chart.tsx";
import { ScoreBars } from "../charts/score_bars.tsx";
import { isLatentKind } from "../component_kinds.ts";
import { type ComponentView, type ExampleList as ListName } from "../component_view.ts";
import { formatCount, formatNumber } from "../format.ts";
import { toggledList } from "../view_state.ts";
import { swapLink } from "./card.tsx";
import { COMPONENT_ID, ExampleList } from "./example_list.tsx";

/** Examples shown before the rest is asked for. */
export const FIRST_EXAMPLES: Readonly<Record<ListName, number>> = { top: 6, random: 3, quantiles: 1 };

export interface RecordsSectionProps {
  readonly records: ComponentRecords;
  readonly kind: ComponentKind;
  readonly view: ComponentView;
  readonly urlOf: (view: ComponentView) => string;
  /** The sweep that the records are from; null for records from elsewhere. */
  readonly sweep: SweepSummary | null;
}

/** The largest value that the pictures are coloured by: negative values have no strength of their own here. */
export function largestOf({ statistics, top }: ComponentRecords): number {
  return Math.max(0, statistics?.max ?? 0, ...top.map(({ max }) => max));
}

export function RecordsSection(props: RecordsSectionProps): VNode {
  const { records, kind, view, urlOf, sweep } = props;
  const { statistics, scores, sequenceCount, tokenCount, source } = records;
  const isPartial = sweep !== null && sweep.state === "partial";
  return (
    <>
      {scores === null ? null : (
        <section class="card" aria-labelledby="scores-title">
          <h2 id="scores-title">What it is known for</h2>
          <ScoreBars scores={scores} />
        </section>
      )}
      <section class="card" aria-labelledby="examples-title">
        <div class="card-head">
          <h2 id="examples-title">Where it is strongest</h2>
          <p class="fine-print">
            Over {formatCount(sequenceCount)} texts of “{source}”, {formatCount(tokenCount)} tokens. {kind === "head"
              ? "Values are the size of what a pair of tokens writes."
              : "Values are activations after the nonlinearity."}
            {isPartial
              ? ` The sweep is not complete: ${formatCount(sweep.sequencesDone)} of ${
                formatCount(sweep.sequenceCount)
              } texts so far.`
              : ""}
          </p>
        </div>
        <ExampleLegend kind={kind === "head" ? "head" : "neuron"} mode={view.mode} />
        {kind === "head" ? <ModeSwitch view={view} urlOf={urlOf} /> : null}
        <Examples {...props} list="top" title="Top examples" examples={records.top} />
        <Examples {...props} list="random" title="Random examples" examples={records.random} />
        {records.byQuantile.length === 0 ? null : <Quantiles {...props} />}
      </section>
      {statistics === null
        ? <p class="card empty-state">These records tell no statistics.</p>
        : <Statistics statistics={statistics} kind={kind} />}
    </>
  );
}

function ModeSwitch({ view, urlOf }: Pick<RecordsSectionProps, "view" | "urlOf">): VNode {
  const modes = [
    ["outgoing", "who reads a token"],
    ["incoming", "what a token reads"],
  ] as const;
  return (
    <nav class="pair-picker" aria-label="What pointing at a token shows">
      {modes.map(([mode, title]) => (
        <a
          id={`mode-${mode}`}
          aria-current={view.mode === mode ? "true" : undefined}
          {...swapLink(urlOf({ ...view, mode }), `#${COMPONENT_ID}`)}
        >
          {title}
        </a>
      ))}
    </nav>
  );
}

interface ExamplesProps extends RecordsSectionProps {
  readonly list: "top" | "random";
  readonly title: string;
  readonly examples: ComponentRecords["top"];
}

function Examples({ list, title, examples, records, kind, view, urlOf }: ExamplesProps): VNode {
  const first = FIRST_EXAMPLES[list];
  const isWhole = view.whole.includes(list);
  const shown = isWhole ? examples : examples.slice(0, first);
  return (
    <section aria-labelledby={`${list}-title`} class="example-section">
      <h3 id={`${list}-title`}>{title}</h3>
      {examples.length === 0
        ? <p class="empty-state">{list === "top" && isLatentKind(kind) ? "It was never active." : "None were kept."}</p>
        : <ExampleList name={list} examples={shown} largest={largestOf(records)} view={view} />}
      {examples.length > first
        ? <ShowAll list={list} count={examples.length} first={first} view={view} urlOf={urlOf} />
        : null}
    </section>
  );
}

function Quantiles({ records, view, urlOf }: RecordsSectionProps): VNode {
  const isWhole = view.whole.includes("quantiles");
  const percent = (share: number) => `${formatNumber(share * 100).replace(/\.?0+$/, "")}%`;
  return (
    <section aria-labelledby="quantiles-title" class="example-section">
      <h3 id="quantiles-title">Random examples by how strong they are</h3>
      {records.byQuantile.map(({ from, to, examples }, index) => (
        <>
          <h4 class="fine-print">{percent(from)} to {percent(to)} of all texts</h4>
          <ExampleList
            name={`quantiles.${index}`}
            examples={isWhole ? examples : examples.slice(0, FIRST_EXAMPLES.quantiles)}
            largest={largestOf(records)}
            view={view}
          />
        </>
      ))}
      {records.byQuantile.some(({ examples }) => examples.length > FIRST_EXAMPLES.quantiles)
        ? <ShowAll list="quantiles" count={null} first={FIRST_EXAMPLES.quantiles} view={view} urlOf={urlOf} />
        : null}
    </section>
  );
}

interface ShowAllProps extends Pick<RecordsSectionProps, "view" | "urlOf"> {
  readonly list: ListName;
  readonly count: number | null;
  readonly first: number;
}

function ShowAll({ list, count, first, view, urlOf }: ShowAllProps): VNode {
  const isWhole = view.whole.includes(list);
  return (
    <a id={`all-${list}`} {...swapLink(urlOf({ ...view, whole: toggledList(view.whole, list) }), `#${COMPONENT_ID}`)}>
      {isWhole ? `Show ${first}${count === null ? " of each" : ""}` : `Show all${count === null ? "" : ` ${count}`}`}
    </a>
  );
}

function Statistics(
  { statistics, kind }: { readonly statistics: ValueStatistics; readonly kind: ComponentKind },
): VNode {
  const { count, mean, variance, skewness, kurtosis, fractionActive, min, max } = statistics;
  const facts: readonly (readonly [string, number])[] = [
    ["Mean", mean],
    ["Standard deviation", Math.sqrt(variance)],
    ["Skewness", skewness],
    ["Kurtosis", kurtosis],
    ["Smallest", min],
    ["Largest", max],
  ];
  return (
    <section class="card" aria-labelledby="statistics-title">
      <div class="card-head">
        <h2 id="statistics-title">How its values are spread</h2>
        <p class="fine-print">
          {formatCount(count)} {kind === "head" ? "pairs of tokens" : "tokens"}; {formatNumber(fractionActive * 100)}%
          {" "}
          {kind === "head" ? "write more than a hundredth of the largest." : "are above 0."}
        </p>
      </div>
      <HistogramChart statistics={statistics} />
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Statistics">
        <table class="statistics-table">
          <caption class="visually-hidden">Moments of its values</caption>
          <thead>
            <tr>
              {facts.map(([name]) => <th scope="col" class="number">{name}</th>)}
            </tr>
          </thead>
          <tbody>
            <tr>
              {facts.map(([, value]) => (
                <td class="number" title={String(value)}>{Number.isFinite(value) ? formatNumber(value) : "—"}</td>
              ))}
            </tr>
          </tbody>
        </table>
      </div>
    </section>
  );
}
