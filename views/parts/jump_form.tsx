/** From a name to a component's page. */
import type { VNode } from "preact";
import type { ComponentKind, ModelSummary } from "../../engine/mod.ts";
import { KIND_NAMES, KINDS } from "../component_kinds.ts";
import { jumpUrl } from "../urls.ts";

/** Neurons first: they are most. */
const JUMP_KINDS: readonly ComponentKind[] = ["mlp", ...KINDS.filter((kind) => kind !== "mlp")];

export interface JumpFields {
  readonly to: string;
  readonly model: string;
  readonly kind: string;
  /** What is wrong with them. */
  readonly problem: string | null;
}

export function JumpForm(
  { models, fields }: { readonly models: readonly ModelSummary[]; readonly fields: JumpFields },
): VNode {
  const { to, model, kind, problem } = fields;
  return (
    <form class="jump-form" method="get" action={jumpUrl()} aria-label="Jump to a component" autocomplete="off">
      <label for="jump-to">Jump to a component</label>
      <input
        id="jump-to"
        name="to"
        value={to}
        size={14}
        placeholder="head/3/3 or 3:3"
        spellcheck={false}
        {...problem === null ? {} : { "aria-invalid": "true" as const, "aria-describedby": "jump-message" }}
      />
      <label>
        <span class="visually-hidden">Kind</span>
        <select name="kind">
          {JUMP_KINDS.map((known) => <option value={known} selected={known === kind}>{KIND_NAMES[known].one}</option>)}
        </select>
      </label>
      {models.length < 2 ? <input type="hidden" name="model" value={models[0]?.id ?? ""} /> : (
        <label>
          <span class="visually-hidden">Model</span>
          <select name="model">
            {models.map(({ id }) => <option value={id} selected={id === model}>{id}</option>)}
          </select>
        </label>
      )}
      <button type="submit" class="small">Go</button>
      {problem === null ? null : <p class="field-message" id="jump-message" role="alert">{problem}</p>}
    </form>
  );
}
