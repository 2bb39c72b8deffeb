/** Explanations in the database: what a comparison reads of them, page by page, and rows that are older than a field. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { Store } from "../../../engine/store/store.ts";
import type { NewExplanation } from "../../../engine/store/explanation_rows.ts";
import { fakeExplanation, fakeScore } from "../../support/fake_explanations.ts";

async function withStore(use: (store: Store, folder: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    using store = Store.open(folder, () => {});
    use(store, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function explanation(component: string, more: Partial<NewExplanation> = {}): NewExplanation {
  const { id: _id, scores: _scores, ...own } = fakeExplanation(0, component);
  return { ...own, ...more };
}

Deno.test("rated() tells of some weights what a comparison needs, in the order of making, some at a time", () =>
  withStore(({ explanations }) => {
    const [first, other, second, third] = [
      explanations.add("w", explanation("mlp/0/1")),
      explanations.add("elsewhere", explanation("mlp/0/1")),
      explanations.add("w", explanation("mlp/0/2", { explainer: "hand" })),
      explanations.add("d", explanation("mlp-latent/0/2", { dictionary: "wide" })),
    ];
    assert.ok(first !== undefined && second !== undefined && third !== undefined && other !== undefined);
    explanations.saveScore(first, fakeScore(0.5, { textSet: "corpus" }));
    explanations.saveScore(first, fakeScore(null, { scorer: "assistant", assistant: "small" }));
    explanations.saveScore(second, fakeScore(0, { control: null }));
    const page = (after: number) => explanations.rated(["w", "d"], { after, limit: 2 });
    const told = [...page(0), ...page(second)];
    assert.deepEqual(told.map(({ id }) => id), [first, second, third]);
    assert.deepEqual(page(third), []);
    assert.deepEqual(told.map(({ explainer, dictionary }) => [explainer, dictionary]), [
      ["statistical", null],
      ["hand", null],
      ["statistical", "wide"],
    ]);
    const version = "statistical-scorer-1";
    assert.deepEqual(told.map(({ scores }) => scores), [
      [
        {
          scorer: "assistant",
          assistant: "small",
          version,
          state: "failed",
          textSet: null,
          headline: null,
          control: null,
        },
        {
          scorer: "statistical",
          assistant: null,
          version,
          state: "done",
          textSet: "corpus",
          headline: { value: 0.5 },
          control: { headline: { value: 0.0625 } },
        },
      ],
      [{
        scorer: "statistical",
        assistant: null,
        version,
        state: "done",
        textSet: null,
        headline: { value: 0 },
        control: null,
      }],
      [],
    ]);
  }));

Deno.test("state() changes with what is written, here or by another process, and else stays", () =>
  withStore(({ explanations }, folder) => {
    const before = explanations.state();
    explanations.list("w", "mlp/0/1");
    assert.equal(explanations.state(), before);
    const id = explanations.add("w", explanation("mlp/0/1"));
    const added = explanations.state();
    explanations.saveScore(id, fakeScore(0.5));
    const scored = explanations.state();
    using database = new DatabaseSync(join(folder, "runs.sqlite"));
    database.exec("DELETE FROM explanation_scores");
    assert.equal(new Set([before, added, scored, explanations.state()]).size, 4);
  }));

Deno.test("an explanation that was kept before prompts were has none; one with a prompt keeps it word for word", () =>
  withStore(({ explanations }, folder) => {
    const { provenance, ...own } = explanation("mlp/0/1");
    const prompt = 'user:\n"x" ⇥ <b>';
    const id = explanations.add("w", { ...own, provenance: { ...provenance, prompt } });
    assert.equal(explanations.find(id)?.provenance.prompt, prompt);
    using database = new DatabaseSync(join(folder, "runs.sqlite"));
    database.exec("UPDATE explanations SET provenance = json_remove(provenance, '$.prompt')");
    const { prompt: none, ...rest } = explanations.find(id)?.provenance ?? provenance;
    assert.deepEqual({ prompt: null, ...rest }, { ...provenance, prompt: none });
    assert.equal(none, null);
  }));
