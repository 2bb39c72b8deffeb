/** Components of a model that stand out by one number each: where to begin to look. */
import type { VNode } from "preact";
import type { ModelSummary } from "../../engine/mod.ts";
import { defaultCatalogue, SORT_TITLES } from "../catalogue_view.ts";
import { formatNumber, formatShare } from "../format.ts";
import type { JumpList } from "../props.ts";
import { catalogueUrl, componentUrl } from "../urls.ts";

/** What a list is called, where the number's name alone does not say it. */
const TITLES: Readonly<Partial<Record<JumpList["sort"], string>>> = {
  induction: "Induction heads",
  previousToken: "Previous-token heads",
  duplicateToken: "Duplicate-token heads",
  copying: "Copying heads",
  kurtosis: "Sparsest neurons (kurtosis)",
  fractionActive: "Most active neurons",
  max: "Strongest neurons",
};

export interface JumpListsProps {
  readonly model: ModelSummary;
  readonly lists: readonly JumpList[];
}

export function JumpLists({ model, lists }: JumpListsProps): VNode {
  return (
    <section class="card" aria-labelledby={`jump-${model.id}`}>
      <h2 id={`jump-${model.id}`}>Components of {model.id} worth a look</h2>
      <div class="jump-lists">
        {lists.map(({ kind, sort, rows }) => (
          <div>
            <h3>
              <a href={catalogueUrl(model.id, { ...defaultCatalogue(kind), sort })}>
                {TITLES[sort] ?? SORT_TITLES[sort]}
              </a>
            </h3>
            <ol>
              {rows.map(({ component, value }) => (
                <li>
                  <a href={componentUrl(model.id, component)}>
                    <code>{component}</code>
                  </a>
                  <span title={String(value)}>
                    {sort === "fractionActive" ? formatShare(value) : formatNumber(value)}
                  </span>
                </li>
              ))}
            </ol>
          </div>
        ))}
      </div>
    </section>
  );
}
