/** Latents are explained, written about, found and explained by jobs as neurons are; each dictionary's by itself. */
import assert from "node:assert/strict";
import type { Engine } from "../../../engine/mod.ts";
import { latentKind } from "../../../engine/model/dictionary.ts";
import { readDictionaries, withSweptDictionaries } from "../../support/swept_dictionaries.ts";
import { openSweptEngine, sweepToTheEnd } from "../../support/swept_model.ts";

/** A latent that is active in some text. */
async function activeLatent(
  engine: Engine,
  id: string,
  scope: { kind: "mlp-latent" | "attn-latent" | "resid-latent"; layer: number },
) {
  const records = [...await engine.layerRecords({ ...scope, dictionary: id })];
  const [best] = records.toSorted((a, b) => b.statistics.max - a.statistics.max);
  return best?.component ?? assert.fail(id);
}

Deno.test("latents are explained from the sweep of their own dictionary, and kept apart by it", () =>
  withSweptDictionaries(60, async (model) => {
    const engine = await openSweptEngine(model, 400);
    const { explanations } = engine;
    try {
      const words: string[] = [];
      for (const [id, { dictionary: { detail } }] of await readDictionaries(model)) {
        const scope = { kind: latentKind(detail), layer: detail.layer };
        const first = { component: `${scope.kind}/${scope.layer}/0`, dictionary: id };
        await explanations.explain(first);
        const before = await explanations.settled(first);
        assert.match(before.attempts[0]?.problem ?? "", /Nothing has been collected/, id);
        await sweepToTheEnd(engine, id);
        const about = { component: await activeLatent(engine, id, scope), dictionary: id };
        await explanations.explain(about);
        const { explanations: [found], dictionary, attempts } = await explanations.settled(about);
        assert.deepEqual([dictionary, found?.dictionary, attempts.filter(({ state }) => state === "running")], [
          id,
          id,
          [],
        ]);
        assert.match(found?.text ?? "", /^Fires /);
        const [score] = found?.scores ?? [];
        assert.equal(score?.state, "done");
        assert.ok(score?.control === null || score?.control.component.startsWith(`${scope.kind}/${scope.layer}/`));
        const word = `word${words.length}`;
        await explanations.write({ ...about, text: `${word} of this dictionary` });
        words.push(word);
        assert.equal((await explanations.list(about)).explanations.length, 2, "nothing of another dictionary");
        const { rows } = await explanations.search({ q: word });
        assert.deepEqual(rows.map(({ component, dictionary }) => [component, dictionary]), [[about.component, id]]);
      }
      const [[id, { dictionary: { detail } }] = assert.fail()] = await readDictionaries(model);
      const layer = { kind: latentKind(detail), index: detail.layer };
      const job = await engine.startJob({ kind: "explain", explain: { layer, dictionary: id } });
      const done = await engine.finishedJob(job.id);
      assert.deepEqual([done.state, done.done], ["done", detail.latentCount], done.problem ?? "");
      assert.ok([...await explanations.all("tiny")].some(({ dictionary }) => dictionary === id));
    } finally {
      await engine.close();
    }
  }));
