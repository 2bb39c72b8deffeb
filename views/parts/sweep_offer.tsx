/** Where there are no records yet: a sweep makes them. */
import type { VNode } from "preact";
import type { ModelSummary } from "../../engine/mod.ts";
import { sweepUrl } from "../urls.ts";

export interface SweepOfferProps {
  readonly model: ModelSummary;
  /** Null for the model's first. */
  readonly textSet: string | null;
  /** Id of the dictionary whose latents are swept; null for the model's own components. */
  readonly dictionary?: string | null;
}

export function SweepOffer({ model, textSet, dictionary = null }: SweepOfferProps): VNode {
  return (
    <section class="card sweep-offer" aria-labelledby="offer-title">
      <h2 id="offer-title">No records yet</h2>
      <p>
        A sweep runs {textSet === null ? "the model’s texts" : `“${textSet}”`} through {model.id}{" "}
        once and keeps, for every{" "}
        {dictionary === null ? "neuron and head" : `latent of ${dictionary}`}, where it is strongest and how its values
        are spread. It works behind your questions, and goes on after a restart.
      </p>
      <form method="post" action={sweepUrl(model.id)}>
        {textSet === null ? null : <input type="hidden" name="textSet" value={textSet} />}
        {dictionary === null ? null : <input type="hidden" name="dictionary" value={dictionary} />}
        <button type="submit" class="primary">Sweep {dictionary ?? model.id}</button>
      </form>
      <p class="fine-print">
        From a terminal: <code>deno task sweep{dictionary === null ? "" : ` --dictionary ${dictionary}`}</code>
      </p>
    </section>
  );
}
