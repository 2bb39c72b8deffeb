/** What each layer would already predict. Computed when its card is opened. */
import type { VNode } from "preact";
import { LensGrid } from "../charts/lens_grid.tsx";
import type { ShownRun } from "../props.ts";
import { runUrl } from "../urls.ts";
import { PageWays } from "./pager.tsx";
import { Card, cardId, LoadedContent, viewLink } from "./card.tsx";

/** Tokens that the card shows at a time. */
export const LENS_TOKENS = 12;

export function LensCard({ result, view, lens }: ShownRun): VNode {
  const { id, sides } = result;
  const side = sides.length > 1 ? view.pair[0] : 0;
  const { tokens = [], position = 0, label = "" } = sides[side] ?? {};
  return (
    <Card
      name="lens"
      title="Logit lens"
      runId={id}
      view={view}
      class="lens-card"
      note={
        <p class="fine-print">
          The residual stream after each layer, read out as if it were the last{sides.length > 1 ? `: ${label}` : ""}.
        </p>
      }
    >
      <LoadedContent
        loaded={lens ?? { state: "pending" }}
        href={runUrl(id, view)}
        targetId={cardId("lens")}
        what="The logit lens"
      >
        {(shown) => {
          const end = shown.from + (shown.rows[0]?.length ?? 0);
          const leads = (from: number) => viewLink(id, { ...view, lensFrom: Math.max(0, from) });
          return (
            <>
              <LensGrid lens={shown} position={position} />
              <PageWays
                label="Tokens of the logit lens"
                words={["← earlier tokens", "later tokens →"]}
                previous={shown.from > 0 ? { id: "lens-previous", ...leads(shown.from - LENS_TOKENS) } : null}
                next={end < tokens.length ? { id: "lens-next", ...leads(end) } : null}
              >
                tokens {shown.from}–{end - 1} of {tokens.length}
              </PageWays>
            </>
          );
        }}
      </LoadedContent>
    </Card>
  );
}
