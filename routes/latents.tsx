/** `GET /models/:model/components/:latents/:layer/:index`: the page of a dictionary's latent. */
import { type Context, Hono } from "hono";
import {
  type Engine,
  EngineError,
  type ModelSummary,
  NotFoundError,
  readsHeads,
  type RunResult,
} from "../engine/mod.ts";
import { LatentPage, type LatentPageProps } from "../views/pages/latent_page.tsx";
import type { ModelDictionary } from "../views/props.ts";
import type { AppEnv, Deps } from "./env.ts";
import { loaded, PAGE_PATIENCE_MS } from "./loaded.ts";
import { nodeSources } from "./node_sources.ts";
import { askForm, DEFAULT_FIELDS, dictionariesOf } from "./question_form.ts";
import { questionOfSide } from "./run_question.ts";

const LISTED_TOKENS = 10;

export function latentRoutes({ engine }: Pick<Deps, "engine">): Hono<AppEnv> {
  return new Hono<AppEnv>().get(
    "/models/:model/components/:kind{(?:mlp|attn|resid)-latent}/:layer{\\d{1,9}}/:index{\\d{1,9}}",
    async (c) => {
      const model = engine.model(c.req.param("model"));
      const { kind, layer, index } = c.req.param();
      const ref = `${kind}/${Number(layer)}/${Number(index)}`;
      const props = await latentProps(c, engine, { model, ref });
      return c.render(<LatentPage {...props} />, { title: `${ref} · ${model.id}` });
    },
  );
}

async function latentProps(
  c: Context<AppEnv>,
  engine: Engine,
  { model, ref }: { readonly model: ModelSummary; readonly ref: string },
): Promise<LatentPageProps> {
  const { run: runId, dictionary: wanted } = c.req.query();
  const given = /^[0-9a-f]{8,64}$/.test(runId ?? "") ? engine.storedRun(runId ?? "") : null;
  const others = dictionariesAt(engine, model, ref);
  const inUse = given?.spec.dictionaries ?? [];
  const dictionary = others.find(({ id }) => id === wanted) ?? others.find(({ id }) => inUse.includes(id)) ?? others[0];
  if (dictionary === undefined) throw new Error("Internal: dictionariesAt() answered none");
  requireLatent(ref, dictionary);
  // The answer that the reader comes from, if it was computed with this dictionary.
  const isOwn = given !== null && given.spec.model === model.id && inUse.includes(dictionary.id);
  const run = isOwn ? given : await defaultRun(engine, { model, dictionary, signal: c.req.raw.signal });
  const strongest = run === null ? null : strongestNode(run, ref);
  const [tokens, sources] = run === null || strongest === null ? [null, null] : await Promise.all([
    loaded(tokensOf(engine, run, strongest), PAGE_PATIENCE_MS),
    dictionary.kind === "attn-latent" && readsHeads(dictionary)
      ? loaded(nodeSources(engine, run, { side: 0, rows: new Map([[strongest, strongest]]) }), PAGE_PATIENCE_MS)
      : null,
  ]);
  return { model, name: ref, dictionary, others, run, isDefaultRun: !isOwn, strongest, tokens, sources };
}

/** Dictionaries with latents of this kind and layer. @throws {NotFoundError} without any */
function dictionariesAt(engine: Engine, model: ModelSummary, ref: string): readonly ModelDictionary[] {
  const [kind, layer] = ref.split("/");
  const found = dictionariesOf(engine, model.id).filter((own) => own.kind === kind && own.layer === Number(layer));
  if (found.length > 0) return found;
  throw new NotFoundError(
    `${model.id} has no ${ref}: no dictionary with latents ${kind}/${layer} is loaded; see /models/${model.id}/dictionaries`,
  );
}

function requireLatent(ref: string, { id, latentCount }: ModelDictionary): void {
  if (Number(ref.split("/")[2]) < latentCount) return;
  throw new NotFoundError(`Dictionary "${id}" has no ${ref}: expected latents 0..${latentCount - 1}`);
}

/** The node of a latent that is largest in a run, on its first side; null where the run lists none. */
function strongestNode({ nodes }: RunResult, ref: string): string | null {
  const own = nodes.flatMap((row) => {
    const name = row.refs === undefined ? row.ref : row.refs[0];
    return name?.startsWith(`${ref}@`) ? [{ name, value: Math.abs(row.activation[0] ?? 0) }] : [];
  });
  return own.toSorted((a, b) => b.value - a.value)[0]?.name ?? null;
}

async function tokensOf(engine: Engine, run: RunResult, ref: string) {
  await engine.requireWeightsOf(run.id);
  return await engine.scoredTokens({ ...questionOfSide(run, 0), node: ref, top: LISTED_TOKENS });
}

/** The default question in the latents of a dictionary, if the model can be asked it. */
async function defaultRun(
  engine: Engine,
  { model: { id: model }, dictionary: { id, kind }, signal }: {
    readonly model: ModelSummary;
    readonly dictionary: ModelDictionary;
    readonly signal: AbortSignal;
  },
): Promise<RunResult | null> {
  try {
    const asked = await askForm(engine, {
      ...DEFAULT_FIELDS,
      model,
      mlpBasis: kind === "mlp-latent" ? "latent" : "neuron",
      attentionBasis: kind === "attn-latent" ? "latent" : "head",
      dictionaries: [id],
    }, signal);
    return "messages" in asked ? null : asked.answer.result;
  } catch (error) {
    if (error instanceof EngineError) return null;
    throw error;
  }
}
