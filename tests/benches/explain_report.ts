/**
 * How many of the demo model's components have an explanation by rules that scores better than its control, as the product explains, scores and
 * chooses controls: all heads, and of neurons and of one dictionary's latents as many as are wanted, drawn with a fixed seed.
 *
 * Run by `deno task bench`; `--sample N` (default 200), `--data FOLDER` to go on with what another run has swept and explained.
 */
import { parseArgs } from "node:util";
import { sampleOf } from "../../engine/corpus/random.ts";
import { type Engine, openEngine } from "../../engine/mod.ts";

const SEED = 77;
/** What latents are drawn from. */
const LAYER = 1;
const WRITTEN = `blocks.${LAYER}.hook_mlp_out`;

const { values } = parseArgs({
  args: Deno.args,
  options: { sample: { type: "string", default: "200" }, data: { type: "string" } },
});
const sample = Number(values.sample);
const folder = values.data ?? await Deno.makeTempDir();
const models = new URL("../../models/", import.meta.url).pathname;
const engine = await openEngine({ modelFolders: [models], dataFolder: folder, device: "cpu", version: "report" });
const [model] = engine.models();
if (model === undefined) throw new Error("There is no model");
const { layerCount, headCount, mlpWidth } = model;
const found = engine.model(model.id).dictionaries.find(({ writeHook }) => writeHook === WRITTEN);
if (found === undefined) throw new Error("There is no dictionary");
const { id: dictionary, latentCount } = found;

const layered = (kind: string, width: number) => (place: number) =>
  `${kind}/${Math.floor(place / width)}/${place % width}`;
const drawn = (count: number) => sampleOf(count, Math.min(count, sample), SEED);
await toTheEnd(engine, { kind: "sweep" });
await toTheEnd(engine, { kind: "sweep", dictionary });
const heads = Array.from({ length: layerCount * headCount }, (_, i) => i).map(layered("head", headCount));
await report(engine, { title: "Heads, areas under the ROC curve", components: heads });
const neurons = drawn(layerCount * mlpWidth).map(layered("mlp", mlpWidth));
await report(engine, { title: "Neurons, correlations", components: neurons });
const latents = drawn(latentCount).map((latent) => `mlp-latent/${LAYER}/${latent}`);
await report(engine, { title: `Latents of ${dictionary}, correlations`, components: latents, dictionary });
await engine.close();

interface Asked {
  readonly title: string;
  readonly components: readonly string[];
  readonly dictionary?: string;
}

async function toTheEnd(engine: Engine, request: Parameters<Engine["startJob"]>[0]): Promise<void> {
  const { state, problem } = await engine.finishedJob((await engine.startJob(request)).id);
  if (state !== "done") throw new Error(`The job is ${state}: ${problem}`);
}

/** An explanation says surely more than its control if that lies below its whole interval. */
async function report(engine: Engine, { title, components, ...own }: Asked): Promise<void> {
  const startedAt = performance.now();
  await toTheEnd(engine, { kind: "explain", explain: { components: [...components], ...own } });
  const scores = (await Promise.all(components.map((component) => engine.explanations.list({ component, ...own }))))
    .flatMap(({ explanations: [explanation] }) => explanation?.scores[0] ?? []);
  const numbers = scores.flatMap(({ headline, control }) =>
    headline === null || !control?.headline ? [] : [{ ...headline, control: control.headline.value }]
  );
  const better = numbers.filter(({ value, control }) => value > control).length;
  const surely = numbers.filter(({ interval, control }) => interval !== null && interval.low > control).length;
  const mean = (of: readonly number[]) => (of.reduce((sum, one) => sum + one, 0) / of.length).toFixed(2);
  Deno.stdout.writeSync(new TextEncoder().encode(
    `${title}: of ${components.length}, ${scores.length} are explained and ${numbers.length} have a number and a control; ` +
      `${better} are better than it, ${surely} by the whole interval; mean ${
        mean(numbers.map(({ value }) => value))
      }, ` +
      `of controls ${mean(numbers.map(({ control }) => control))} (${
        Math.round((performance.now() - startedAt) / 1000)
      } s)\n`,
  ));
}
