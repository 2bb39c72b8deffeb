/** The dictionaries that the demo model ships with: they load, are as good as its card says, and measured again they still are. */
import assert from "node:assert/strict";
import { type DictionaryMetrics, openEngine } from "../../../engine/mod.ts";

const FOLDER = new URL("../../../models/demo/", import.meta.url).pathname;
const NAMES = ["attn-out", "mlp-out", "resid-post"].flatMap((site) => [0, 1, 2, 3].map((layer) => `${site}-${layer}`));

async function trainedMetrics(name: string): Promise<DictionaryMetrics> {
  const record = JSON.parse(await Deno.readTextFile(`${FOLDER}dictionaries/${name}/training.json`));
  return record.measurements.at(-1).metrics;
}

Deno.test("the card of the demo model says what was measured when its dictionaries were trained, and that is good", async () => {
  const card = await Deno.readTextFile(`${FOLDER}README.md`);
  const rows = card.split("\n").flatMap((line) => {
    const [, name = "", ...cells] = line.split("|").map((cell) => cell.trim());
    return /^`(mlp-out|attn-out|resid-post)-\d`$/.test(name) ? [[name.slice(1, -1), cells.slice(0, 6)] as const] : [];
  });
  assert.deepEqual(rows.map(([name]) => name).toSorted(), NAMES);
  for (const [name, cells] of rows) {
    const { l0, explainedVariance, crossEntropy, recovered, dead, latents, tokens } = await trainedMetrics(name);
    const percent = (share: number | null) => `${(100 * (share ?? NaN)).toFixed(1)} %`;
    assert.deepEqual(cells, [
      l0.toFixed(1),
      percent(explainedVariance),
      crossEntropy.dictionary.toFixed(3),
      crossEntropy.zero.toFixed(3),
      percent(recovered),
      `${dead} (${percent(dead / latents)})`,
    ], name);
    assert.equal(tokens, 13_101);
    assert.ok(l0 <= 20 && (recovered ?? 0) >= 0.9 && dead / latents <= 0.1, `${name} is as good as was wanted`);
  }
});

Deno.test("the demo model loads its dictionaries, and those of the last layer, measured again, are what the card says", async () => {
  const dataFolder = await Deno.makeTempDir();
  const engine = await openEngine({ modelFolders: [FOLDER], dataFolder, device: "cpu", version: "test" });
  try {
    const loaded = engine.model("demo").dictionaries;
    assert.deepEqual(loaded.map(({ id }) => id).toSorted(), NAMES);
    assert.ok(
      loaded.every(({ latentCount, activation, trainedWithBos }) =>
        latentCount === 512 && activation === "topk" && trainedWithBos === true
      ),
    );
    for (const name of NAMES.filter((name) => name.endsWith("-3"))) {
      const expected = await trainedMetrics(name);
      const { metrics } = await engine.measureDictionary({ dictionary: name, maxTokens: 65_536 });
      // Another processor may round otherwise.
      const close = (a: number | null, b: number | null) => Math.abs((a ?? NaN) - (b ?? NaN)) < 1e-3;
      assert.deepEqual([metrics.tokens, metrics.latents], [expected.tokens, expected.latents], name);
      assert.ok(close(metrics.explainedVariance, expected.explainedVariance), name);
      assert.ok(close(metrics.recovered, expected.recovered), name);
      assert.ok(Math.abs(metrics.dead - expected.dead) <= 2 && Math.abs(metrics.l0 - expected.l0) < 0.01, name);
    }
  } finally {
    await engine.close();
    await Deno.remove(dataFolder, { recursive: true });
  }
});
