/** The token pairs of one head in a run, as a matrix with pinned rows. */
import type { VNode } from "preact";
import type { AttentionResult, RunResult } from "../../engine/mod.ts";
import { AttentionMatrix } from "../charts/attention_matrix.tsx";
import { METRIC_COLUMNS } from "../metrics.ts";
import { LoadedContent, swapLink } from "../parts/card.tsx";
import { PageWays, Steps } from "../parts/pager.tsx";
import type { Loaded } from "../props.ts";
import { attentionUrl, type AttentionView, componentUrl, runUrl } from "../urls.ts";
import { toggledList } from "../view_state.ts";

export const ATTENTION_ID = "attention";

/** Tokens on either axis. */
export const ATTENTION_WINDOW = 40;

export interface AttentionPageProps {
  readonly run: RunResult;
  readonly view: AttentionView;
  readonly layerCount: number;
  readonly headCount: number;
  readonly attention: Loaded<AttentionResult>;
}

export function AttentionPage(props: AttentionPageProps): VNode {
  const { run, view } = props;
  return (
    <div class="page attention-page">
      <p>
        <a href={runUrl(run.id)}>← back to the answer</a>
      </p>
      <h1>
        Where <code>{view.head}</code> looks
      </h1>
      <AttentionContent {...props} />
    </div>
  );
}

/** The part that changes. */
export function AttentionContent(props: AttentionPageProps): VNode {
  const { run, view, attention } = props;
  const { id, sides } = run;
  const link = (change: Partial<AttentionView>) =>
    swapLink(attentionUrl(id, { ...view, ...change }), `#${ATTENTION_ID}`);
  const side = sides[view.side];
  const count = side?.tokens.length ?? 0;
  const from = firstToken(view, count);
  const end = Math.min(count, from + ATTENTION_WINDOW);
  return (
    <section id={ATTENTION_ID} class="card attention" aria-labelledby="attention-title">
      <div class="card-head">
        <h2 id="attention-title" tabIndex={-1}>
          {METRIC_COLUMNS.find(({ key }) => key === view.metric)?.title} of {view.head}
          {sides.length > 1 ? `, ${side?.label}` : ""}
        </h2>
        <HeadSteps {...props} />
      </div>
      <nav class="pair-picker" aria-label="What is shown">
        {METRIC_COLUMNS.map(({ key, title }) => (
          <a id={`metric-${key}`} aria-current={key === view.metric ? "true" : undefined} {...link({ metric: key })}>
            {title}
          </a>
        ))}
      </nav>
      {sides.length < 2 ? null : (
        <nav class="pair-picker" aria-label="Side">
          {sides.map(({ label }, index) => (
            <a id={`side-${index}`} aria-current={index === view.side ? "true" : undefined} {...link({ side: index })}>
              {label}
            </a>
          ))}
        </nav>
      )}
      <LoadedContent loaded={attention} href={attentionUrl(id, view)} targetId={ATTENTION_ID} what="The matrix">
        {(shown) => (
          <>
            {count > ATTENTION_WINDOW
              ? (
                <PageWays
                  label="Tokens of the matrix"
                  words={["← earlier", "later →"]}
                  previous={from > 0
                    ? { id: "window-previous", ...link({ from: Math.max(0, from - ATTENTION_WINDOW) }) }
                    : null}
                  next={end < count ? { id: "window-next", ...link({ from: end }) } : null}
                >
                  tokens {from}–{end - 1} of {count}
                </PageWays>
              )
              : null}
            <AttentionMatrix
              attention={shown}
              window={{ from, count: end - from }}
              pinned={view.pins}
              rowLink={(query) => ({ ...link({ pins: toggledList(view.pins, query) }) })}
            />
          </>
        )}
      </LoadedContent>
      <p class="links">
        <a href={componentUrl(run.spec.model, view.head, { run: id })}>The component</a>
      </p>
    </section>
  );
}

/** Where the window begins: as asked, or such that it ends with the prompt. */
export function firstToken({ from }: Pick<AttentionView, "from">, count: number): number {
  return Math.max(0, Math.min(from ?? count - ATTENTION_WINDOW, count - 1));
}

/** To the neighbouring heads and layers; the ends say that they are. */
function HeadSteps({ run: { id }, view, layerCount, headCount }: AttentionPageProps): VNode {
  const [, layer = 0, head = 0] = view.head.split("/").map(Number);
  const hrefOf = (l: number, h: number) =>
    l < 0 || h < 0 || l >= layerCount || h >= headCount ? null : attentionUrl(id, { ...view, head: `head/${l}/${h}` });
  return (
    <Steps
      label="Neighbouring heads"
      steps={[
        { name: "previous head", mark: "←", rel: "prev", href: hrefOf(layer, head - 1) },
        { name: "next head", mark: "→", rel: "next", href: hrefOf(layer, head + 1) },
        { name: "layer below", mark: "↓", href: hrefOf(layer - 1, head) },
        { name: "layer above", mark: "↑", href: hrefOf(layer + 1, head) },
      ]}
    />
  );
}
