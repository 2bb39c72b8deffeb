/** What a component promotes in the vocabulary and what drives it, on one of its examples. */
import type { ComponentChildren, VNode } from "preact";
import type { ScoredList, ScoredTokens } from "../../engine/mod.ts";
import { formatSigned, tokenLabel } from "../format.ts";
import { heatClass } from "../heat.ts";

const READ_TITLES = {
  in: "Which tokens would drive it",
  q: "Which tokens would make it look: the query side",
  k: "Which tokens it looks for: the key side",
} as const;

/** Tokens at either end of a component's lists before more are asked for. */
export const FIRST_TOKENS = 20;

export interface VocabularyProps {
  readonly tokens: ScoredTokens;
  /** What stands above the lists: how many of how many they show. */
  readonly children?: ComponentChildren;
}

export function Vocabulary({ tokens, children }: VocabularyProps): VNode {
  const { node: ref, write, reads, alone } = tokens;
  return (
    <>
      {children}
      <VocabularyCard
        id="promotes"
        title="What it promotes"
        help={`The write of ${ref} through the final norm’s gain and the unembedding, less the mean over the vocabulary.`}
        list={write}
        ends={["promoted", "suppressed"]}
      />
      {reads.map(({ path, ...list }) => (
        <VocabularyCard
          id={`reads-${path ?? "in"}`}
          title={READ_TITLES[path ?? "in"]}
          help={`Token embeddings along the gradient of its ${
            path === null ? "pre-activation" : "attention score"
          } at the token read there.`}
          list={list}
          ends={["raise it", "lower it"]}
        />
      ))}
      {alone === null ? null : (
        <VocabularyCard
          id="alone"
          title="Each token by itself"
          help="Its pre-activation if the residual were this token’s embedding and nothing else; independent of any prompt."
          list={alone}
          ends={["highest", "lowest"]}
        />
      )}
    </>
  );
}

interface VocabularyCardProps {
  readonly id: string;
  readonly title: string;
  readonly help: string;
  readonly list: ScoredList;
  readonly ends: readonly [string, string];
}

function VocabularyCard({ id, title, help, list, ends }: VocabularyCardProps): VNode {
  return (
    <section class="card" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      <p class="fine-print">{help}</p>
      <TokenLists list={list} titles={ends} />
    </section>
  );
}

/** Both ends of a list of scores, with their values. */
export function TokenLists(
  { list, titles }: { readonly list: ScoredList; readonly titles: readonly [string, string] },
): VNode {
  const largest = Math.max(...[...list.top, ...list.bottom].map(({ score }) => Math.abs(score)));
  return (
    <div class="token-lists">
      {([list.top, list.bottom] as const).map((ends, index) => (
        <div>
          <h3>{titles[index]}</h3>
          <ol class="scored-tokens">
            {ends.map(({ id, text, score }) => (
              <li class={heatClass(score, largest)} title={`id ${id}: ${score}`}>
                <code class="token-name">{tokenLabel(text)}</code> <span class="number">{formatSigned(score)}</span>
              </li>
            ))}
          </ol>
        </div>
      ))}
    </div>
  );
}
