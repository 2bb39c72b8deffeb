/** A component on the prompts of a run: its values there, and its nodes that the run lists. */
import type { VNode } from "preact";
import type { Example, LatentKind, NodeRow, RunResult } from "../../engine/mod.ts";
import { ExampleLegend } from "../charts/example_heat.tsx";
import type { ComponentView } from "../component_view.ts";
import { formatNumber, formatSigned } from "../format.ts";
import { METRIC_COLUMNS } from "../metrics.ts";
import { metricValue } from "../node_order.ts";
import type { Loaded } from "../props.ts";
import { promptLabel } from "../format.ts";
import { attentionUrl, nodeUrl, runUrl } from "../urls.ts";
import { DEFAULT_VIEW } from "../view_state.ts";
import { LoadedContent } from "./card.tsx";
import { COMPONENT_ID, ExampleList } from "./example_list.tsx";
import { NodeTokens } from "./node_cells.tsx";

export interface ComponentInRunProps {
  readonly run: RunResult;
  readonly component: { readonly kind: "head" | "mlp" | LatentKind; readonly layer: number; readonly index: number };
  readonly view: ComponentView;
  /** Its values on the prompts; null where none is text. */
  readonly inRun: Loaded<readonly Example[]> | null;
  readonly largest: number;
  readonly urlOf: (view: ComponentView) => string;
}

export function ComponentInRun({ run, component, view, inRun, largest, urlOf }: ComponentInRunProps): VNode {
  const { kind, layer, index } = component;
  const ref = `${kind}/${layer}/${index}`;
  const { id, sides, nodes, spec } = run;
  const own = nodes.filter((row) => row.ref.startsWith(`${ref}@`));
  const focus = sides.map(({ position }) => position);
  return (
    <section class="card" aria-labelledby="in-run-title">
      <h2 id="in-run-title">{view.run === null ? "In the default question" : "In the answer that you come from"}</h2>
      {inRun === null
        ? spec.prompts.map((_, prompt) => <p class="compared-prompt">{promptLabel(run, prompt)}</p>)
        : (
          <LoadedContent loaded={inRun} href={urlOf(view)} targetId={COMPONENT_ID} what="Its values">
            {(examples) => (
              <>
                <ExampleLegend kind={kind === "head" ? "head" : "neuron"} mode={view.mode} />
                <ExampleList
                  name="run"
                  examples={examples}
                  largest={largest}
                  view={view}
                  labels={promptNames(run)}
                />
              </>
            )}
          </LoadedContent>
        )}
      <p class="links">
        <a href={runUrl(id)}>The answer</a>
        <a
          href={`${
            runUrl(id, {
              ...DEFAULT_VIEW,
              filter: { ...DEFAULT_VIEW.filter, text: ref },
              open: own.slice(0, 3).map((row) => row.ref),
            })
          }#nodes`}
        >
          Trace from here
        </a>
        {kind === "head"
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

/** The prompts that are texts, as the form calls them. */
function promptNames({ spec: { prompts } }: RunResult): readonly string[] {
  return prompts.flatMap((prompt, index) => {
    if (!("text" in prompt)) return [];
    return [prompts.length === 1 ? "the prompt" : index === 0 ? "left prompt" : "right prompt"];
  });
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
