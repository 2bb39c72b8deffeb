/** Which other components have to do with one: by weights, and by when they are active. */
import type { VNode } from "preact";
import type {
  CoActivation,
  ComponentKind,
  ModelSummary,
  ReaderWay,
  RelatedComponents,
  RelatedList,
  Similarity,
} from "../../engine/mod.ts";
import { capitalized, isLatentKind, KIND_NAMES } from "../component_kinds.ts";
import type { ComponentView } from "../component_view.ts";
import { formatCount, formatNumber, formatSigned } from "../format.ts";
import type { Loaded } from "../props.ts";
import { componentUrl, relatedHelpUrl } from "../urls.ts";
import { toggledList } from "../view_state.ts";
import { LoadedContent, swapLink } from "./card.tsx";
import { COMPONENT_ID } from "./example_list.tsx";
import { RelatedGroup, RelatedTable, type ShownRows } from "./related_table.tsx";

/** Components of each list that are shown before more are asked for. */
export const FIRST_RELATED = 5;

export interface RelatedCardProps {
  readonly related: Loaded<RelatedComponents>;
  readonly kind: ComponentKind;
  /** As in `head/9/8`. */
  readonly name: string;
  readonly model: ModelSummary;
  readonly view: ComponentView;
}

export function RelatedCard({ related, kind, name, model, view }: RelatedCardProps): VNode {
  const isWhole = view.whole.includes("related");
  const toggled = componentUrl(model.id, name, { ...view, whole: toggledList(view.whole, "related") });
  // Texts of one's own would make each of many links as long as they are.
  const { run, dictionary: own, textSet, mode } = view;
  const shown: ShownRows = {
    count: isWhole ? Infinity : FIRST_RELATED,
    hrefOf: (component, dictionary) => {
      const other = component.split("/")[0] === kind ? own : null;
      return componentUrl(model.id, component, { run, dictionary: dictionary ?? other, textSet, mode });
    },
  };
  return (
    <section class="card related" aria-labelledby="related-title">
      <div class="card-head">
        <h2 id="related-title">Related components</h2>
        <a id="all-related" {...swapLink(toggled, `#${COMPONENT_ID}`)}>
          {isWhole ? `Show ${FIRST_RELATED} of each` : "Show more of each"}
        </a>
        <a href={relatedHelpUrl()}>How they are compared</a>
      </div>
      <LoadedContent
        loaded={related}
        href={componentUrl(model.id, name, view)}
        targetId={COMPONENT_ID}
        what="Its related components"
      >
        {(found) => (
          <>
            {isLatentKind(kind)
              ? <ByDirection found={found} shown={shown} />
              : <ByWeights found={found} kind={kind} shown={shown} />}
            <ByActivity found={found.coActivation} textSet={textSet} shown={shown} />
          </>
        )}
      </LoadedContent>
    </section>
  );
}

const SIMILARITY_TITLES: Readonly<Record<Similarity, string>> = {
  output: "Write alike (output weights)",
  input: "Read alike (input weights)",
  ov: "Move alike (OV circuits)",
  qk: "Look alike (QK circuits)",
  decoder: "Write alike (decoder rows)",
  encoder: "Read alike (encoder columns)",
  "decoder-elsewhere": "Write alike",
};

const COMPOSITIONS: Readonly<Record<ReaderWay, string>> = {
  in: "composition",
  q: "Q-composition",
  k: "K-composition",
  v: "V-composition",
};

const WAY_NAMES: Readonly<Record<ReaderWay, string>> = { in: "input", q: "query", k: "key", v: "value" };
function pluralOf(kind: ComponentKind): string {
  return capitalized(KIND_NAMES[kind].many);
}

interface ByDirectionProps {
  readonly found: RelatedComponents;
  readonly shown: ShownRows;
}

/** Latents by the directions that they read and write. */
function ByDirection({ found: { similar, alignment, dictionary }, shown }: ByDirectionProps): VNode {
  const within = similar.filter(({ by }) => by !== "decoder-elsewhere");
  const elsewhere = similar.filter(({ by }) => by === "decoder-elsewhere");
  const aligned = alignment === null ? "" : ` What it reads and what it writes: ${formatSigned(alignment)}.`;
  return (
    <>
      <RelatedGroup
        title="Near in the dictionary"
        note={`Cosines with the other latents of ${dictionary}, whatever the text. ${chanceOf(similar)}${aligned}`}
      >
        <div class="related-lists">
          {within.map((list) => (
            <ScoreTable title={SIMILARITY_TITLES[list.by]} what="cosine" list={list} shown={shown} />
          ))}
        </div>
      </RelatedGroup>
      {elsewhere.length === 0 ? null : (
        <RelatedGroup
          title="Near in other dictionaries"
          note="Cosines of decoder rows, over all loaded dictionaries that write the same activation."
        >
          <div class="related-lists">
            {elsewhere.map((list) => (
              <ScoreTable title={pluralOf(list.kind)} what="cosine" list={list} shown={shown} isElsewhere />
            ))}
          </div>
        </RelatedGroup>
      )}
    </>
  );
}

interface ByWeightsProps {
  readonly found: RelatedComponents;
  readonly kind: ComponentKind;
  readonly shown: ShownRows;
}

function ByWeights({ found: { similar, upstream, downstream }, kind, shown }: ByWeightsProps): VNode {
  const composed = (lists: readonly RelatedList<ReaderWay>[], whose: "its" | "their") => (
    <div class="related-lists">
      {lists.map((list) => {
        const through = list.by === "in" ? "" : `, through ${whose} ${WAY_NAMES[list.by]}`;
        const isCosine = kind === "mlp" && list.kind === "mlp";
        return (
          <ScoreTable
            title={`${pluralOf(list.kind)}${through}`}
            what={isCosine ? "cosine" : COMPOSITIONS[list.by]}
            list={list}
            shown={shown}
          />
        );
      })}
    </div>
  );
  return (
    <>
      <RelatedGroup
        title="Similar weights"
        note={`${pluralOf(kind)} of all layers, whatever the text. ${chanceOf(similar)}`}
      >
        <div class="related-lists">
          {similar.map((list) => (
            <ScoreTable title={SIMILARITY_TITLES[list.by]} what="cosine" list={list} shown={shown} />
          ))}
        </div>
      </RelatedGroup>
      <RelatedGroup
        title="What it reads"
        note={`How much of what an earlier component writes its weights read. ${chanceOf(upstream)}`}
      >
        {isEmpty(upstream) ? <p class="empty-state">No component comes before it.</p> : composed(upstream, "its")}
      </RelatedGroup>
      <RelatedGroup
        title="What reads it"
        note={`How much of what it writes the weights of a later component read. ${chanceOf(downstream)}`}
      >
        {isEmpty(downstream) ? <p class="empty-state">No component comes after it.</p> : composed(downstream, "their")}
      </RelatedGroup>
    </>
  );
}

function isEmpty(lists: readonly RelatedList<ReaderWay>[]): boolean {
  return lists.every(({ components }) => components.length === 0);
}

/** What random weights would score. */
function chanceOf(lists: readonly RelatedList<Similarity | ReaderWay>[]): string {
  const [first] = lists;
  return first === undefined ? "" : `Weights turned at random: ${formatNumber(first.chance)} in the root mean square.`;
}

interface ScoreTableProps {
  readonly title: string;
  /** What the score is; a cosine has a sign. */
  readonly what: string;
  readonly list: RelatedList<Similarity | ReaderWay>;
  readonly shown: ShownRows;
  /** Whether rows say of which dictionary they are. */
  readonly isElsewhere?: boolean;
}

function ScoreTable({ title, what, list: { components }, shown, isElsewhere = false }: ScoreTableProps): VNode {
  const format = what === "cosine" ? formatSigned : formatNumber;
  const rows = components.map(({ component, score, dictionary = null }) => ({
    component,
    dictionary,
    note: isElsewhere ? dictionary : null,
    cells: [{ text: format(score), exact: score }],
  }));
  return <RelatedTable title={title} columns={[what]} empty="There is none." rows={rows} shown={shown} />;
}

interface ByActivityProps {
  /** Null where no sweep has collected anything. */
  readonly found: CoActivation | null;
  readonly textSet: string | null;
  readonly shown: ShownRows;
}

function ByActivity({ found, textSet, shown }: ByActivityProps): VNode {
  const title = "Active together";
  if (found === null) {
    return (
      <RelatedGroup title={title} note="Which components are strong on the same texts.">
        <p class="empty-state">
          No sweep has collected anything{textSet === null ? "" : ` over “${textSet}”`}{" "}
          yet: begin one where this page offers it, or with <code>deno task sweep</code>.
        </p>
      </RelatedGroup>
    );
  }
  const { source, sequenceCount, sampleCount, chance, topCount, lists } = found;
  const independent = chance === null ? "" : ` Independent: ${formatNumber(chance)} in the root mean square.`;
  const note = [
    `Over ${formatCount(sequenceCount)} texts of “${source}”. Correlations are those of the largest values on`,
    `${sampleCount} random texts: so few that they are rough, and long texts raise all values.${independent}`,
    `Shared texts are among the ${topCount} strongest of both.`,
  ].join(" ");
  return (
    <RelatedGroup title={title} note={note}>
      <div class="related-lists">
        {lists.map((list) => <CorrelatedTable list={list} shown={shown} />)}
        {lists.map((list) => <SharedTable list={list} shown={shown} />)}
      </div>
    </RelatedGroup>
  );
}

interface ActivityTableProps {
  readonly list: CoActivation["lists"][number];
  readonly shown: ShownRows;
}

function CorrelatedTable({ list: { kind, correlated }, shown }: ActivityTableProps): VNode {
  return (
    <RelatedTable
      title={`${pluralOf(kind)} that vary with it`}
      columns={["correlation"]}
      empty="None varies with it on the texts read so far."
      rows={correlated.map(({ component, correlation }) => ({
        component,
        cells: [{ text: formatSigned(correlation), exact: correlation }],
      }))}
      shown={shown}
    />
  );
}

function SharedTable({ list: { kind, shared }, shown }: ActivityTableProps): VNode {
  return (
    <RelatedTable
      title={`${pluralOf(kind)} on the same texts`}
      columns={["shared", "Jaccard"]}
      empty="None is strongest on the same texts."
      rows={shared.map(({ component, shared: count, jaccard }) => ({
        component,
        cells: [{ text: formatCount(count), exact: count }, { text: formatNumber(jaccard), exact: jaccard }],
      }))}
      shown={shown}
    />
  );
}
