/** An open row: what can be done with a node, what it promotes, and what drives it. */
import type { VNode } from "preact";
import type { ComponentExplanations, NodeRow, ScoredList, TraceSpec } from "../../engine/mod.ts";
import { formatSigned, tokenLabel } from "../format.ts";
import { heatClass } from "../heat.ts";
import type { Loaded, NodeDetail, NodeSources } from "../props.ts";
import { componentOf, isLatentRef, kindOf, layerOf, partOf } from "../refs.ts";
import { attentionUrl, nodeUrl, runUrl } from "../urls.ts";
import { type RunViewState, toggledList } from "../view_state.ts";
import { ChangeButton } from "./change_button.tsx";
import { CHANGES_ID } from "./changes_card.tsx";
import { cardId, LoadedContent, viewLink } from "./card.tsx";
import { NodeExplanation } from "./node_explanation.tsx";
import { SourceList } from "./source_tokens.tsx";

export interface NodeDetailProps {
  readonly runId: string;
  readonly row: NodeRow;
  readonly view: RunViewState;
  readonly trace: TraceSpec | null;
  /** What is changed already, as `nameForChange` names it. */
  readonly changed: ReadonlySet<string>;
  readonly detail: Loaded<NodeDetail>;
  /** Where listed attention latents come from. */
  readonly sources: Loaded<NodeSources> | null;
  /** What is said of its component; null where it has none. */
  readonly explanations: ComponentExplanations | null;
  readonly model: string;
}

export function NodeDetailContent({ detail, sources, explanations, model, ...node }: NodeDetailProps): VNode {
  const { runId, view, row } = node;
  return (
    <div class="node-detail">
      <NodeActions {...node} />
      {explanations === null ? null : <NodeExplanation model={model} runId={runId} found={explanations} />}
      <LoadedContent loaded={detail} href={runUrl(runId, view)} targetId={cardId("nodes")} what="Its tokens">
        {(sides) => <DetailLists sides={sides} />}
      </LoadedContent>
      {sources?.state === "ready" ? <Sources row={row} sources={sources.value} /> : null}
    </div>
  );
}

/** Where an attention latent comes from. */
function Sources({ row, sources }: { readonly row: NodeRow; readonly sources: NodeSources }): VNode | null {
  const latent = sources.latents.get(row.ref);
  if (latent === undefined) return null;
  return (
    <div class="detail-sources">
      <h3>Comes from{row.activation.length > 1 ? `, ${sources.label}` : ""}</h3>
      <SourceList latent={latent} tokens={sources.tokens} />
    </div>
  );
}

/** A node as changes name it: tokens count in the first prompt, unless it lacks them. */
export function nameForChange({ ref, refs }: Pick<NodeRow, "ref" | "refs">): string {
  return refs?.[0] === null ? `right: ${ref}` : ref;
}

/** Whether a node has a value that can be set: what a dictionary leaves out has none. */
export function isChangeable({ ref }: Pick<NodeRow, "ref">): boolean {
  return kindOf(ref) !== "error";
}

/** What can be done with a node; what could only fail is not offered. */
function NodeActions(
  { runId, row, view, trace, changed }: Omit<NodeDetailProps, "detail" | "sources" | "explanations" | "model">,
): VNode {
  const { ref, refs } = row;
  const isRightOnly = refs?.[0] === null;
  const name = nameForChange(row);
  const wholeRow = name.replace(/<\d+$/, "<*");
  const isChanged = changed.has(name) || changed.has(wholeRow);
  const isRowChanged = [...changed].some((other) => other.replace(/<\d+$/, "<*") === wholeRow);
  const kind = kindOf(ref);
  const isPinned = view.pins.includes(ref);
  const head = componentOf(ref) ?? "";
  return (
    <div class="node-actions" role="group" aria-label={`Act on ${ref}`}>
      {!isChangeable(row)
        ? null
        : isChanged
        ? <a class="button small" href={`#${CHANGES_ID}`}>Changed: see above</a>
        : <ChangeButton change={`ablate ${name}`} title="Set this value to 0 and compare">Ablate</ChangeButton>}
      {kind === "head" && !isRowChanged
        ? <ChangeButton change={`ablate ${wholeRow}`} title="Set the head’s whole row to 0">Ablate row</ChangeButton>
        : null}
      {isRightOnly ? null : (
        <>
          {kind === "head"
            ? HEAD_PATHS.map((path) => (
              <ChangeButton change={`trace ${ref} ${path}`} title={PATH_HELP[path]}>Trace {path}</ChangeButton>
            ))
            : kind === "neuron" || isLatentRef(ref)
            ? (
              <ChangeButton
                change={`trace ${ref}`}
                title={`What drives this ${kind === "neuron" ? "neuron" : "latent: its pre-activation"}`}
              >
                Trace
              </ChangeButton>
            )
            : null}
          {kind === "head" && trace !== null && trace.of === "value" && trace.path !== "v" && isRead(ref, trace.node)
            ? (
              <ChangeButton
                change={`trace ${ref} v towards ${trace.node}${trace.path === null ? "" : ` ${trace.path}`}`}
                title="What its value adds to the traced node"
              >
                Trace v towards {trace.node}
              </ChangeButton>
            )
            : null}
          <a class="button small" data-pin {...viewLink(runId, { ...view, pins: toggledList(view.pins, ref) })}>
            {isPinned ? "Unpin" : "Pin to the circuit"}
          </a>
          {kind === "head"
            ? (
              <a
                class="button small"
                href={attentionUrl(runId, { head, metric: "activation", side: 0, from: null, pins: rowOf(ref) })}
              >
                Attention
              </a>
            )
            : null}
          <a class="button small" href={nodeUrl(runId, ref)} title="Its edges, and longer lists">Details</a>
        </>
      )}
    </div>
  );
}

/** Whether what a head writes is there when a later node reads: an MLP reads what the attention of its own layer has written. */
function isRead(head: string, reader: string): boolean {
  const [from, to] = [layerOf(head) ?? 0, layerOf(reader) ?? 0];
  return partOf(reader) === "MLP" ? to >= from : to > from;
}

/** The token that a head's node attends from. */
function rowOf(ref: string): readonly number[] {
  const [, query] = /@(\d+)</.exec(ref) ?? [];
  return query === undefined ? [] : [Number(query)];
}

const HEAD_PATHS = ["q", "k", "qk", "v"] as const;
const PATH_HELP = {
  q: "Why this token looks: what makes its query",
  k: "Why it looks there: what makes that token’s key",
  qk: "Query and key together",
  v: "What is moved: what makes the value that is read",
} as const;

/** Lists that are the same on both sides are shown once, and named by no side. */
function DetailLists({ sides }: { readonly sides: NodeDetail }): VNode {
  const lists = sides.flatMap(({ label, tokens: { write, reads } }) => [
    { label, title: "Promotes", list: write, ends: ["most", "least"] as const },
    ...reads.map(({ path, ...list }) => ({
      label,
      title: path === null ? "Driven by" : path === "q" ? "Looks if it reads (query)" : "Looks for (key)",
      list,
      ends: ["most", "least"] as const,
    })),
  ]);
  return (
    <div class="detail-lists">
      {[...Map.groupBy(lists, ({ title }) => title)].flatMap(([title, ofSides]) => {
        const isSame = ofSides.every(({ list }) => sameTokens(list, ofSides[0]?.list));
        return (isSame ? ofSides.slice(0, 1) : ofSides).map(({ label, list }) => (
          <div>
            <h3>{title}{isSame || sides.length < 2 ? "" : `, ${label}`}</h3>
            <TokenPills list={list} />
          </div>
        ));
      })}
    </div>
  );
}

function sameTokens(a: ScoredList, b: ScoredList | undefined): boolean {
  const ids = (list: ScoredList) => [...list.top, ...list.bottom].map(({ id }) => id).join();
  return b !== undefined && ids(a) === ids(b);
}

function TokenPills({ list }: { readonly list: ScoredList }): VNode {
  const largest = Math.max(...[...list.top, ...list.bottom].map(({ score }) => Math.abs(score)));
  return (
    <>
      {([["raises", list.top], ["lowers", list.bottom]] as const).map(([title, tokens]) => (
        <p class="token-pills">
          <span class="fine-print">{title}</span> {tokens.map(({ id, text, score }) => (
            <>
              <code class={`token-name ${heatClass(score, largest)}`} title={`id ${id}: ${score}`}>
                {tokenLabel(text)}
                <span class="visually-hidden">{formatSigned(score)}</span>
              </code>
              {" "}
            </>
          ))}
        </p>
      ))}
    </>
  );
}
