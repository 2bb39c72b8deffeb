/** One latent: which dictionary it is of, where a run has it, what it promotes there and what drives it. */
import type { VNode } from "preact";
import type { ModelSummary, RunResult, ScoredTokens } from "../../engine/mod.ts";
import { dictionaryInWords } from "../dictionary_words.ts";
import { formatCount } from "../format.ts";
import { LoadedContent } from "../parts/card.tsx";
import { ComponentInRun } from "../parts/component_in_run.tsx";
import { Steps } from "../parts/pager.tsx";
import { SourceList } from "../parts/source_tokens.tsx";
import { Vocabulary } from "../parts/vocabulary.tsx";
import { DEFAULT_COMPONENT_VIEW } from "../component_view.ts";
import type { Loaded, ModelDictionary, NodeSources } from "../props.ts";
import { debuggerUrl, dictionariesUrl, latentUrl } from "../urls.ts";
import { NODE_KIND_NAMES } from "../view_state.ts";

export const LATENT_ID = "latent";

export interface LatentPageProps {
  readonly model: ModelSummary;
  /** As in `mlp-latent/1/44`. */
  readonly name: string;
  readonly dictionary: ModelDictionary;
  /** All dictionaries with latents of this kind and layer. */
  readonly others: readonly ModelDictionary[];
  /** The run that it is shown in; null where the model could not be asked the default question. */
  readonly run: RunResult | null;
  readonly isDefaultRun: boolean;
  /** Its node there that is largest; null where the run lists none. */
  readonly strongest: string | null;
  /** What that node promotes and what drives it. */
  readonly tokens: Loaded<ScoredTokens> | null;
  /** Where it comes from, of the attention. */
  readonly sources: Loaded<NodeSources> | null;
}

export function LatentPage(props: LatentPageProps): VNode {
  const { model, dictionary, others, run, isDefaultRun, name } = props;
  const { kind, layer, id, latentCount } = dictionary;
  const index = Number(name.split("/")[2]);
  const kept = { run: isDefaultRun ? null : run?.id ?? null, dictionary: others.length > 1 ? id : null };
  const href = (other: number) =>
    other < 0 || other >= latentCount ? null : latentUrl(model.id, `${kind}/${layer}/${other}`, kept);
  const title = NODE_KIND_NAMES[kind];
  return (
    <div class="page component-page latent-page">
      <div class="card-head">
        <h1>
          {title.charAt(0).toUpperCase() + title.slice(1)} {index} of layer {layer} <code>{name}</code>
        </h1>
        <Steps
          label="Neighbouring latents"
          steps={[
            { name: "previous latent", mark: "←", rel: "prev", href: href(index - 1) },
            { name: "next latent", mark: "→", rel: "next", href: href(index + 1) },
          ]}
        />
      </div>
      <p class="fine-print">
        One of {formatCount(latentCount)} of the dictionary <code>{id}</code> of{" "}
        <a href={debuggerUrl(model.id)}>{model.id}</a>: {dictionaryInWords(dictionary)}.{" "}
        <a href={dictionariesUrl(model.id)}>All dictionaries</a>
      </p>
      {others.length < 2 ? null : (
        <nav class="pair-picker" aria-label="Dictionary">
          {others.map((other) => (
            <a
              aria-current={other.id === id ? "true" : undefined}
              href={latentUrl(model.id, `${kind}/${layer}/${Math.min(index, other.latentCount - 1)}`, {
                ...kept,
                dictionary: other.id,
              })}
            >
              {other.id}
            </a>
          ))}
        </nav>
      )}
      <div id={LATENT_ID} class="component">
        {run === null
          ? (
            <p class="card empty-state">
              The default question cannot be asked of this model: open a latent from an answer.
            </p>
          )
          : <InRun {...props} run={run} />}
      </div>
    </div>
  );
}

function InRun({ run, model, dictionary, name, isDefaultRun, strongest, tokens, sources }: LatentPageProps & {
  readonly run: RunResult;
}): VNode {
  const component = { kind: dictionary.kind, layer: dictionary.layer, index: Number(name.split("/")[2]) };
  const href = latentUrl(model.id, name, { run: run.id, dictionary: dictionary.id });
  return (
    <>
      <ComponentInRun
        run={run}
        component={component}
        view={{ ...DEFAULT_COMPONENT_VIEW, run: isDefaultRun ? null : run.id }}
        inRun={null}
        largest={0}
        urlOf={() => href}
      />
      {strongest === null
        ? (
          <p class="card empty-state">
            What it promotes is told where it is active: open it from an answer that lists it.
          </p>
        )
        : null}
      {sources === null ? null : (
        <section class="card" aria-labelledby="sources-title">
          <h2 id="sources-title">
            Where <code>{strongest}</code> comes from
          </h2>
          <LoadedContent loaded={sources} href={href} targetId={LATENT_ID} what="Its sources">
            {(found) => {
              const latent = found.latents.get(strongest ?? "");
              return latent === undefined ? null : <SourceList latent={latent} tokens={found.tokens} />;
            }}
          </LoadedContent>
        </section>
      )}
      {tokens === null ? null : (
        <LoadedContent loaded={tokens} href={href} targetId={LATENT_ID} what="Its tokens">
          {(found) => <Vocabulary tokens={found} />}
        </LoadedContent>
      )}
    </>
  );
}
