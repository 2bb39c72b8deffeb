/**
 * How many of the demo model's components have a statistical explanation that predicts them better than that of a random other component
 * does: all heads, and 200 neurons drawn with a fixed seed. Texts of the test split only. `deno run -A tests/benches/explain_report.ts`
 */
import { sampleOf } from "../../engine/corpus/random.ts";
import { scoreExplanation } from "../../engine/explain/score.ts";
import { explainStatistically } from "../../engine/explain/statistical.ts";
import { STATISTICAL_SCORER } from "../../engine/explain/statistical_scorer.ts";
import { type Evidence, evidenceOf } from "../../engine/explain/texts.ts";
import { type Engine, openEngine } from "../../engine/mod.ts";

const NEURONS = 200;
const SEED = 77;
/** Which other component's explanation is the control: so many further in the sample. */
const CONTROL_STEP = 7;
const LIMITS = { top: 5, random: 16 };

interface Explained {
  readonly evidence: Evidence;
  /** Null if nothing was found. */
  readonly text: string | null;
}

async function explained(engine: Engine, component: string): Promise<Explained> {
  const evidence = evidenceOf(await engine.records({ component, top: 20, random: 64 }));
  return { evidence, text: (await explainStatistically(evidence))?.text ?? null };
}

async function correlationOf(text: string, evidence: Evidence) {
  const score = await scoreExplanation(text, evidence, { scorer: STATISTICAL_SCORER, limits: LIMITS });
  return score.simulation?.byCalibration.none.correlation ?? null;
}

/** A component whose explanation says more than its control: surely, if the control lies below its whole interval. */
async function report(engine: Engine, title: string, components: readonly string[]): Promise<void> {
  const found: Explained[] = [];
  for (const component of components) found.push(await explained(engine, component));
  const texts = found.flatMap(({ text }) => text ?? []);
  let [better, surely, sum, controls] = [0, 0, 0, 0];
  for (const { evidence, text } of found) {
    if (text === null) continue;
    const other = texts[(texts.indexOf(text) + CONTROL_STEP) % texts.length] ?? "";
    const [own, control] = [await correlationOf(text, evidence), await correlationOf(other, evidence)];
    if (own === null || control === null) continue;
    if (own.value > control.value) better++;
    if ((own.interval?.low ?? -1) > control.value) surely++;
    sum += own.value;
    controls += control.value;
  }
  const mean = (total: number) => (total / texts.length).toFixed(2);
  Deno.stdout.writeSync(new TextEncoder().encode(
    `${title}: ${components.length} components, ${texts.length} explained; better than the control ${better}, ` +
      `by the whole interval ${surely}; mean correlation ${mean(sum)}, of controls ${mean(controls)}\n`,
  ));
}

const [folder = await Deno.makeTempDir()] = Deno.args;
const models = new URL("../../models/", import.meta.url).pathname;
const engine = await openEngine({ modelFolders: [models], dataFolder: folder, device: "cpu", version: "report" });
const { id } = await engine.startJob({ kind: "sweep" });
await engine.finishedJob(id);
const [model] = engine.models();
if (model === undefined) throw new Error("There is no model");
const { layerCount, headCount, mlpWidth } = model;
const named = (kind: string, width: number) => (place: number) =>
  `${kind}/${Math.floor(place / width)}/${place % width}`;
await report(
  engine,
  "Heads",
  Array.from({ length: layerCount * headCount }, (_, i) => i).map(named("head", headCount)),
);
await report(engine, "Neurons", sampleOf(layerCount * mlpWidth, NEURONS, SEED).map(named("mlp", mlpWidth)));
await engine.close();
