/** The job that explains many components: one after the other, each stored when it is done. What was answered is never asked again. */
import { createHash } from "node:crypto";
import {
  type Component,
  componentsPerLayer,
  formatComponent,
  isLatentKind,
  resolveComponent,
} from "./corpus/component.ts";
import { EngineError } from "./errors.ts";
import { AssistantError, type AssistantFailure } from "./explain/assistant.ts";
import type { ExplainTask } from "./explain/explanation.ts";
import { NOTHING_SPENT } from "./explain/metered_assistant.ts";
import type { Explanations } from "./explanations.ts";
import type { JobSource } from "./job_source.ts";
import type { Job } from "./jobs/job.ts";
import type { JobControl } from "./jobs/job_queue.ts";
import type { LanguageModel } from "./model/language_model.ts";

/** Failures of one component: the next may do better. All others would meet the next one too. */
const OF_ONE_COMPONENT: ReadonlySet<AssistantFailure> = new Set(["unreadable", "refusal", "request"]);

/** The job as it is when it is asked for. @throws {ValidationError} if there is no such component, or no assistant */
export function newExplainJob(
  model: LanguageModel,
  { task, textSet }: { readonly task: ExplainTask; readonly textSet: string | undefined },
  explanations: Explanations,
): Job {
  if (task.by === "assistant" && explanations.assistant === null) {
    explanations.meansOf(task.by, { signal: AbortSignal.abort() });
  }
  const components = componentsOf(task, model);
  // Another budget or number of candidates is the same work, gone on with under new terms.
  const named = createHash("sha256").update(JSON.stringify([components, task.dictionary ?? null, textSet ?? null]))
    .digest("hex").slice(0, 12);
  const title = task.layer === undefined ? `${components.length}` : `${task.layer.kind}/${task.layer.index}`;
  return {
    id: `explain:${model.id}:${task.by}:${title}:${named}`,
    kind: "explain",
    model: model.id,
    textSet: textSet ?? null,
    explain: task,
    state: "queued",
    done: 0,
    total: components.length,
    unit: "components",
    perSecond: null,
    etaSeconds: null,
    problem: null,
  };
}

/** Does the job, from wherever it was left. */
export async function explainMany(
  job: Job,
  { signal, isStopping, progress }: JobControl,
  { source, explanations }: { readonly source: JobSource; readonly explanations: Explanations },
): Promise<"done" | "stopped"> {
  const { explain: task } = job;
  if (task === undefined) throw new EngineError("The job does not say what to explain");
  const model = source.model(job.model);
  const components = componentsOf(task, model);
  const { answers } = source.store;
  const means = explanations.meansOf(task.by, {
    signal,
    budget: task.budget,
    before: answers.spentOf(job.id) ?? NOTHING_SPENT,
    onSpent: (spent) => answers.saveSpent(job.id, spent),
  });
  progress(0, components.length);
  for (const [done, name] of components.entries()) {
    if (isStopping()) return "stopped";
    const about = resolveComponent({ component: name, dictionary: task.dictionary }, model);
    const target = { ...about, textSet: job.textSet ?? undefined, by: task.by, candidates: task.candidates };
    try {
      await explanations.explainFor(target, means);
    } catch (error) {
      if (!isOfOneComponent(error)) throw error;
    }
    progress(done + 1, components.length);
  }
  return "done";
}

/** Its page then says what was wrong, and can try again. */
function isOfOneComponent(error: unknown): boolean {
  if (error instanceof AssistantError) return OF_ONE_COMPONENT.has(error.kind);
  // Nothing to say of a component that is never active.
  return error instanceof EngineError && error.constructor === EngineError;
}

/** @throws {ValidationError} */
function componentsOf({ components, layer, dictionary: id }: ExplainTask, model: LanguageModel): readonly string[] {
  if (components !== undefined) {
    const named = components.map((component) => resolveComponent({ component, dictionary: id }, model).component);
    return [...new Set(named.map(formatComponent))];
  }
  const { kind: name = "", index = 0 } = layer ?? {};
  const { component: { kind }, dictionary } = resolveComponent(
    { component: `${name}/${index}/0`, dictionary: id },
    model,
  );
  const count = isLatentKind(kind) ? dictionary?.detail.latentCount ?? 0 : componentsPerLayer(kind, model.architecture);
  return Array.from({ length: count }, (_, i): Component => ({ kind, layer: index, index: i })).map(formatComponent);
}
