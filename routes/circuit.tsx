/** The circuit of a run's pinned nodes: page, fragment and file. */
import { type Context, Hono } from "hono";
import { renderToString } from "preact-render-to-string";
import { type CircuitResult, type RunResult, ValidationError } from "../engine/mod.ts";
import { CircuitGraph } from "../views/charts/circuit_graph.tsx";
import { CIRCUIT_ID, CircuitContent, CircuitPage } from "../views/pages/circuit_page.tsx";
import { circuitUrl } from "../views/urls.ts";
import { MAX_PINS } from "../views/view_state.ts";
import type { AppEnv, Deps } from "./env.ts";
import { loaded, PAGE_PATIENCE_MS } from "./loaded.ts";
import { isFragmentRequest } from "./renderer.tsx";
import { questionOfSide } from "./run_question.ts";

/** Nodes that a circuit begins with. */
const FIRST_NODES = 6;
/** Inputs that one press adds. */
const GROWTH = 3;
/** How long a fragment traces before it shows how far it is. */
const STEP_MS = 250;

/** `GET /runs/:id/circuit` and `GET /runs/:id/circuit.svg`. */
export function circuitRoutes({ engine }: Pick<Deps, "engine">): Hono<AppEnv> {
  return new Hono<AppEnv>()
    .get("/runs/:id/circuit", async (c) => {
      const run = engine.storedRun(c.req.param("id"));
      const pins = pinsOf(c);
      if (pins.length === 0) return c.redirect(circuitUrl(run.id, strongestNodes(run)), 303);
      await engine.requireWeightsOf(run.id);
      const grow = c.req.query("grow");
      if (grow !== undefined) {
        const circuit = await engine.circuit(circuitRequest(run, pins), { signal: c.req.raw.signal });
        return c.redirect(circuitUrl(run.id, grownPins(circuit, pins, grow)), 303);
      }
      const isFragment = isFragmentRequest(c.req.raw.headers);
      const patienceMs = isFragment ? STEP_MS : PAGE_PATIENCE_MS;
      const circuit = await loaded(
        engine.circuit(circuitRequest(run, pins), { signal: c.req.raw.signal, patienceMs }),
        4 * PAGE_PATIENCE_MS,
      );
      const goesOn = c.req.query("hold") === undefined;
      const selected = c.req.query("selected") ?? null;
      const { layerCount } = engine.model(run.spec.model);
      const props = { run, layerCount, pins, selected, circuit, goesOn };
      const title = `Circuit · ${run.spec.model}`;
      const isPart = isFragment && c.req.header("HX-Target") === CIRCUIT_ID;
      return c.render(isPart ? <CircuitContent {...props} /> : <CircuitPage {...props} />, { title });
    })
    .get("/runs/:id/circuit.svg", async (c) => {
      const run = engine.storedRun(c.req.param("id"));
      const pins = pinsOf(c);
      await engine.requireWeightsOf(run.id);
      const circuit = await engine.circuit(circuitRequest(run, pins.length === 0 ? strongestNodes(run) : pins), {
        signal: c.req.raw.signal,
      });
      const { layerCount } = engine.model(run.spec.model);
      const position = run.sides[0]?.position ?? 0;
      const picture = (
        <CircuitGraph circuit={circuit} layerCount={layerCount} position={position} nodeLink={() => ({})} standalone />
      );
      return c.body(`<?xml version="1.0" encoding="UTF-8"?>\n${renderToString(picture)}\n`, 200, {
        "Content-Type": "image/svg+xml",
        "Content-Disposition": `attachment; filename="circuit-${run.id}.svg"`,
      });
    });
}

function pinsOf(c: Context<AppEnv>): readonly string[] {
  const pins = [...new Set(c.req.queries("pin") ?? [])];
  if (pins.length <= MAX_PINS) return pins;
  throw new ValidationError([{
    path: "pin",
    message: `${pins.length} nodes are pinned: expected at most ${MAX_PINS}`,
  }]);
}

function circuitRequest(run: RunResult, nodes: readonly string[]) {
  return { ...questionOfSide(run, 0), nodes: [...nodes] };
}

/** The nodes of the first side with the largest direct effects, by size. */
function strongestNodes({ nodes }: RunResult): readonly string[] {
  return nodes.flatMap(({ ref, refs, directEffect: [effect] }) => {
    const own = refs === undefined ? ref : refs[0];
    return own === null || own === undefined || !effect ? [] : [{ ref: own, size: Math.abs(effect) }];
  }).toSorted((a, b) => b.size - a.size).slice(0, FIRST_NODES).map(({ ref }) => ref);
}

/** The pins with the strongest inputs of one node, or of the whole circuit. */
function grownPins({ candidates }: CircuitResult, pins: readonly string[], grow: string): readonly string[] {
  const wanted = grow === "strongest" ? candidates : candidates.filter(({ edge }) => edge.to === grow);
  return [...pins, ...wanted.slice(0, GROWTH).map(({ ref }) => ref)].slice(0, MAX_PINS);
}
