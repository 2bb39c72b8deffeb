/** One node of a run: what it promotes, what drives it, and how it is wired. */
import type { VNode } from "preact";
import type { EdgeRow, EdgesResult } from "../../engine/mod.ts";
import { formatSigned } from "../format.ts";
import { heatClass } from "../heat.ts";
import { KindBadge } from "../parts/node_cells.tsx";
import { SourceList } from "../parts/source_tokens.tsx";
import { Vocabulary } from "../parts/vocabulary.tsx";
import type { NodePageProps } from "../props.ts";
import { componentWithPage, kindOf } from "../refs.ts";
import { componentUrl, nodeUrl, runUrl } from "../urls.ts";

export function NodePage({ run, name, tokens, sources, upstream, downstream }: NodePageProps): VNode {
  const component = componentWithPage(name);
  const latent = sources?.latents.get(name);
  return (
    <div class="page node-page">
      <p>
        <a href={runUrl(run.id)}>← back to the answer</a>
      </p>
      <h1>
        <code>{name}</code>
      </h1>
      {component === null ? null : (
        <p>
          <KindBadge kind={kindOf(name)} />{" "}
          <a href={componentUrl(run.spec.model, component, { run: run.id })}>{component}</a>
        </p>
      )}
      {sources === null || latent === undefined ? null : (
        <section class="card" aria-labelledby="sources-title">
          <h2 id="sources-title">Where it comes from</h2>
          <p class="fine-print">What all heads bring from each token, along the latent’s encoder.</p>
          <SourceList latent={latent} tokens={sources.tokens} />
        </section>
      )}
      <Vocabulary tokens={tokens} />
      {upstream.map((edges) => (
        <Edges
          key={edges.path ?? "in"}
          runId={run.id}
          edges={edges}
          title={edges.path === null ? "What it gets from before" : `What it gets from before, through ${edges.path}`}
          help={`Shares of its attribution (${
            formatSigned(edges.attribution ?? 0)
          }: activation times the objective’s gradient) by who wrote what it reads, the direct way.`}
        />
      ))}
      <Edges
        runId={run.id}
        edges={downstream}
        title="What reads it after"
        help="How much of each reader’s attribution comes from this node’s write, the direct way, and how far the write moves the reader."
      />
    </div>
  );
}

interface EdgesProps {
  readonly runId: string;
  readonly edges: EdgesResult;
  readonly title: string;
  readonly help: string;
}

function Edges({ runId, edges: { edges, direction, path }, title, help }: EdgesProps): VNode {
  const id = `edges-${direction}-${path ?? "in"}`;
  const largest = Math.max(0, ...edges.map(({ attribution }) => Math.abs(attribution)));
  const isDownstream = direction === "downstream";
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <p class="fine-print">{help}</p>
      {edges.length === 0
        ? <p class="empty-state">Nothing: no node lies {isDownstream ? "after" : "before"} it.</p>
        : (
          <div class="table-scroll" tabIndex={0} role="region" aria-label={`Table: ${title}`}>
            <table>
              <caption class="visually-hidden">{title}, strongest first</caption>
              <thead>
                <tr>
                  <th scope="col">Node</th>
                  {isDownstream ? <th scope="col">Into</th> : null}
                  <th scope="col" class="number">Attribution</th>
                  {isDownstream ? <th scope="col" class="number">Activation</th> : null}
                </tr>
              </thead>
              <tbody>
                {edges.map((edge) => <Edge runId={runId} edge={edge} isDownstream={isDownstream} largest={largest} />)}
              </tbody>
            </table>
          </div>
        )}
    </section>
  );
}

function Edge(
  { runId, edge: { ref, into, attribution, activation }, isDownstream, largest }: {
    readonly runId: string;
    readonly edge: EdgeRow;
    readonly isDownstream: boolean;
    readonly largest: number;
  },
): VNode {
  return (
    <tr>
      <th scope="row">
        <a href={nodeUrl(runId, ref)}>
          <code>{ref}</code>
        </a>
      </th>
      {isDownstream ? <td>{into === "mlp" ? "neuron" : into}</td> : null}
      <td class={`number ${heatClass(attribution, largest)}`} title={String(attribution)}>
        {formatSigned(attribution)}
      </td>
      {isDownstream
        ? <td class="number" title={String(activation)}>{activation === null ? "—" : formatSigned(activation)}</td>
        : null}
    </tr>
  );
}
