/** Short tables of components side by side, each component a link to its own page. */
import type { ComponentChildren, VNode } from "preact";

/** How rows are shown. */
export interface ShownRows {
  /** Most of a table. */
  readonly count: number;
  /** A component's page; of a latent, in a dictionary where it is known. */
  readonly hrefOf: (component: string, dictionary: string | null) => string;
}

export interface RelatedGroupProps {
  readonly title: string;
  readonly note: ComponentChildren;
  readonly children: ComponentChildren;
}

/** Tables that are compared in one way. */
export function RelatedGroup({ title, note, children }: RelatedGroupProps): VNode {
  return (
    <section class="related-group">
      <h3>{title}</h3>
      <p class="fine-print">{note}</p>
      {children}
    </section>
  );
}

export interface RelatedTableProps {
  readonly title: string;
  /** Titles of the numbers. */
  readonly columns: readonly string[];
  /** Said where there are no rows. */
  readonly empty: string;
  readonly rows: readonly {
    readonly component: string;
    /** Of a latent. */
    readonly dictionary?: string | null;
    /** Said under the component. */
    readonly note?: string | null;
    /** One a column: as it is shown, and unrounded. */
    readonly cells: readonly { readonly text: string; readonly exact: number }[];
  }[];
  readonly shown: ShownRows;
}

export function RelatedTable({ title, columns, empty, rows, shown: { count, hrefOf } }: RelatedTableProps): VNode {
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
        {rows.slice(0, count).map(({ component, dictionary = null, note = null, cells }) => (
          <tr>
            <th scope="row">
              <a href={hrefOf(component, dictionary)}>
                <code>{component}</code>
              </a>{" "}
              {note === null ? null : <span class="fine-print">{note}</span>}
            </th>
            {cells.map(({ text, exact }) => <td class="number" title={String(exact)}>{text}</td>)}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
