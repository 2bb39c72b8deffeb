/** The page of one node of a run. */
import { Hono } from "hono";
import { type Engine, type NodeRef, parseNodeRef, type RunResult, ValidationError } from "../engine/mod.ts";
import { NodePage } from "../views/pages/node_page.tsx";
import { isLatentRef } from "../views/refs.ts";
import type { AppEnv, Deps } from "./env.ts";
import { nodeSources, sourcesOfNode } from "./node_sources.ts";
import { questionOfSide } from "./run_question.ts";

/** Edges listed of either sign. */
const EDGE_COUNT = 10;

/** `GET /runs/:id/node?ref=…` */
export function nodeRoutes({ engine }: Pick<Deps, "engine">): Hono<AppEnv> {
  return new Hono<AppEnv>().get("/runs/:id/node", async (c) => {
    const run = engine.storedRun(c.req.param("id"));
    const name = c.req.query("ref") ?? "";
    await engine.requireWeightsOf(run.id);
    const props = await nodeProps(engine, run, { name, signal: c.req.raw.signal });
    return c.render(<NodePage run={run} name={name} {...props} />, { title: `${name} · ${run.spec.model}` });
  });
}

async function nodeProps(
  engine: Engine,
  run: RunResult,
  { name, signal }: { readonly name: string; readonly signal: AbortSignal },
) {
  const kind = kindOf(name);
  const question = questionOfSide(run, 0);
  const paths = kind === "head" ? ["q", "k", "v"] as const : kind === "mlp" || isLatentRef(name) ? [null] : [];
  const options = { signal };
  const tokens = await engine.scoredTokens({ ...question, node: name }, options);
  const asked = kind === "attn-latent" ? sourcesOfNode(engine, run, name) : null;
  const sources = asked === null ? null : await nodeSources(engine, run, asked);
  const upstream = [];
  for (const path of paths) {
    upstream.push(
      await engine.edges({ ...question, node: name, path, direction: "upstream", topK: EDGE_COUNT }, options),
    );
  }
  const downstream = await engine.edges(
    { ...question, node: name, direction: "downstream", topK: EDGE_COUNT },
    options,
  );
  return { tokens, sources, upstream, downstream };
}

function kindOf(name: string): NodeRef["kind"] {
  try {
    return parseNodeRef(name).kind;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ValidationError([{ path: "ref", message: error.message }]);
  }
}
