/** The circuit: nodes that a reader has pinned, the edges among them, and ways to follow them upstream. */
import type { VNode } from "preact";
import type { CircuitResult, RunResult } from "../../engine/mod.ts";
import { CircuitGraph } from "../charts/circuit_graph.tsx";
import { CircuitText } from "../charts/circuit_text.tsx";
import { formatSigned } from "../format.ts";
import { LoadedContent, swapLink } from "../parts/card.tsx";
import type { Loaded } from "../props.ts";
import { componentWithPage, kindOf, placesOf } from "../refs.ts";
import { attentionUrl, circuitSvgUrl, circuitUrl, componentUrl, growCircuitUrl, nodeUrl, runUrl } from "../urls.ts";
import { DEFAULT_VIEW } from "../view_state.ts";

export const CIRCUIT_ID = "circuit";

export interface CircuitPageProps {
  readonly run: RunResult;
  readonly layerCount: number;
  readonly pins: readonly string[];
  /** The node whose ways on are offered. */
  readonly selected: string | null;
  readonly circuit: Loaded<CircuitResult>;
  /** Whether the page goes on by itself while ways are left to trace. */
  readonly goesOn: boolean;
}

export function CircuitPage(props: CircuitPageProps): VNode {
  const { run, pins } = props;
  return (
    <div class="page circuit-page">
      <p>
        <a href={runUrl(run.id, { ...DEFAULT_VIEW, pins })}>← back to the answer</a>
      </p>
      <h1>Circuit</h1>
      <p class="lead">
        Each arrow is how much of what the later node adds to the objective comes from the earlier node’s write, by the
        direct way. Arrows to the objective are direct effects.
      </p>
      <CircuitContent {...props} />
    </div>
  );
}

/** The part that changes. */
export function CircuitContent(props: CircuitPageProps): VNode {
  const { run, pins, selected, circuit } = props;
  return (
    <div id={CIRCUIT_ID} class="circuit">
      <LoadedContent
        loaded={circuit}
        href={circuitUrl(run.id, pins, { selected })}
        targetId={CIRCUIT_ID}
        what="The circuit"
      >
        {(shown) => <Shown {...props} shown={shown} />}
      </LoadedContent>
    </div>
  );
}

function Shown(
  { run, layerCount, pins, selected, goesOn, shown }: CircuitPageProps & { readonly shown: CircuitResult },
): VNode {
  const { id } = run;
  const link = (ref: string) =>
    swapLink(circuitUrl(id, pins, { selected: ref === selected ? null : ref }), `#${CIRCUIT_ID}`);
  const isWhole = shown.done >= shown.total;
  const position = run.sides[0]?.position ?? 0;
  return (
    <>
      {isWhole ? null : <Progress id={id} pins={pins} selected={selected} shown={shown} goesOn={goesOn} />}
      <section class="card" aria-labelledby="graph-title">
        <div class="card-head">
          <h2 id="graph-title">{shown.nodes.length} nodes, {shown.edges.length} edges</h2>
          <p class="fine-print">Objective {formatSigned(shown.objective)}. Press a node for its ways on.</p>
        </div>
        <div class="links">
          {isWhole && shown.candidates.length > 0
            ? (
              <a id="grow" class="button small" href={growCircuitUrl(id, pins, "strongest")}>
                Add the 3 strongest inputs
              </a>
            )
            : null}
          <a href={circuitSvgUrl(id, pins)} download>Download as SVG</a>
          <a href={circuitUrl(id, [])}>Begin again with the strongest</a>
        </div>
        <div class="table-scroll" tabIndex={0} role="region" aria-label="Picture of the circuit">
          <CircuitGraph circuit={shown} layerCount={layerCount} position={position} nodeLink={link} />
        </div>
      </section>
      {selected !== null && pins.includes(selected)
        ? <Selected run={run} pins={pins} selected={selected} shown={shown} />
        : null}
      <section class="card" aria-labelledby="text-title">
        <h2 id="text-title">The same in words</h2>
        <CircuitText circuit={shown} nodeLink={link} />
      </section>
      <Candidates id={id} pins={pins} shown={shown} />
    </>
  );
}

interface ProgressProps {
  readonly id: string;
  readonly pins: readonly string[];
  readonly selected: string | null;
  readonly shown: CircuitResult;
  readonly goesOn: boolean;
}

function Progress({ id, pins, selected, shown: { done, total }, goesOn }: ProgressProps): VNode {
  const href = circuitUrl(id, pins, { selected });
  return (
    <div
      class="pending"
      role="status"
      {...goesOn
        ? { "hx-get": href, "hx-target": `#${CIRCUIT_ID}`, "hx-swap": "outerHTML", "hx-trigger": "load delay:50ms" }
        : {}}
    >
      <progress max={total} value={done} aria-label="Ways into nodes traced" /> {done} of {total}{" "}
      ways into nodes traced. {goesOn
        ? <a id="stop" {...swapLink(circuitUrl(id, pins, { selected, isOnHold: true }), `#${CIRCUIT_ID}`)}>Stop</a>
        : <a id="go-on" {...swapLink(href, `#${CIRCUIT_ID}`)}>Go on</a>}
    </div>
  );
}

function Selected(
  { run, pins, selected, shown }: {
    readonly run: RunResult;
    readonly pins: readonly string[];
    readonly selected: string;
    readonly shown: CircuitResult;
  },
): VNode {
  const { id, spec } = run;
  const component = componentWithPage(selected);
  const others = pins.filter((ref) => ref !== selected);
  const inputs = shown.candidates.filter(({ edge }) => edge.to === selected);
  const places = placesOf(selected);
  return (
    <section class="card" aria-labelledby="selected-title">
      <h2 id="selected-title">
        <code>{selected}</code>
      </h2>
      <div class="links">
        {inputs.length === 0 ? null : (
          <a class="button small" href={growCircuitUrl(id, pins, selected)}>
            Add its {Math.min(3, inputs.length)} strongest inputs
          </a>
        )}
        {others.length === 0 ? null : <a class="button small" href={circuitUrl(id, others)}>Remove from the circuit</a>}
        <a href={nodeUrl(id, selected)}>Its tokens and edges</a>
        {kindOf(selected) === "head"
          ? (
            <a
              href={attentionUrl(id, {
                head: component ?? "",
                metric: "activation",
                side: 0,
                from: null,
                pins: places.slice(0, 1),
              })}
            >
              Its attention
            </a>
          )
          : null}
        {component === null ? null : <a href={componentUrl(spec.model, component, { run: id })}>The component</a>}
        <a
          href={`${
            runUrl(id, { ...DEFAULT_VIEW, pins, open: [selected], filter: { ...DEFAULT_VIEW.filter, text: selected } })
          }#nodes`}
        >
          {kindOf(selected) === "error" ? "Its row" : kindOf(selected) === "embed" ? "Ablate it" : "Ablate or trace it"}
        </a>
      </div>
    </section>
  );
}

/** Writers outside, each of which can be added. */
function Candidates({ id, pins, shown: { candidates } }: Pick<ProgressProps, "id" | "pins" | "shown">): VNode {
  return (
    <section class="card" aria-labelledby="candidates-title">
      <h2 id="candidates-title">What else feeds it</h2>
      {candidates.length === 0
        ? <p class="empty-state">Nothing that was traced: all strong inputs are in the circuit.</p>
        : (
          <div class="table-scroll" tabIndex={0} role="region" aria-label="Table of inputs">
            <table>
              <caption class="visually-hidden">Nodes outside the circuit with the strongest edges into it</caption>
              <thead>
                <tr>
                  <th scope="col">Node</th>
                  <th scope="col">Into</th>
                  <th scope="col" class="number">Attribution</th>
                  <th scope="col">
                    <span class="visually-hidden">Add</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {candidates.map(({ ref, edge }) => (
                  <tr>
                    <th scope="row">
                      <a href={nodeUrl(id, ref)}>
                        <code>{ref}</code>
                      </a>
                    </th>
                    <td>
                      <code>{edge.to}</code>
                      {edge.path === null ? "" : ` ${edge.path}`}
                    </td>
                    <td class="number" title={String(edge.attribution)}>{formatSigned(edge.attribution)}</td>
                    <td>
                      <a href={circuitUrl(id, [...pins, ref])}>
                        Add<span class="visually-hidden">{ref}</span>
                      </a>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
    </section>
  );
}
