/** The page on which dictionaries are trained. */
import assert from "node:assert/strict";
import { NotFoundError, ValidationError } from "../../engine/mod.ts";
import { HTMX, parsePage, testApp } from "../support/test_app.ts";

const FIELDS: readonly (readonly [string, string])[] = [
  ["model", "demo"],
  ["site", "blocks.1.hook_mlp_out"],
  ["architecture", "topk"],
  ["latents", "512"],
  ["k", "16"],
  ["sparsity", "4"],
  ["steps", "200"],
  ["batch", ""],
  ["seed", "0"],
  ["name", ""],
];

Deno.test("GET /training has a form with what can be chosen, and says that nothing was trained", async () => {
  const answer = await testApp().send("/training");
  assert.equal(answer.status, 200);
  const { body } = parsePage(await answer.text());
  assert.match(body.textContent ?? "", /Nothing has been trained here yet/);
  const architectures = [...body.querySelectorAll("select[name=architecture] option")].map((option) =>
    option.textContent
  );
  assert.deepEqual(architectures, ["relu", "topk", "batchtopk", "jumprelu"]);
  const sites = [...body.querySelectorAll("datalist option")].map((option) => option.getAttribute("value"));
  assert.ok(sites.includes("blocks.1.hook_resid_post") && sites.every((site) => site?.startsWith("blocks.")));
});

Deno.test("POST /training starts the job that the form says, and the page shows its curves", async () => {
  const { engine, send, postForm } = testApp();
  const asked: unknown[] = [];
  const start = engine.startJob.bind(engine);
  engine.startJob = (request) => {
    asked.push(request);
    return start(request);
  };
  const answer = await postForm("/training", FIELDS);
  assert.deepEqual([answer.status, answer.headers.get("Location")], [303, "/training"]);
  const training = { site: "blocks.1.hook_mlp_out", architecture: "topk", latents: 512, steps: 200, seed: 0, k: 16 };
  assert.deepEqual(asked, [{ kind: "train", model: "demo", training }]);
  const { body } = parsePage(await (await send("/training")).text());
  assert.match(body.textContent ?? "", /Training of mlp-out-1 for demo over “corpus”: 100 of 200 steps, 20 a second/);
  assert.match(
    body.textContent ?? "",
    /After 100 of 200 steps, on 4,000 held-out tokens: 16\.0 active latents a token, 95\.0%/,
  );
  assert.equal(body.querySelectorAll("figure.curve svg").length, 5);
  assert.equal(body.querySelectorAll("polyline").length, 4);
  const part = await (await send("/training", { headers: { ...HTMX, "HX-Target": "trainings" } })).text();
  assert.doesNotMatch(part, /<form class="card training-form"/, "only the part that looks again");
  assert.match(part, /hx-trigger="load delay:1s"/);
});

Deno.test("what cannot be trained is said at its field, and what was typed stays", async () => {
  const { engine, postForm } = testApp();
  engine.startJob = () =>
    Promise.reject(new ValidationError([{ path: "training.k", message: "Expected at most 8, the number of latents" }]));
  const answer = await postForm(
    "/training",
    FIELDS.map(([name, value]) => [
      name,
      name === "site" ? '"><script>x' : value,
    ]),
  );
  assert.equal(answer.status, 422);
  const page = await answer.text();
  assert.doesNotMatch(page, /<script>x/);
  const { body } = parsePage(page);
  assert.equal(body.querySelector("#training-k-message")?.textContent, "Expected at most 8, the number of latents");
  assert.equal(body.querySelector("#training-k")?.getAttribute("aria-invalid"), "true");
  assert.equal(body.querySelector("#training-site")?.getAttribute("value"), '"><script>x');
});

Deno.test("a training whose curves cannot be read does not take the page with it", async () => {
  const { engine, send } = testApp();
  await engine.startJob({ kind: "train", training: { site: "blocks.1.hook_mlp_out", latents: 512 } });
  Object.assign(engine, { training: () => Promise.reject(new NotFoundError('There is no model "gone"')) });
  const answer = await send("/training");
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /Its curves cannot be read: There is no model/);
});
