/** The engine thread's part of related components: executes the comparison of weights, and keeps the strongest of each list. */
import type { Questioner } from "../circuit/questioner.ts";
import { output } from "../circuit/read_run.ts";
import { EngineError } from "../errors.ts";
import type { ModelWeights } from "../model/language_model.ts";
import { componentsPerLayer, formatComponent, type ModelComponent } from "./component.ts";
import {
  buildRelatedGraph,
  listedLayers,
  type ListPlan,
  listPlans,
  planOutput,
  relatedFeeds,
} from "./related_graph.ts";
import type { ReaderWay, RelatedByWeights, RelatedList, Similarity, WeightRelations } from "./related_request.ts";
import { strongest } from "./strongest.ts";

/**
 * The components that have most to do with one, at most `top` of each list.
 *
 * @throws {EngineError} if a score is not finite
 */
export async function relatedByWeights(
  questioner: Pick<Questioner, "execute">,
  model: ModelWeights,
  { component, top }: { readonly component: ModelComponent; readonly top: number },
): Promise<WeightRelations> {
  const { kind } = component;
  const compiled = { key: ["related", kind], build: () => buildRelatedGraph(model, kind) };
  const fetches = await questioner.execute(model, compiled, relatedFeeds(component));
  const relations = {
    similar: [] as RelatedList<Similarity>[],
    upstream: [] as RelatedList<ReaderWay>[],
    downstream: [] as RelatedList<ReaderWay>[],
  };
  for (const plan of listPlans(kind)) {
    const components = listed(model, plan, { scores: output(fetches, planOutput(plan)), component, top });
    const list = { kind: plan.kind, chance: chanceOf(plan, model.architecture.modelWidth), components };
    if (plan.relation === "similar") relations.similar.push({ ...list, by: plan.by });
    else relations[plan.relation].push({ ...list, by: plan.by });
  }
  return relations;
}

/**
 * Directions live in d_model − 1 dimensions, one being centred away. Turned at random, two of them have a cosine of 1/√(d_model − 1) in the
 * root mean square, and so has what a matrix leaves of the other; two matrices that are turned on both sides have its square.
 */
function chanceOf({ relation, kind }: ListPlan, modelWidth: number): number {
  const dims = Math.max(1, modelWidth - 1);
  return relation === "similar" && kind === "head" ? 1 / dims : 1 / Math.sqrt(dims);
}

function listed(
  { id, architecture }: ModelWeights,
  plan: ListPlan,
  { scores, component, top }: {
    /** `[layer, component]` */
    readonly scores: Float32Array;
    readonly component: ModelComponent;
    readonly top: number;
  },
): readonly RelatedByWeights[] {
  if (!scores.every(Number.isFinite)) {
    throw new EngineError(
      `The weights of model "${id}" are damaged or overflow: comparing them gives no finite numbers`,
    );
  }
  const { kind } = plan;
  const count = componentsPerLayer(kind, architecture);
  const { from, to } = listedLayers(plan, component, architecture.layerCount);
  const isOther = (place: number) => kind !== component.kind || place !== component.layer * count + component.index;
  return strongest(scores.subarray(from * count, to * count), top + 1).map((place) => from * count + place)
    .filter(isOther).slice(0, top)
    .map((place) => ({
      component: formatComponent({ kind, layer: Math.floor(place / count), index: place % count }),
      score: sevenDigits(scores[place] ?? NaN),
    }));
}

/** As many digits as a float32 has: more would only make answers longer. */
function sevenDigits(value: number): number {
  return Number(value.toPrecision(7));
}
