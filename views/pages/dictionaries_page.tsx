/** The dictionaries of a model, with everything that their files say. */
import type { VNode } from "preact";
import type { DictionaryDetail, DictionaryReport, ModelSummary } from "../../engine/mod.ts";
import { activationInWords, siteOf } from "../dictionary_words.ts";
import { formatBytes, formatCount } from "../format.ts";
import { LoadedContent } from "../parts/card.tsx";
import { MetricsInWords } from "../parts/metrics_in_words.tsx";
import { KindBadge } from "../parts/node_cells.tsx";
import type { Loaded, ModelDictionary } from "../props.ts";
import { askInLatentsUrl, componentUrl, debuggerUrl, dictionariesUrl, helpUrl } from "../urls.ts";

export interface DictionariesPageProps {
  readonly model: ModelSummary;
  readonly dictionaries: readonly ModelDictionary[];
  /** The dictionary that is to be measured, and what it was found to be; null if none. */
  readonly measured: { readonly dictionary: string; readonly report: Loaded<DictionaryReport> } | null;
}

/** Id of what was measured. */
const MEASURED_ID = "measured";

export function DictionariesPage({ model, dictionaries, measured }: DictionariesPageProps): VNode {
  return (
    <div class="page dictionaries-page">
      <h1>Dictionaries of {model.id}</h1>
      <p class="lead">
        A dictionary (a sparse autoencoder or a transcoder) writes an activation as a few latents and what they leave
        out. A question can be asked in latents: they are nodes, as heads and neurons are.{" "}
        <a href={`${helpUrl()}#glossary`}>Glossary</a>
      </p>
      {measured === null ? null : <Measured model={model} {...measured} />}
      {dictionaries.length === 0 ? <Empty model={model} /> : <Table model={model} dictionaries={dictionaries} />}
    </div>
  );
}

function Empty({ model: { id } }: Pick<DictionariesPageProps, "model">): VNode {
  return (
    <section class="card empty-state" aria-labelledby="add-title">
      <h2 id="add-title">There are none yet</h2>
      <ul>
        <li>
          Start with{" "}
          <code>--dictionaries DIR</code>: the folder is searched at any depth for the formats of SAELens, OpenAI, Gemma
          Scope and dictionary_learning.
        </li>
        <li>
          Or put them into the folder <code>dictionaries</code> beside the weights of{" "}
          <code>{id}</code>: these are of this model alone.
        </li>
        <li>
          SAELens and dictionary_learning train them; a dictionary is loaded where its hook points and sizes fit the
          model. What cannot be read exactly is refused at the start, in one line of the log with the reason.
        </li>
      </ul>
      <p>
        <a href={debuggerUrl(id)}>Ask in heads and neurons meanwhile</a>
      </p>
    </section>
  );
}

function Measured({ model, dictionary, report }: NonNullable<DictionariesPageProps["measured"]> & {
  readonly model: ModelSummary;
}): VNode {
  return (
    <section class="card" id={MEASURED_ID} aria-labelledby="measured-title">
      <h2 id="measured-title">
        What <code>{dictionary}</code> was measured to be
      </h2>
      <LoadedContent
        loaded={report}
        href={dictionariesUrl(model.id, dictionary)}
        targetId={MEASURED_ID}
        what="Its figures"
      >
        {({ metrics, textSet }) => (
          <>
            <p>
              On {formatCount(metrics.tokens)} tokens of “{textSet}”: <MetricsInWords metrics={metrics} />.
            </p>
            <p class="fine-print">
              Of the tenth of the text that trainings here leave out; a BOS is not counted. Explained variance is{" "}
              1 − Σ‖y − x̂‖² / Σ‖y − mean(y)‖². Recovered is (zero − dictionary) / (zero − as it is): the activation is
              replaced by 0 and by what the latents make of it. Dead latents were active on none of these tokens.
            </p>
          </>
        )}
      </LoadedContent>
    </section>
  );
}

function Table({ model, dictionaries }: Omit<DictionariesPageProps, "measured">): VNode {
  return (
    <section class="card" aria-labelledby="dictionaries-title">
      <h2 id="dictionaries-title">
        {dictionaries.length === 1 ? "One dictionary" : `${dictionaries.length} dictionaries`}, as their files describe
        them
      </h2>
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Table of dictionaries">
        <table class="dictionary-table">
          <caption class="visually-hidden">Dictionaries with their sites, forms and sizes</caption>
          <thead>
            <tr>
              <th scope="col">Dictionary</th>
              <th scope="col">Its nodes</th>
              <th scope="col" class="number">Layer</th>
              <th scope="col">Reads</th>
              <th scope="col">Stands for</th>
              <th scope="col" class="number">Latents</th>
              <th scope="col">Architecture</th>
              <th scope="col">Activation</th>
              <th scope="col">Input</th>
              <th scope="col">Centred by</th>
              <th scope="col">Trained with BOS</th>
              <th scope="col">Trained on</th>
              <th scope="col">Format</th>
              <th scope="col" class="number">Size</th>
            </tr>
          </thead>
          <tbody>{dictionaries.map((dictionary) => <Row model={model} dictionary={dictionary} />)}</tbody>
        </table>
      </div>
      <p class="fine-print">
        Where a layer has several of one kind, a question has the first of them unless another is ticked in its form.
      </p>
    </section>
  );
}

function Row({ model, dictionary }: { readonly model: ModelSummary; readonly dictionary: ModelDictionary }): VNode {
  const { id, kind, layer, readHook, writeHook, inputWidth, outputWidth, latentCount, architecture } = dictionary;
  const site = (hook: string, width: number) => (
    <>
      <code title={hook}>{siteOf(hook)}</code> <span class="fine-print">{formatCount(width)}</span>
    </>
  );
  return (
    <tr data-dictionary={id}>
      <th scope="row">
        <a href={componentUrl(model.id, `${kind}/${layer}/0`, { dictionary: id })} title="Its first latent">
          <code>{id}</code>
        </a>{" "}
        <a class="button small" href={askInLatentsUrl(model.id, dictionary)}>
          Ask in it<span class="visually-hidden">: {id}</span>
        </a>{" "}
        <a class="button small" href={dictionariesUrl(model.id, id)} rel="nofollow">
          Measure<span class="visually-hidden">: {id}</span>
        </a>
      </th>
      <td>
        <KindBadge kind={kind} />
      </td>
      <td class="number">{layer}</td>
      <td>{site(readHook, inputWidth)}</td>
      <td>{readHook === writeHook ? "the same" : site(writeHook, outputWidth)}</td>
      <td class="number">{formatCount(latentCount)}</td>
      <td>{architecture}</td>
      <td>{activationInWords(dictionary)}</td>
      <td>{NORMALIZATIONS[dictionary.normalization]}</td>
      <td>{CENTRINGS[dictionary.centring]}</td>
      <td>{dictionary.trainedWithBos === null ? "not told" : dictionary.trainedWithBos ? "yes" : "no"}</td>
      <td>{dictionary.modelName ?? "not told"}</td>
      <td>{dictionary.format}</td>
      <td class="number">{formatBytes(dictionary.sizeBytes)}</td>
    </tr>
  );
}

const NORMALIZATIONS: Readonly<Record<DictionaryDetail["normalization"], string>> = {
  none: "as it is",
  constant: "times a constant",
  "mean-removed": "mean removed",
  "layer-norm": "layer norm",
  "unit-norm": "unit norm",
};

const CENTRINGS: Readonly<Record<DictionaryDetail["centring"], string>> = {
  "output-bias": "its output bias",
  "own-bias": "a bias of its own",
  none: "nothing",
};
