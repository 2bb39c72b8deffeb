/** What narrows and orders a search: kind, layers, order, records. A plain form; with script every change is followed at once. */
import type { VNode } from "preact";
import type { ComponentKind, FoundSort, ModelSummary } from "../../engine/mod.ts";
import { KIND_NAMES } from "../component_kinds.ts";
import { SEARCH_SORTS, type SearchView } from "../search_view.ts";
import { KeptSearch, searchForm } from "./search_form.tsx";

/** What latents can be looked for. */
export interface LatentChoice {
  /** Kinds that dictionaries are loaded of. */
  readonly kinds: readonly ComponentKind[];
  /** Ids of the dictionaries of the kind that is shown; none where it is not of latents. */
  readonly dictionaries: readonly string[];
  /** The one that is looked in; null for heads and neurons. */
  readonly dictionary: string | null;
}

export interface SearchFilterProps {
  readonly model: ModelSummary;
  readonly view: SearchView;
  readonly latents: LatentChoice;
  /** The order that is shown. */
  readonly sort: FoundSort;
  /** Text sets that have records, the shown one among them; with fewer than two there is no choice. */
  readonly sources: readonly string[];
  /** The text set that is shown; null without records. */
  readonly source: string | null;
}

const SORT_TITLES: Readonly<Record<FoundSort, string>> = {
  matches: "top texts that match",
  relative: "share of its largest",
  value: "value",
};

/** Kinds that can be chosen, as the form writes them. */
function kindOptions({ kinds }: LatentChoice): readonly (readonly [value: string, title: string])[] {
  const own = (["head", "mlp", ...kinds] as const).map((kind) => [kind, KIND_NAMES[kind].many] as const);
  return [["", "heads and neurons"], ...own];
}

export function SearchFilter({ model, view, latents, sort, sources, source }: SearchFilterProps): VNode {
  // Without records there is nothing to be compared with.
  const sorts = SEARCH_SORTS[view.in].filter((known) => known === "value" || source !== null);
  const kept: SearchView = {
    ...view,
    kind: null,
    dictionary: null,
    layers: [],
    sort: null,
    textSet: null,
    page: 1,
    texts: 1,
  };
  return (
    <form
      id="search-filter"
      class="node-filter search-filter"
      aria-label="Narrow the search"
      hx-trigger="change, submit"
      {...searchForm()}
    >
      <KeptSearch view={kept} />
      <label>
        Of{" "}
        <select id="filter-kind" name="kind">
          {kindOptions(latents).map(([value, title]) => (
            <option value={value} selected={(view.kind ?? "") === value}>{title}</option>
          ))}
        </select>
      </label>
      {latents.dictionary === null ? <Layers model={model} view={view} /> : <Dictionaries {...latents} />}
      <label>
        By{" "}
        <select id="filter-sort" name="sort">
          {sorts.map((known) => <option value={known} selected={known === sort}>{SORT_TITLES[known]}</option>)}
        </select>
      </label>
      {sources.length < 2
        ? (view.textSet === null ? null : <input type="hidden" name="set" value={view.textSet} />)
        : (
          <label>
            Over{" "}
            <select id="filter-set" name="set">
              {sources.map((textSet) => <option value={textSet} selected={textSet === source}>{textSet}</option>)}
            </select>
          </label>
        )}
      <button type="submit" class="small">Apply</button>
    </form>
  );
}

function Layers({ model, view }: Pick<SearchFilterProps, "model" | "view">): VNode {
  return (
    <fieldset class="filter-layers">
      <legend>Layers</legend>
      {Array.from({ length: model.layerCount }, (_, layer) => (
        <label>
          <input
            type="checkbox"
            id={`filter-layer-${layer}`}
            name="layer"
            value={layer}
            checked={view.layers.includes(layer)}
          />
          {layer}
        </label>
      ))}
      <span class="fine-print">{view.layers.length === 0 ? "none ticked: all" : ""}</span>
    </fieldset>
  );
}

/** A dictionary is of one layer: it says where to look. */
function Dictionaries({ dictionaries, dictionary }: LatentChoice): VNode {
  return (
    <label>
      In{" "}
      <select id="filter-dictionary" name="dictionary">
        {dictionaries.map((id) => <option value={id} selected={id === dictionary}>{id}</option>)}
      </select>
    </label>
  );
}
