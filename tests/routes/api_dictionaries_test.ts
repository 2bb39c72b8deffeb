/** `/api/v1` about trainings and what dictionaries are measured to be, over the fake engine. */
import assert from "node:assert/strict";
import { testApp } from "../support/test_app.ts";

Deno.test("a training is started with what is trained and how, and its curves are answered as the document describes them", async () => {
  const { send, postJson } = testApp();
  const training = { site: "blocks.1.hook_mlp_out", latents: 512, k: 16 };
  const started = await postJson("/api/v1/jobs", { kind: "train", training });
  assert.equal(started.status, 202);
  const job = await started.json();
  assert.deepEqual([job.id, job.unit, job.training.site], ["train:demo:mlp-out-1", "steps", "blocks.1.hook_mlp_out"]);
  const answer = await send(`/api/v1/jobs/${encodeURIComponent(job.id)}/training`);
  assert.equal(answer.status, 200);
  const report = await answer.json();
  const { components: { schemas } } = await (await send("/api/v1/openapi.json")).json();
  assert.deepEqual(Object.keys(report).toSorted(), Object.keys(schemas.TrainingReport.properties).toSorted());
  assert.deepEqual(Object.keys(report.spec).toSorted(), Object.keys(schemas.Training.properties).toSorted());
  const [{ metrics }] = report.measurements;
  assert.deepEqual(Object.keys(metrics).toSorted(), Object.keys(schemas.DictionaryMetrics.properties).toSorted());
});

Deno.test("a training without what is trained, and fields that are out of bounds, are refused with their path", async () => {
  const { postJson } = testApp();
  const site = "blocks.1.hook_mlp_out";
  for (
    const [body, path] of [
      [{ kind: "train" }, "training"],
      [{ kind: "means", training: { site, latents: 8 } }, "training"],
      [{ kind: "train", training: { site, latents: 0 } }, "training.latents"],
      [{ kind: "train", training: { site, latents: 8, steps: 1e9 } }, "training.steps"],
      [{ kind: "train", training: { site, latents: 8, name: "a/b" } }, "training.name"],
      [{ kind: "train", training: { site, latents: 8, seed: -1 } }, "training.seed"],
      [{ kind: "train", training: { site: "x".repeat(101), latents: 8 } }, "training.site"],
    ] as const
  ) {
    const answer = await postJson("/api/v1/jobs", body);
    assert.equal(answer.status, 422, JSON.stringify(body));
    const { issues } = await answer.json();
    assert.equal(issues[0].path, path);
  }
});

Deno.test("what a dictionary is measured to be is answered, and a request without one is refused", async () => {
  const { postJson } = testApp();
  const answer = await postJson("/api/v1/dictionary-metrics", { dictionary: "mlp-out-1" });
  assert.equal(answer.status, 200);
  const { dictionary, metrics } = await answer.json();
  assert.deepEqual([dictionary, metrics.latents], ["mlp-out-1", 512]);
  assert.equal((await postJson("/api/v1/dictionary-metrics", {})).status, 422);
  assert.equal((await postJson("/api/v1/dictionary-metrics", { dictionary: "a", maxTokens: 1e9 })).status, 422);
});
