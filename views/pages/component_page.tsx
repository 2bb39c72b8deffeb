/** One head, neuron or latent: where it is strongest, what it is known for, and what it does on a run's prompts and one's own. */
import type { VNode } from "preact";
import type {
  AssistantSummary,
  ComponentExplanations,
  ComponentKind,
  ComponentRecords,
  DictionaryDetail,
  Example,
  ExplainPlan,
  Job,
  ModelSummary,
  RelatedComponents,
  RunResult,
  ScoredTokens,
  SweepSummary,
} from "../../engine/mod.ts";
import { defaultCatalogue } from "../catalogue_view.ts";
import { capitalized, isLatentKind, KIND_NAMES } from "../component_kinds.ts";
import type { ComponentView } from "../component_view.ts";
import { dictionaryInWords } from "../dictionary_words.ts";
import { formatCount } from "../format.ts";
import { ComponentInRun } from "../parts/component_in_run.tsx";
import { LoadedContent, swapLink } from "../parts/card.tsx";
import { ExplanationsCard } from "../parts/explanations_card.tsx";
import { NoticePlace } from "../parts/error_note.tsx";
import { COMPONENT_ID } from "../parts/example_list.tsx";
import { JobProgress } from "../parts/job_progress.tsx";
import { OwnText } from "../parts/own_text.tsx";
import { Steps } from "../parts/pager.tsx";
import { largestOf, RecordsSection } from "../parts/records_section.tsx";
import { RelatedCard } from "../parts/related_card.tsx";
import { SourceList } from "../parts/source_tokens.tsx";
import { SweepOffer } from "../parts/sweep_offer.tsx";
import { FIRST_TOKENS, Vocabulary } from "../parts/vocabulary.tsx";
import type { Loaded, NodeSources, TextSources } from "../props.ts";
import { catalogueUrl, componentUrl, debuggerUrl } from "../urls.ts";
import { toggledList } from "../view_state.ts";

/** A component as its address names it. */
export interface Component {
  readonly kind: ComponentKind;
  readonly layer: number;
  readonly index: number;
}

export function componentRef({ kind, layer, index }: Component): string {
  return `${kind}/${layer}/${index}`;
}

export interface ComponentPageProps {
  readonly model: ModelSummary;
  readonly component: Component;
  /** Of a latent: the dictionary that it is of; else null. */
  readonly dictionary: DictionaryDetail | null;
  /** All loaded dictionaries with latents of its kind and layer. */
  readonly others: readonly DictionaryDetail[];
  readonly view: ComponentView;
  /** The run whose prompts it is shown on; null where the model could not be asked the default question. */
  readonly run: RunResult | null;
  /** Its values on the run's prompts; null where it has none that are text. */
  readonly inRun: Loaded<readonly Example[]> | null;
  /** Null where no sweep has been made. */
  readonly records: Loaded<ComponentRecords> | null;
  readonly sweeps: readonly SweepSummary[];
  /** Text sets that have records, published ones included. */
  readonly sources: readonly string[];
  /** Job that sweeps this model now; null if none does. */
  readonly job: Job | null;
  /** By text of one's own. */
  readonly own: Loaded<readonly Example[]> | null;
  /** What it promotes and what drives it, on its strongest example. */
  readonly tokens: Loaded<ScoredTokens> | null;
  /** How many tokens its lists can have at either end. */
  readonly mostTokens: number;
  readonly related: Loaded<RelatedComponents>;
  /** Of an attention latent: which tokens its strongest node of the run comes from. */
  readonly from: { readonly name: string; readonly sources: Loaded<NodeSources> } | null;
  /** The same on its strongest texts; null for what is no attention latent, or has no records. */
  readonly onTop: Loaded<readonly TextSources[]> | null;
  readonly explanations: Loaded<ComponentExplanations>;
  /** Who would explain it beside our own rules; null for nobody. */
  readonly assistant: AssistantSummary | null;
  /** What it would be sent; null where nobody asked. */
  readonly plan: Loaded<ExplainPlan> | null;
}

export function ComponentPage(props: ComponentPageProps): VNode {
  const { model, component, dictionary } = props;
  const ref = componentRef(component);
  const { kind, layer, index } = component;
  const { one, many } = KIND_NAMES[kind];
  return (
    <div class="page component-page">
      <div class="card-head">
        <h1>
          {capitalized(one)} {index} of layer {layer} of {model.id} <code>{ref}</code>
        </h1>
        <ComponentSteps {...props} />
      </div>
      <p class="fine-print">
        <a href={debuggerUrl(model.id)}>{model.id}</a>: {model.layerCount} layers, {model.headCount} heads and{" "}
        {formatCount(model.mlpWidth)} neurons in each.{" "}
        <a href={catalogueUrl(model.id, { ...defaultCatalogue(kind), dictionary: dictionary?.id ?? null })}>
          All {many}
        </a>
      </p>
      {dictionary === null ? null : <DictionaryFacts {...props} dictionary={dictionary} />}
      <NoticePlace />
      <ComponentContent {...props} />
    </div>
  );
}

/** Which dictionary the latent is of, and the others that it might be of. */
function DictionaryFacts(
  { model, component, dictionary, others, view }: ComponentPageProps & { readonly dictionary: DictionaryDetail },
): VNode {
  const { kind, layer, index } = component;
  return (
    <>
      <p class="fine-print">
        Of the dictionary <code>{dictionary.id}</code>: {dictionaryInWords(dictionary)}.
        {dictionary.trainedWithBos === false
          ? " It was trained on texts without a BOS: its values at that token, which are among those below, say little."
          : ""}
      </p>
      {others.length < 2 ? null : (
        <nav class="pair-picker" aria-label="Dictionary">
          {others.map(({ id, latentCount }) => {
            const ref = componentRef({ kind, layer, index: Math.min(index, latentCount - 1) });
            const other: ComponentView = { ...view, dictionary: id, pin: null };
            return (
              <a aria-current={id === dictionary.id ? "true" : undefined} href={componentUrl(model.id, ref, other)}>
                {id}
              </a>
            );
          })}
        </nav>
      )}
    </>
  );
}

/** The part that a change of view replaces. */
export function ComponentContent(props: ComponentPageProps): VNode {
  const { model, component, view, run, inRun, records, sweeps, sources, job, own, tokens, related, from } = props;
  const { kind } = component;
  const urlOf = (other: ComponentView) => componentUrl(model.id, componentRef(component), other);
  const href = urlOf(view);
  const largest = records?.state === "ready" ? largestOf(records.value) : 0;
  const sweep = sweeps.find(({ textSet }) => records?.state === "ready" && records.value.source === textSet) ?? null;
  return (
    <div id={COMPONENT_ID} class="component">
      {run === null
        ? (
          <p class="card empty-state">
            The default question cannot be asked of this model: open a component from an answer.
          </p>
        )
        : <ComponentInRun {...props} run={run} inRun={inRun} largest={largest} urlOf={urlOf} />}
      <ExplanationsCard
        model={model}
        name={componentRef(component)}
        dictionary={props.dictionary?.id ?? null}
        textSet={view.textSet ?? sources[0] ?? null}
        view={view}
        found={props.explanations}
        assistant={props.assistant}
        plan={props.plan}
        hasRecords={records !== null}
        urlOf={urlOf}
      />
      {from === null ? null : (
        <section class="card" aria-labelledby="sources-title">
          <h2 id="sources-title">
            Where <code>{from.name}</code> comes from
          </h2>
          <LoadedContent loaded={from.sources} href={href} targetId={COMPONENT_ID} what="Its sources">
            {(found) => {
              const latent = found.latents.get(from.name);
              return latent === undefined ? null : <SourceList latent={latent} tokens={found.tokens} />;
            }}
          </LoadedContent>
        </section>
      )}
      {sources.length < 2 ? null : (
        <nav class="pair-picker" aria-label="Records over">
          {sources.map((textSet) => (
            <a
              id={`set-${textSet}`}
              aria-current={records?.state === "ready" && records.value.source === textSet ? "true" : undefined}
              {...swapLink(urlOf({ ...view, textSet, pin: null }), `#${COMPONENT_ID}`)}
            >
              {textSet}
            </a>
          ))}
        </nav>
      )}
      {job === null ? null : <JobProgress job={job} href={href} targetId={COMPONENT_ID} />}
      {records === null
        ? (job === null
          ? <SweepOffer model={model} textSet={view.textSet} dictionary={props.dictionary?.id ?? null} />
          : null)
        : (
          <LoadedContent loaded={records} href={href} targetId={COMPONENT_ID} what="Its records">
            {(found) => <RecordsSection records={found} kind={kind} view={view} urlOf={urlOf} sweep={sweep} />}
          </LoadedContent>
        )}
      {props.onTop === null ? null : (
        <section class="card" aria-labelledby="top-sources-title">
          <h2 id="top-sources-title">Where it comes from on its strongest texts</h2>
          <p class="fine-print">
            What all heads bring from each token to the latent’s strongest token, along its encoder.
          </p>
          <LoadedContent loaded={props.onTop} href={href} targetId={COMPONENT_ID} what="Its sources">
            {(found) => (
              <>
                {found.map(({ sequence, tokens: own, latent }) => (
                  <section>
                    <h3>
                      {sequence === null ? "a text" : `text ${sequence}`} <code>{latent.node}</code>
                    </h3>
                    <SourceList latent={latent} tokens={own} />
                  </section>
                ))}
              </>
            )}
          </LoadedContent>
        </section>
      )}
      <OwnText
        action={componentUrl(model.id, componentRef(component), { dictionary: view.dictionary })}
        view={view}
        own={own}
        largest={largest}
        urlOf={urlOf}
        model={model}
      />
      {tokens === null ? null : (
        <LoadedContent loaded={tokens} href={href} targetId={COMPONENT_ID} what="Its tokens">
          {(found) => (
            <Vocabulary tokens={found}>
              <TokenCount {...props} shown={found.write.top.length} urlOf={urlOf} />
            </Vocabulary>
          )}
        </LoadedContent>
      )}
      <RelatedCard related={related} kind={kind} name={componentRef(component)} model={model} view={view} />
    </div>
  );
}

interface TokenCountProps extends Pick<ComponentPageProps, "model" | "mostTokens" | "view"> {
  readonly shown: number;
  readonly urlOf: (view: ComponentView) => string;
}

/** How many tokens of the vocabulary are listed, and the way to more of them. */
function TokenCount({ model, mostTokens, view, shown, urlOf }: TokenCountProps): VNode {
  const isWhole = view.whole.includes("tokens");
  return (
    <p id="token-count" class="links">
      <span>
        {shown} of {formatCount(model.vocabularySize)} tokens at either end of each list.
      </span>
      {mostTokens > FIRST_TOKENS
        ? (
          <a
            id="all-tokens"
            {...swapLink(urlOf({ ...view, whole: toggledList(view.whole, "tokens") }), `#${COMPONENT_ID}`)}
          >
            Show {isWhole ? FIRST_TOKENS : mostTokens}
          </a>
        )
        : null}
    </p>
  );
}

/** To the neighbours, with the same prompts and texts; the ends say that they are. */
function ComponentSteps({ model, component, dictionary, view }: ComponentPageProps): VNode {
  const { kind, layer, index } = component;
  const kept = { ...view, pin: null };
  const count = dictionary?.latentCount ?? (kind === "head" ? model.headCount : model.mlpWidth);
  const hrefOf = (l: number, i: number) =>
    l < 0 || i < 0 || l >= model.layerCount || i >= count
      ? null
      : componentUrl(model.id, componentRef({ kind, layer: l, index: i }), kept);
  const name = isLatentKind(kind) ? "latent" : KIND_NAMES[kind].one;
  // A dictionary is of one layer.
  const layers = dictionary !== null ? [] : [
    { name: "layer below", mark: "↓", href: hrefOf(layer - 1, index) },
    { name: "layer above", mark: "↑", href: hrefOf(layer + 1, index) },
  ];
  return (
    <Steps
      label="Neighbouring components"
      steps={[
        { name: `previous ${name}`, mark: "←", rel: "prev", href: hrefOf(layer, index - 1) },
        { name: `next ${name}`, mark: "→", rel: "next", href: hrefOf(layer, index + 1) },
        ...layers,
      ]}
    />
  );
}
