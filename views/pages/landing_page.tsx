import type { VNode } from "preact";
import type { RunResult, Side } from "../../engine/mod.ts";
import { formatBytes, formatCount, formatSigned, tokenLabel } from "../format.ts";
import { defaultCatalogue } from "../catalogue_view.ts";
import type { Example, LandingProps } from "../props.ts";
import { FindForm } from "../parts/find_form.tsx";
import { JumpForm } from "../parts/jump_form.tsx";
import { JumpLists } from "../parts/jump_lists.tsx";
import { TextSets } from "../parts/text_sets.tsx";
import { catalogueUrl, compareFormUrl, debuggerUrl, dictionariesUrl, runsUrl, runUrl } from "../urls.ts";

/** The first page: what this is, a question to begin with, what is loaded, what was asked. */
export function LandingPage(props: LandingProps): VNode {
  const { models, dictionaryCounts, sweeps, sweepJobs, jumpLists, examples, recentRuns, status, jump } = props;
  const [first, ...rest] = examples;
  return (
    <div class="page landing-page">
      <section class="hero">
        <div class="hero-words">
          <h1>Why did the model say that?</h1>
          <p>
            Ask why a language model continues a text with one token and not another. The answer names the attention
            heads, neurons and embeddings responsible, each with what it computed, how much it wrote, and how far it
            moved the prediction.
          </p>
          <p>
            <a href={debuggerUrl()}>Ask a question of your own</a>
          </p>
          <FindForm />
          <JumpForm models={models} fields={jump} />
          {status.isReady && status.problem === null ? null : (
            <p class="error-note" role="alert">
              {status.isReady
                ? ""
                : "The engine does not answer now: stored runs can be read, new questions have to wait. "}
              {status.problem}
            </p>
          )}
        </div>
        {first === undefined ? null : <ExampleCard example={first} isFirst />}
      </section>
      <section aria-labelledby="examples-title">
        <h2 id="examples-title">What the demo model can do</h2>
        <div class="gallery">{rest.map((example) => <ExampleCard example={example} isFirst={false} />)}</div>
      </section>
      <Models models={models} dictionaryCounts={dictionaryCounts} sweeps={sweeps} sweepJobs={sweepJobs} />
      {models.map((model) => {
        const lists = jumpLists.get(model.id) ?? [];
        return lists.length === 0 ? null : <JumpLists model={model} lists={lists} />;
      })}
      <RecentRuns runs={recentRuns} />
    </div>
  );
}

/** An example is a form of hidden fields: one click asks it, with or without script. */
function ExampleCard(
  { example: { title, lookFor, question }, isFirst }: { readonly example: Example; readonly isFirst: boolean },
): VNode {
  return (
    <form class={isFirst ? "card example example-first" : "card example"} method="post" action={runsUrl()}>
      {isFirst ? <h2>{title}</h2> : <h3>{title}</h3>}
      {question.prompts.map(({ text, targets, distractors }, index) => (
        <>
          <p class="example-prompt">
            {text}
            <span class="example-answer">{targets.map(tokenLabel).join(" ")}</span>
            {distractors.length === 0
              ? null
              : <span class="example-against">not {distractors.map(tokenLabel).join(" ")}</span>}
          </p>
          <input type="hidden" name="prompt" value={text} />
          {targets.map((target) => <input type="hidden" name={`target.${index}`} value={target} />)}
          {distractors.map((distractor) => <input type="hidden" name={`distractor.${index}`} value={distractor} />)}
        </>
      ))}
      <input type="hidden" name="model" value={question.model} />
      <input type="hidden" name="objective" value={question.objective} />
      <input type="hidden" name="position" value={question.position} />
      <input type="hidden" name="k" value={question.topK} />
      {question.bos ? <input type="hidden" name="bos" value="on" /> : null}
      {question.freezeFinalNorm ? <input type="hidden" name="freezeFinalNorm" value="on" /> : null}
      <p class="look-for">{lookFor}</p>
      <button type="submit" class={isFirst ? "primary" : "small"}>
        {isFirst ? "Show why" : "Run"}
        <span class="visually-hidden">: {title}</span>
      </button>
    </form>
  );
}

function Models(
  { models, dictionaryCounts, sweeps, sweepJobs }: Pick<
    LandingProps,
    "models" | "dictionaryCounts" | "sweeps" | "sweepJobs"
  >,
): VNode {
  return (
    <section class="card" aria-labelledby="models-title">
      <h2 id="models-title">Models</h2>
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Table of models">
        <table>
          <caption class="visually-hidden">Models that are loaded</caption>
          <thead>
            <tr>
              <th scope="col">Model</th>
              <th scope="col">Family</th>
              <th scope="col" class="number">Layers</th>
              <th scope="col" class="number">Heads</th>
              <th scope="col" class="number">Neurons a layer</th>
              <th scope="col" class="number">Context</th>
              <th scope="col" class="number">Parameters</th>
              <th scope="col" class="number">Weights</th>
              <th scope="col">Records of all</th>
              <th scope="col">Text sets</th>
              <th scope="col">Dictionaries</th>
            </tr>
          </thead>
          <tbody>
            {models.map((model) => (
              <tr>
                <th scope="row">
                  <a href={debuggerUrl(model.id)}>{model.id}</a>
                </th>
                <td>{model.family}</td>
                <td class="number">{model.layerCount}</td>
                <td class="number">{model.headCount}</td>
                <td class="number">{formatCount(model.mlpWidth)}</td>
                <td class="number">{formatCount(model.contextLength)}</td>
                <td class="number">{formatCount(model.parameterCount)}</td>
                <td class="number">{formatBytes(model.weightsBytes)}</td>
                <td>
                  <a href={catalogueUrl(model.id, defaultCatalogue("head"))}>heads</a>,{" "}
                  <a href={catalogueUrl(model.id, defaultCatalogue("mlp"))}>neurons</a>
                </td>
                <td>
                  <TextSets
                    model={model}
                    sweeps={sweeps.filter((sweep) => sweep.model === model.id)}
                    jobs={sweepJobs}
                  />
                </td>
                <td>
                  <a href={dictionariesUrl(model.id)}>{dictionariesInWords(dictionaryCounts.get(model.id) ?? 0)}</a>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function dictionariesInWords(count: number): string {
  return count === 0 ? "none yet" : count === 1 ? "1 dictionary" : `${count} dictionaries`;
}

function RecentRuns({ runs }: { readonly runs: readonly RunResult[] }): VNode {
  return (
    <section class="card" aria-labelledby="runs-title">
      <h2 id="runs-title">Asked lately</h2>
      {runs.length === 0
        ? <p class="empty-state">Nothing yet. Every question gets a lasting address, and is listed here.</p>
        : (
          <form method="get" action={compareFormUrl()} aria-label="Compare two answers">
            <ul class="recent-runs">
              {runs.map(({ id, sides: [side], spec }) => (
                <li>
                  {runs.length < 2 ? null : (
                    <input
                      type="checkbox"
                      name="run"
                      value={id}
                      aria-label={`Compare: ${promptOf(spec, side)}`}
                    />
                  )}
                  <a href={runUrl(id)}>{promptOf(spec, side)}</a>{" "}
                  <span class="fine-print">
                    {choicesOf(spec)} · {spec.objective.kind} {formatSigned(side?.objective ?? NaN)}
                    {spec.prompts.length > 1 ? " · two prompts" : ""}
                    {spec.interventions.length > 0 ? " · changed" : ""}
                    {spec.trace === null ? "" : ` · traced ${spec.trace.node}`} · {spec.model}
                  </span>
                </li>
              ))}
            </ul>
            {runs.length < 2 ? null : <button type="submit" class="small">Compare the two ticked</button>}
          </form>
        )}
    </section>
  );
}

/** The first prompt as it was given, cut where it is long. */
function promptOf({ prompts: [prompt] }: RunResult["spec"], side: Side | undefined): string {
  const text = prompt !== undefined && "text" in prompt
    ? prompt.text
    : side?.tokens.map((token) => token.text).join("") ?? "";
  return text.length > 120 ? `${text.slice(0, 120)}…` : text === "" ? "(empty prompt)" : text;
}

function choicesOf({ prompts: [prompt] }: RunResult["spec"]): string {
  const names = (choices: readonly (string | number)[] = []) =>
    choices.map((choice) => typeof choice === "string" ? tokenLabel(choice) : `id ${choice}`).join(" ");
  const distractors = names(prompt?.distractors);
  return distractors === "" ? names(prompt?.targets) : `${names(prompt?.targets)} not ${distractors}`;
}
