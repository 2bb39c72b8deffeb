/** What the tables of both searches have in common. */
import type { VNode } from "preact";
import { componentKind, KIND_NAMES } from "../component_kinds.ts";
import { sequentialClass } from "../charts/sequential.ts";
import { formatCount, formatNumber, formatShare } from "../format.ts";
import type { SearchView } from "../search_view.ts";
import { searchUrl } from "../urls.ts";
import { swapLink } from "./card.tsx";
import { PageWays } from "./pager.tsx";
import { SEARCH_ID } from "./search_form.tsx";

/** Rows of a page of either list. */
export const SEARCH_ROWS = 25;

export function ComponentLink({ name, href }: { readonly name: string; readonly href: string }): VNode {
  const kind = componentKind(name.split("/")[0]) ?? "mlp";
  return (
    <>
      <span class="kind" data-kind={kind === "mlp" ? "neuron" : kind}>{KIND_NAMES[kind].one}</span>
      <a href={href}>
        <code>{name}</code>
      </a>
    </>
  );
}

export interface ComparedProps {
  readonly largest: number | null;
  readonly relative: number | null;
}

/** Two cells: the component's largest value over the records, and the share of it. */
export function Compared({ largest, relative }: ComparedProps): VNode {
  return (
    <>
      <td class="number" title={largest === null ? "no value" : String(largest)}>
        {largest === null ? "—" : formatNumber(largest)}
      </td>
      {relative === null
        ? <td class="number" title="It is hardly ever above 0: a share of its largest value says nothing">—</td>
        : (
          <td class={`number ${sequentialClass(relative, 1)}`} title={String(relative)}>
            {formatShare(relative)}
          </td>
        )}
    </>
  );
}

export interface SearchPagesProps {
  readonly view: SearchView;
  /** Rows of all pages. */
  readonly kept: number;
  /** Which of the lists. */
  readonly name: "page" | "texts";
  readonly label: string;
}

/** Ways to the pages before and after; nothing where there is only one. */
export function SearchPages({ view, kept, name, label }: SearchPagesProps): VNode | null {
  const pageCount = Math.ceil(kept / SEARCH_ROWS);
  if (pageCount < 2) return null;
  const page = Math.min(view[name], pageCount);
  const link = (other: number) => swapLink(searchUrl({ ...view, [name]: other }), `#${SEARCH_ID}`);
  return (
    <PageWays
      label={label}
      previous={page > 1 ? { id: `${name}-previous`, rel: "prev", ...link(page - 1) } : null}
      next={page < pageCount ? { id: `${name}-next`, rel: "next", ...link(page + 1) } : null}
      before={
        <span class="pager-count">
          {formatCount((page - 1) * SEARCH_ROWS + 1)}–{formatCount(Math.min(kept, page * SEARCH_ROWS))} of{" "}
          {formatCount(kept)}
        </span>
      }
    >
      page {page} of {pageCount}
    </PageWays>
  );
}
