/** Ways to what comes before and after; an end says that it is one. */
import type { ComponentChildren, VNode } from "preact";

/** Attributes of a link, or null where there is nothing further. */
export type Way = Readonly<Record<string, string>> | null;

export interface PageWaysProps {
  readonly label: string;
  readonly previous: Way;
  readonly next: Way;
  /** What the two are called, with their arrows. */
  readonly words?: readonly [string, string];
  /** What stands between them: where one is. */
  readonly children: ComponentChildren;
  /** What stands around them. */
  readonly before?: ComponentChildren;
  readonly after?: ComponentChildren;
}

export function PageWays(
  { label, previous, next, words = ["← Previous", "Next →"], children, before, after }: PageWaysProps,
): VNode {
  const way = (attributes: Way, text: string) =>
    attributes === null ? <span class="pager-end">{text}</span> : <a {...attributes}>{text}</a>;
  return (
    <nav class="pager" aria-label={label}>
      {before}
      {way(previous, words[0])}
      <span>{children}</span>
      {way(next, words[1])}
      {after}
    </nav>
  );
}

/** One way to a neighbour. */
export interface Step {
  readonly name: string;
  readonly mark: string;
  readonly rel?: "prev" | "next";
  /** Null at the end. */
  readonly href: string | null;
}

/** Small ways to the neighbours of a head, a neuron, a layer. */
export function Steps({ label, steps }: { readonly label: string; readonly steps: readonly Step[] }): VNode {
  return (
    <nav class="steps" aria-label={label}>
      {steps.map(({ name, mark, rel, href }) =>
        href === null
          ? <span class="pager-end" title={`no ${name}`}>{mark}</span>
          : <a href={href} rel={rel} title={name} aria-label={name}>{mark}</a>
      )}
    </nav>
  );
}
