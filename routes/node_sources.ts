/** Where the attention latents that a run lists come from: one question for all of them. */
import { type Engine, MAX_ATTRIBUTED, readsHeads, type RunResult } from "../engine/mod.ts";
import type { NodeSources } from "../views/props.ts";
import { kindOf, layerOf } from "../views/refs.ts";
import type { RunViewState } from "../views/view_state.ts";
import { dictionariesOf } from "./question_form.ts";
import { questionOfSide } from "./run_question.ts";

/** Latents of one side, by the ref that the side has for each. */
export interface SourcesRequest {
  readonly side: number;
  /** Refs of rows, by the side's own. */
  readonly rows: ReadonlyMap<string, string>;
}

/** What there is to ask on the first side that a view shows; null where no listed latent has sources. The weakest of too many are left out. */
export function sourcesRequest(
  engine: Pick<Engine, "model">,
  { nodes, spec, sides }: RunResult,
  { pair }: Pick<RunViewState, "pair">,
): SourcesRequest | null {
  const listed = nodes.filter(({ ref }) => kindOf(ref) === "attn-latent");
  if (listed.length === 0) return null;
  const side = sides.length > 1 ? pair[0] : 0;
  const layers = layersWithSources(engine, spec);
  const rows = listed.flatMap(({ ref, refs, directEffect }) => {
    const own = refs === undefined ? ref : refs[side];
    return own === null || own === undefined || !layers.has(layerOf(ref) ?? NaN)
      ? []
      : [{ own, ref, size: Math.abs(directEffect[side] ?? 0) }];
  });
  const strongest = rows.toSorted((a, b) => b.size - a.size).slice(0, MAX_ATTRIBUTED);
  return strongest.length === 0 ? null : { side, rows: new Map(strongest.map(({ own, ref }) => [own, ref])) };
}

/** What there is to ask of one node of the first side; null if it is no attention latent, or one without sources. */
export function sourcesOfNode(
  engine: Pick<Engine, "model">,
  { spec }: Pick<RunResult, "spec">,
  ref: string,
): SourcesRequest | null {
  const hasSources = kindOf(ref) === "attn-latent" && layersWithSources(engine, spec).has(layerOf(ref) ?? NaN);
  return hasSources ? { side: 0, rows: new Map([[ref, ref]]) } : null;
}

/** Layers whose attention latents read what heads write. */
function layersWithSources(
  engine: Pick<Engine, "model">,
  { model, dictionaries }: RunResult["spec"],
): ReadonlySet<number> {
  const own = dictionariesOf(engine, model).filter(({ id, kind, readHook }) =>
    dictionaries.includes(id) && kind === "attn-latent" && readsHeads({ readHook })
  );
  return new Set(own.map(({ layer }) => layer));
}

/** @throws {ModelNotLoadedError} if what is computed now would not belong to the run; else as `Engine.attributedTokens` */
export async function nodeSources(
  engine: Engine,
  run: RunResult,
  { side, rows }: SourcesRequest,
): Promise<NodeSources> {
  await engine.requireWeightsOf(run.id);
  const { tokens, latents } = await engine.attributedTokens({
    ...questionOfSide(run, side),
    nodes: [...rows.keys()].toSorted(),
  });
  return {
    label: run.sides[side]?.label ?? "",
    tokens,
    latents: new Map(latents.map((latent) => [rows.get(latent.node) ?? latent.node, latent])),
  };
}
