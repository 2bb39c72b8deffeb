/** Many components explained at once, as a job: those that a list shows, or all of a layer or dictionary. */
import type { VNode } from "preact";
import type { AssistantSummary, ComponentKind, Job, ModelSummary } from "../../engine/mod.ts";
import { KIND_NAMES } from "../component_kinds.ts";
import { formatCount } from "../format.ts";
import { componentUrl, explainManyUrl } from "../urls.ts";
import { JobProgress } from "./job_progress.tsx";

export const EXPLAIN_MANY_ID = "explain-many";

/** Tokens that an assistant may use, unless somebody types another number. */
const DEFAULT_BUDGET = 1_000_000;

export interface ExplainManyProps {
  readonly model: ModelSummary;
  readonly kind: ComponentKind;
  /** Of latents: id of their dictionary; else null. */
  readonly dictionary: string | null;
  /** Whose records they are explained from; null for the first. */
  readonly textSet: string | null;
  /** Those that the list shows; at least one. */
  readonly listed: readonly string[];
  /** All of a layer or dictionary, where the list is of one. */
  readonly group: { readonly layer: number; readonly count: number } | null;
  /** Null where none is configured. */
  readonly assistant: AssistantSummary | null;
  /** Those that explain, or have explained, such components: the newest first. */
  readonly jobs: readonly Job[];
  /** Address that shows this again, and the id of what its answer replaces; null where another part looks again. */
  readonly again: { readonly href: string; readonly targetId: string };
  readonly looksAgain: boolean;
}

export function ExplainMany(props: ExplainManyProps): VNode {
  const { model, kind, dictionary, textSet, listed, group, assistant, jobs, again, looksAgain } = props;
  const { many } = KIND_NAMES[kind];
  const underWay = jobs.find(({ state }) => state === "running" || state === "queued");
  return (
    <section class="card" id={EXPLAIN_MANY_ID} aria-labelledby="explain-many-title">
      <h2 id="explain-many-title">Explain them</h2>
      {jobs.map((job) => <JobProgress job={job} {...again} looksAgain={looksAgain && job.id === underWay?.id} />)}
      <form method="post" action={explainManyUrl(model.id)} class="explain-many">
        <input type="hidden" name="kind" value={kind} />
        <input type="hidden" name="listed" value={listed.join(" ")} />
        {dictionary === null ? null : <input type="hidden" name="dictionary" value={dictionary} />}
        {textSet === null ? null : <input type="hidden" name="textSet" value={textSet} />}
        {group === null ? null : <input type="hidden" name="layer" value={group.layer} />}
        <fieldset>
          <legend>Which</legend>
          <label>
            <input type="radio" name="of" value="listed" checked /> the {formatCount(listed.length)} of this page
          </label>
          {group === null ? <p class="fine-print">Choose a layer above to explain all of its {many}.</p> : (
            <label>
              <input type="radio" name="of" value="layer" /> all {formatCount(group.count)} {many} of{" "}
              {dictionary ?? `layer ${group.layer}`}
            </label>
          )}
        </fieldset>
        <p class="fine-print">
          Each gets a sentence and a score beside a control. What is there already is kept; it works behind your
          questions, can be paused, and goes on after a restart.
        </p>
        <div class="links">
          <button type="submit" name="by" value="statistical" class="primary">Explain by rules</button>
        </div>
        {assistant === null ? null : <WithAssistant {...props} assistant={assistant} />}
      </form>
    </section>
  );
}

/** What would be sent, how much it may cost, and the button that sends it. */
function WithAssistant(
  { model, dictionary, textSet, listed, assistant }: ExplainManyProps & { readonly assistant: AssistantSummary },
): VNode {
  const [first = ""] = listed;
  const example = componentUrl(model.id, first, { dictionary, textSet, plan: true });
  return (
    <fieldset class="explain-budget">
      <legend>With {assistant.model}</legend>
      <p class="fine-print">
        Texts from the records of each are sent to <code>{assistant.origin}</code>, until the budget is used up:{" "}
        <a href={example}>what {first} would be sent</a>.
      </p>
      <div class="links">
        <label>
          At most <input name="tokens" value={DEFAULT_BUDGET} inputmode="numeric" size={10} /> tokens
        </label>
        <label>
          and <input name="money" value="" inputmode="decimal" size={6} placeholder="any" /> of money
        </label>
        <button type="submit" name="by" value="assistant">Send to {assistant.origin}</button>
      </div>
    </fieldset>
  );
}
