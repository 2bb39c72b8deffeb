/** One head or neuron: what it does in a run's prompt, and where its neighbours are. */
import type { VNode } from "preact";
import type { ModelSummary, NodeRow, RunResult, ScoredList } from "../../engine/mod.ts";
import { METRIC_COLUMNS } from "../metrics.ts";
import { metricValue } from "../node_order.ts";
import { formatNumber, formatSigned, promptLabel, tokenLabel } from "../format.ts";
import { heatClass } from "../heat.ts";
import { NodeTokens } from "../parts/node_cells.tsx";
import { attentionUrl, componentUrl, nodeUrl, runUrl } from "../urls.ts";

/** A component as its address names it. */
export interface Component {
  readonly kind: "head" | "mlp";
  readonly layer: number;
  readonly index: number;
}

export function componentRef({ kind, layer, index }: Component): string {
  return `${kind}/${layer}/${index}`;
}

export interface ComponentPageProps {
  readonly model: ModelSummary;
  readonly component: Component;
  /** The run whose prompts it is shown on; null where the model could not be asked the default question. */
  readonly run: RunResult | null;
  /** Whether the address names the run: links keep it then. */
  readonly keepsRun: boolean;
  /** A neuron's pre-activation on each token of the vocabulary by itself. */
  readonly alone: ScoredList | null;
}

export function ComponentPage({ model, component, run, keepsRun, alone }: ComponentPageProps): VNode {
  const ref = componentRef(component);
  const { kind, layer, index } = component;
  return (
    <div class="page component-page">
      <div class="card-head">
        <h1>
          {kind === "head" ? `Head ${index}` : `Neuron ${index}`} of layer {layer} <code>{ref}</code>
        </h1>
        <Steps model={model} component={component} runId={keepsRun ? run?.id ?? null : null} />
      </div>
      <p class="fine-print">
        {model.id}: {model.layerCount} layers, {model.headCount} heads and {model.mlpWidth} neurons in each.
      </p>
      {run === null
        ? (
          <p class="card empty-state">
            The default question cannot be asked of this model: open a component from an answer.
          </p>
        )
        : <InRun run={run} component={component} keepsRun={keepsRun} />}
      {alone === null ? null : <Alone list={alone} />}
    </div>
  );
}

function Steps(
  { model, component: { kind, layer, index }, runId }:
    & Pick<ComponentPageProps, "model" | "component">
    & { readonly runId: string | null },
): VNode {
  const count = kind === "head" ? model.headCount : model.mlpWidth;
  const steps = [
    { name: `previous ${kind === "head" ? "head" : "neuron"}`, mark: "←", rel: "prev", layer, index: index - 1 },
    { name: `next ${kind === "head" ? "head" : "neuron"}`, mark: "→", rel: "next", layer, index: index + 1 },
    { name: "layer below", mark: "↓", rel: undefined, layer: layer - 1, index },
    { name: "layer above", mark: "↑", rel: undefined, layer: layer + 1, index },
  ];
  return (
    <nav class="steps" aria-label="Neighbouring components">
      {steps.map(({ name, mark, rel, layer: l, index: i }) =>
        l < 0 || i < 0 || l >= model.layerCount || i >= count
          ? <span class="pager-end" title={`no ${name}`}>{mark}</span>
          : (
            <a
              href={componentUrl(model.id, componentRef({ kind, layer: l, index: i }), runId)}
              rel={rel}
              title={name}
              aria-label={name}
            >
              {mark}
            </a>
          )
      )}
    </nav>
  );
}

interface InRunProps {
  readonly run: RunResult;
  readonly component: Component;
  readonly keepsRun: boolean;
}

/** Its nodes among those that the run lists. */
function InRun({ run, component, keepsRun }: InRunProps): VNode {
  const ref = componentRef(component);
  const { id, sides, nodes, spec } = run;
  const own = nodes.filter((row) => row.ref.startsWith(`${ref}@`));
  const focus = sides.map(({ position }) => position);
  return (
    <section class="card" aria-labelledby="in-run-title">
      <h2 id="in-run-title">{keepsRun ? "In the answer that you come from" : "In the default question"}</h2>
      {spec.prompts.map((_, index) => <p class="compared-prompt">{promptLabel(run, index)}</p>)}
      <p class="links">
        <a href={runUrl(id)}>The answer</a>
        {component.kind === "head"
          ? (
            <a href={attentionUrl(id, { head: ref, metric: "activation", side: 0, from: null, pins: [] })}>
              Where it looks
            </a>
          )
          : null}
      </p>
      {own.length === 0
        ? (
          <p class="empty-state">
            None of its nodes is among the top {spec.topK} of any column there. A larger k lists more.
          </p>
        )
        : (
          <div class="table-scroll" tabIndex={0} role="region" aria-label="Its nodes">
            <table>
              <caption class="visually-hidden">Nodes of {ref} that the answer lists</caption>
              <thead>
                <tr>
                  <th scope="col">Node</th>
                  <th scope="col">Tokens</th>
                  {METRIC_COLUMNS.map(({ title }) => <th scope="col" class="number">{title}</th>)}
                </tr>
              </thead>
              <tbody>{own.map((row) => <OwnRow row={row} run={run} focus={focus} />)}</tbody>
            </table>
          </div>
        )}
    </section>
  );
}

function OwnRow(
  { row, run, focus }: { readonly row: NodeRow; readonly run: RunResult; readonly focus: readonly number[] },
): VNode {
  return (
    <tr>
      <th scope="row">
        <a href={nodeUrl(run.id, row.ref)}>
          <code>{row.ref}</code>
        </a>
      </th>
      <td>
        <NodeTokens node={row} sides={run.sides} focus={focus} />
      </td>
      {METRIC_COLUMNS.map(({ key }) => {
        const value = metricValue(row, key, { side: 0, pair: [0, 1] });
        const isSigned = key === "directEffect" || key === "totalEffect";
        return (
          <td class="number" title={String(value)}>
            {Number.isNaN(value) ? "—" : isSigned ? formatSigned(value) : formatNumber(value)}
          </td>
        );
      })}
    </tr>
  );
}

function Alone({ list }: { readonly list: ScoredList }): VNode {
  const largest = Math.max(...[...list.top, ...list.bottom].map(({ score }) => Math.abs(score)));
  return (
    <section class="card" aria-labelledby="alone-title">
      <h2 id="alone-title">Each token by itself</h2>
      <p class="fine-print">
        Its pre-activation if the residual were this token’s embedding and nothing else; independent of any prompt.
      </p>
      <div class="token-lists">
        {([["highest", list.top], ["lowest", list.bottom]] as const).map(([title, tokens]) => (
          <div>
            <h3>{title}</h3>
            <ol class="scored-tokens">
              {tokens.map(({ id, text, score }) => (
                <li class={heatClass(score, largest)} title={`id ${id}: ${score}`}>
                  <code class="token-name">{tokenLabel(text)}</code> <span class="number">{formatSigned(score)}</span>
                </li>
              ))}
            </ol>
          </div>
        ))}
      </div>
    </section>
  );
}
