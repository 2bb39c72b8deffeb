/** `GET /compare`: any two stored runs side by side. */
import { Hono } from "hono";
import { type Engine, type NodeRow, type RunResult, ValidationError } from "../engine/mod.ts";
import { COMPARE_ID, ComparePage, CompareTable } from "../views/pages/compare_page.tsx";
import { FILTER_FIELD } from "../views/parts/node_filter.tsx";
import { compareUrl } from "../views/urls.ts";
import { readView } from "../views/view_state.ts";
import { formatIntervention, formatTrace } from "./change_text.ts";
import type { AppEnv, Deps } from "./env.ts";
import { isFragmentRequest } from "./renderer.tsx";

export function compareRoutes({ engine }: Pick<Deps, "engine">): Hono<AppEnv> {
  return new Hono<AppEnv>().get("/compare", (c) => {
    const query = new URL(c.req.url).searchParams;
    // The list of recent runs sends two that were ticked.
    const ticked = query.getAll("run");
    if (ticked.length === 2) return c.redirect(compareUrl(ticked[0] ?? "", ticked[1] ?? ""), 303);
    const [a, b] = [comparedRun(engine, query, "a"), comparedRun(engine, query, "b")];
    const view = readView(query, 2);
    const isFragment = isFragmentRequest(c.req.raw.headers);
    if (query.has(FILTER_FIELD)) {
      if (!isFragment) return c.redirect(compareUrl(a.id, b.id, view), 303);
      c.header("HX-Replace-Url", compareUrl(a.id, b.id, view));
    }
    const props = { a, b, view, nodes: joinedNodes(a, b), changes: [changesOf(a), changesOf(b)] as const };
    const isPart = isFragment && c.req.header("HX-Target") === COMPARE_ID;
    return c.render(isPart ? <CompareTable {...props} /> : <ComparePage {...props} />, { title: "Two answers" });
  });
}

/** @throws {ValidationError | NotFoundError} */
function comparedRun(engine: Engine, query: URLSearchParams, name: "a" | "b"): RunResult {
  const given = query.get(name) ?? "";
  if (given === "") {
    throw new ValidationError([{ path: name, message: "Expected the ids of two runs, as /compare?a=ID&b=ID" }]);
  }
  // A pasted address serves as well as an id.
  return engine.storedRun(/([0-9a-f]{8,64})(?:[/?#.]|$)/.exec(given)?.[1] ?? given);
}

/** Nodes of the first sides by ref: values of `a`, then of `b`, null where a run does not list the node. */
export function joinedNodes(a: RunResult, b: RunResult): readonly NodeRow[] {
  const [left, right] = [firstSide(a), firstSide(b)];
  return [...new Set([...left.keys(), ...right.keys()])].map((ref): NodeRow => {
    const [one, other] = [left.get(ref), right.get(ref)];
    return {
      ref,
      activation: [one?.activation[0] ?? null, other?.activation[0] ?? null],
      writeNorm: [one?.writeNorm[0] ?? null, other?.writeNorm[0] ?? null],
      directEffect: [one?.directEffect[0] ?? null, other?.directEffect[0] ?? null],
      totalEffect: [one?.totalEffect[0] ?? null, other?.totalEffect[0] ?? null],
    };
  });
}

function firstSide({ nodes }: RunResult): ReadonlyMap<string, NodeRow> {
  return new Map(nodes.flatMap((row) => {
    const ref = row.refs === undefined ? row.ref : row.refs[0];
    return ref === null || ref === undefined ? [] : [[ref, row] as const];
  }));
}

function changesOf({ spec }: RunResult): readonly string[] {
  return [
    ...spec.interventions.map(formatIntervention),
    ...spec.trace === null ? [] : [`traced ${formatTrace(spec.trace)}`],
  ];
}
