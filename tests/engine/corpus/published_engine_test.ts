/** Published records behind the engine's door, and their source on the page of a component. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { NotFoundError, openEngine } from "../../../engine/mod.ts";
import { createApp } from "../../../routes/app.ts";
import { neuronFile, pythonJson } from "../../support/published_fixture.ts";
import { parsePage } from "../../support/test_app.ts";

const DEMO = new URL("../../../models/demo", import.meta.url).pathname;
const HOST = "127.0.0.1:8000";

Deno.test("published records are a source of their own, read by name, as many as are asked for, and shown", async () => {
  const folder = await Deno.makeTempDir();
  const location = join(folder, "published-set");
  await Deno.mkdir(join(location, "1"), { recursive: true });
  await Deno.writeTextFile(join(location, "1", "7.json"), pythonJson(neuronFile()));
  const engine = await openEngine({
    modelFolders: [DEMO],
    dataFolder: join(folder, "data"),
    device: "cpu",
    version: "test",
    records: [{ model: "demo", location }],
  });
  try {
    assert.deepEqual((await engine.textSets("demo")).map(({ id }) => id), ["corpus", "published"]);
    assert.deepEqual((await engine.sweeps("demo")).map(({ textSet, state }) => [textSet, state]), [["corpus", "none"]]);
    const asked = { model: "demo", component: "mlp/1/7", textSet: "published" };
    assert.equal((await engine.records(asked)).top.length, 2);
    assert.deepEqual((await engine.records({ ...asked, top: 1 })).top.map(({ max }) => max), [8]);
    await assert.rejects(engine.records({ ...asked, component: "mlp/1/8" }), NotFoundError);

    // Without a sweep, the page shows what was published.
    const app = createApp({ engine, allowedHosts: [HOST] });
    const answer = await app.request(
      new Request(`http://${HOST}/models/demo/components/mlp/1/7`, { headers: { Host: HOST } }),
    );
    assert.equal(answer.status, 200);
    const page = parsePage(await answer.text());
    assert.match(page.querySelector("section[aria-labelledby=examples-title]")?.textContent ?? "", /“published”/);
    assert.equal(page.querySelectorAll("section[aria-labelledby=top-title] .example-list > li").length, 2);
  } finally {
    await engine.close();
    await Deno.remove(folder, { recursive: true });
  }
});
