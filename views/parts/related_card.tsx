/** Which other components have to do with one: by weights, and by when they are active. Each leads to its own page. */
import type { VNode } from "preact";
import type {
  CoActivation,
  ModelSummary,
  ReaderWay,
  RelatedComponents,
  RelatedList,
  Similarity,
} from "../../engine/mod.ts";
import type { ComponentView } from "../component_view.ts";
import { formatCount, formatNumber, formatSigned } from "../format.ts";
import type { Loaded } from "../props.ts";
import { componentUrl, relatedHelpUrl } from "../urls.ts";
import { LoadedContent } from "./card.tsx";
import { COMPONENT_ID } from "./example_list.tsx";

type Kind = "head" | "mlp";

export interface RelatedCardProps {
  readonly related: Loaded<RelatedComponents>;
  readonly kind: Kind;
  readonly model: ModelSummary;
  readonly view: ComponentView;
  /** Address of the page as it is. */
  readonly href: string;
}

export function RelatedCard({ related, kind, model, view, href }: RelatedCardProps): VNode {
  // Texts of one's own would make each of many links as long as they are.
  const { run, textSet, mode } = view;
  const hrefOf = (component: string) => componentUrl(model.id, component, { run, textSet, mode });
  return (
    <section class="card related" aria-labelledby="related-title">
      <div class="card-head">
        <h2 id="related-title">Related components</h2>
        <p class="fine-print">
          <a href={relatedHelpUrl()}>How they are compared</a>
        </p>
      </div>
      <LoadedContent loaded={related} href={href} targetId={COMPONENT_ID} what="Its related components">
        {(found) => (
          <>
            <ByWeights found={found} kind={kind} hrefOf={hrefOf} />
            <TogetherActive found={found.coActivation} textSet={textSet} hrefOf={hrefOf} />
          </>
        )}
      </LoadedContent>
    </section>
  );
}

type HrefOf = (component: string) => string;

const SIMILARITY_TITLES: Readonly<Record<Similarity, readonly [title: string, what: string]>> = {
  output: ["Write alike", "cosine of output weights"],
  input: ["Read alike", "cosine of input weights"],
  ov: ["Move alike", "cosine of OV circuits"],
  qk: ["Look alike", "cosine of QK circuits"],
};

/** By the kind of the reader. */
const WAY_TITLES: Readonly<Record<ReaderWay, string>> = { in: "input", q: "query", k: "key", v: "value" };
const COMPOSITIONS: Readonly<Record<ReaderWay, string>> = {
  in: "composition",
  q: "Q-composition",
  k: "K-composition",
  v: "V-composition",
};
const PLURALS: Readonly<Record<Kind, string>> = { head: "Heads", mlp: "Neurons" };

function ByWeights(
  { found, kind, hrefOf }: { readonly found: RelatedComponents; readonly kind: Kind; readonly hrefOf: HrefOf },
): VNode {
  const { similar, upstream, downstream } = found;
  const composed = (list: RelatedList<ReaderWay>, title: string) => {
    const isCosine = kind === "mlp" && list.kind === "mlp";
    return <ScoreTable title={title} what={isCosine ? "cosine" : COMPOSITIONS[list.by]} list={list} hrefOf={hrefOf} />;
  };
  return (
    <>
      <Group title="Similar weights" note={`${chance(similar)} Biases are left out.`}>
        {similar.map((list) => {
          const [title, what] = SIMILARITY_TITLES[list.by];
          return <ScoreTable title={title} what={what} list={list} hrefOf={hrefOf} />;
        })}
      </Group>
      <Group
        title="What it reads"
        note={`How much of what an earlier component writes its weights read, whatever the text. ${chance(upstream)}`}
      >
        {upstream.map((list) =>
          composed(
            list,
            kind === "mlp" ? PLURALS[list.kind] : `${PLURALS[list.kind]}, through its ${WAY_TITLES[list.by]}`,
          )
        )}
      </Group>
      <Group
        title="What reads it"
        note={`How much of what it writes the weights of a later component read. ${chance(downstream)}`}
      >
        {downstream.map((list) =>
          composed(
            list,
            list.by === "in" ? PLURALS[list.kind] : `${PLURALS[list.kind]}, through their ${WAY_TITLES[list.by]}`,
          )
        )}
      </Group>
    </>
  );
}

/** What random weights would score. */
function chance(lists: readonly RelatedList<Similarity | ReaderWay>[]): string {
  const [first] = lists;
  return first === undefined
    ? ""
    : `Weights turned at random would score ${formatNumber(first.chance)} (root mean square).`;
}

function Group(
  { title, note, children }: { readonly title: string; readonly note: string; readonly children: readonly VNode[] },
): VNode {
  return (
    <section class="related-group">
      <h3>{title}</h3>
      <p class="fine-print">{note}</p>
      <div class="related-lists">{children}</div>
    </section>
  );
}

interface ScoreTableProps {
  readonly title: string;
  readonly what: string;
  readonly list: RelatedList<Similarity | ReaderWay>;
  readonly hrefOf: HrefOf;
}

function ScoreTable({ title, what, list: { components }, hrefOf }: ScoreTableProps): VNode {
  const isCosine = what.startsWith("cosine");
  return (
    <RelatedTable
      title={title}
      columns={[what]}
      empty="There is none."
      hrefOf={hrefOf}
      rows={components.map(({ component, score }) => ({
        component,
        cells: [{ text: isCosine ? formatSigned(score) : formatNumber(score), exact: score }],
      }))}
    />
  );
}

function TogetherActive(
  { found, textSet, hrefOf }: {
    readonly found: CoActivation | null;
    readonly textSet: string | null;
    readonly hrefOf: HrefOf;
  },
): VNode {
  if (found === null) {
    return (
      <section class="related-group">
        <h3>Active together</h3>
        <p class="empty-state">
          No sweep has collected anything{textSet === null ? "" : ` over “${textSet}”`}: begin one above, or with{" "}
          <code>deno task sweep</code>. It tells which components are strong on the same texts.
        </p>
      </section>
    );
  }
  const { source, sequenceCount, sampleCount, chance, topCount, lists } = found;
  const independent = chance === null ? "" : ` Independent ones have ${formatNumber(chance)} (root mean square).`;
  return (
    <Group
      title="Active together"
      note={`Over “${source}”, ${
        formatCount(sequenceCount)
      } texts. Correlations are over the largest values on ${sampleCount} random texts only, so they are rough; longer texts raise all of them.${independent} Shared texts are among the ${topCount} strongest of both.`}
    >
      {lists.flatMap(({ kind, correlated, shared }) => [
        <RelatedTable
          title={`${PLURALS[kind]}, by their largest values`}
          columns={["correlation"]}
          empty="None varies with it on the texts read so far."
          hrefOf={hrefOf}
          rows={correlated.map(({ component, correlation }) => ({
            component,
            cells: [{ text: formatSigned(correlation), exact: correlation }],
          }))}
        />,
        <RelatedTable
          title={`${PLURALS[kind]}, by their strongest texts`}
          columns={["shared", "Jaccard"]}
          empty="None is strongest on the same texts."
          hrefOf={hrefOf}
          rows={shared.map(({ component, shared: count, jaccard }) => ({
            component,
            cells: [{ text: formatCount(count), exact: count }, { text: formatNumber(jaccard), exact: jaccard }],
          }))}
        />,
      ])}
    </Group>
  );
}

interface RelatedTableProps {
  readonly title: string;
  /** Titles of the numbers. */
  readonly columns: readonly string[];
  /** Said where there are no rows. */
  readonly empty: string;
  readonly rows: readonly {
    readonly component: string;
    readonly cells: readonly { readonly text: string; readonly exact: number }[];
  }[];
  readonly hrefOf: HrefOf;
}

function RelatedTable({ title, columns, empty, rows, hrefOf }: RelatedTableProps): VNode {
  if (rows.length === 0) {
    return (
      <div>
        <h4>{title}</h4>
        <p class="empty-state">{empty}</p>
      </div>
    );
  }
  return (
    <table>
      <caption>{title}</caption>
      <thead>
        <tr>
          <th scope="col">Component</th>
          {columns.map((column) => <th scope="col" class="number">{column}</th>)}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ component, cells }) => (
          <tr>
            <th scope="row">
              <a href={hrefOf(component)}>
                <code>{component}</code>
              </a>
            </th>
            {cells.map(({ text, exact }) => <td class="number" title={String(exact)}>{text}</td>)}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
