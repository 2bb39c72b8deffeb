/** A stored run's question, to be asked again in part. */
import type { RunResult, RunSpecInput } from "../engine/mod.ts";

/** What every question about a run shares. */
export type SharedQuestion = Pick<
  RunSpecInput,
  | "model"
  | "prompts"
  | "bos"
  | "objective"
  | "freezeFinalNorm"
  | "interventions"
  | "basis"
  | "dictionaries"
  | "dropErrors"
>;

/** The whole question, all prompts and interventions, without its trace. */
export function questionOf({ spec }: RunResult): SharedQuestion {
  const { prompts, interventions, model, bos, objective, freezeFinalNorm, basis, dictionaries, dropErrors } = spec;
  return structuredClone({
    model,
    prompts,
    // A BOS is never prepended to tokens.
    ...prompts.some((prompt) => "text" in prompt) ? { bos } : {},
    objective,
    freezeFinalNorm,
    interventions,
    basis,
    dictionaries,
    // Without dictionaries there are no errors.
    ...dropErrors === undefined ? {} : { dropErrors },
  }) as SharedQuestion;
}

/**
 * The question of one side as a question of its own with one prompt: with the interventions that hold there, patches aside, which need the
 * other prompt.
 */
export function questionOfSide(run: RunResult, side: number): SharedQuestion {
  const { spec, sides, alignment } = run;
  const label = sides[side]?.label ?? "clean";
  const own = label.startsWith("right") ? 1 : 0;
  const { bos: _bos, ...whole } = questionOf(run);
  const prompt = whole.prompts[own];
  const interventions = label.endsWith("clean") ? [] : spec.interventions.flatMap((intervention) => {
    if (intervention.patch !== undefined) return [];
    const ref = refOnPrompt(intervention.node, { from: intervention.prompt, to: own, alignment });
    return ref === null ? [] : [{ ...structuredClone(intervention), node: ref, prompt: 0 as const }];
  });
  return {
    ...whole,
    ...prompt !== undefined && "text" in prompt ? { bos: spec.bos } : {},
    prompts: prompt === undefined ? [] : [prompt],
    interventions: interventions as SharedQuestion["interventions"],
  };
}

/** A ref with its tokens as another prompt counts them; null if that prompt lacks one. */
function refOnPrompt(
  ref: string,
  { from, to, alignment }: { readonly from: number; readonly to: number; readonly alignment: RunResult["alignment"] },
): string | null {
  if (from === to || alignment === null) return ref;
  const [component = "", places = ""] = ref.split("@");
  const moved = places.split("<").map((place) =>
    place === "*" ? place : alignment.find((slot) => slot[from] === Number(place))?.[to] ?? null
  );
  return moved.includes(null) ? null : `${component}@${moved.join("<")}`;
}
