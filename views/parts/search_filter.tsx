/** What narrows and orders a search: kind, layers, order, records. A plain form; with script every change is followed at once. */
import type { VNode } from "preact";
import type { FoundSort, ModelSummary } from "../../engine/mod.ts";
import { SEARCH_SORTS, type SearchView } from "../search_view.ts";
import { KeptSearch, searchForm } from "./search_form.tsx";

export interface SearchFilterProps {
  readonly model: ModelSummary;
  readonly view: SearchView;
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

const KINDS = [["", "heads and neurons"], ["head", "heads"], ["mlp", "neurons"]] as const;

export function SearchFilter({ model, view, sort, sources, source }: SearchFilterProps): VNode {
  // Without records there is nothing to be compared with.
  const sorts = SEARCH_SORTS[view.in].filter((known) => known === "value" || source !== null);
  const kept: SearchView = { ...view, kind: null, layers: [], sort: null, textSet: null, page: 1, texts: 1 };
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
          {KINDS.map(([value, title]) => <option value={value} selected={(view.kind ?? "") === value}>{title}</option>)}
        </select>
      </label>
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
