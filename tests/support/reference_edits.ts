/** Edits of the engine as interventions of the float64 reference, which names pairs `[query, key, head]` and knows only values set. */
import type { Edit } from "../../engine/circuit/edits.ts";
import type { RefIntervention } from "./reference_transformer.ts";

/** @throws {RangeError} if the edit does not simply set a number. */
export function referenceIntervention({ hook, index, keep, patch, added }: Edit): RefIntervention {
  if (keep !== 0 || patch !== null || typeof added !== "number") {
    throw new RangeError(`Cannot translate an edit of ${hook} that does not set a number`);
  }
  const [head = 0, query = 0, key = 0] = index;
  return { hook, index: hook.endsWith(".attn.hook_pattern") ? [query, key, head] : index, value: added };
}
