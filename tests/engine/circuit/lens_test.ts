/** The logit lens against the float64 reference at every layer, and against the run's own logits at the last. */
import assert from "node:assert/strict";
import type { Edit } from "../../../engine/circuit/edits.ts";
import type { LensNumbers, LensQuestion } from "../../../engine/circuit/questions.ts";
import { Asker, runQuestion, type TestQuestion } from "../../support/asker.ts";
import { assertClose } from "../../support/assert_close.ts";
import { referenceIntervention } from "../../support/reference_edits.ts";
import { referenceLens, type RefLensCell } from "../../support/reference_lens.ts";
import { referenceRun } from "../../support/reference_transformer.ts";
import { type TinyModelOptions, writeTinyModel } from "../../support/tiny_model.ts";

const QUESTION: TestQuestion = { tokens: [3, 41, 17, 5, 66, 3, 29], targets: [7], distractors: [11] };
const EDITS: readonly Edit[] = [
  { hook: "blocks.0.mlp.hook_post", row: 0, index: [2, 1], keep: 0, patch: null, added: -1 },
  { hook: "blocks.1.attn.hook_pattern", row: 0, index: [1, 6, 0], keep: 0, patch: null, added: 0.9 },
];

interface Opened {
  readonly asker: Asker;
  /** `[row][token]` of a question alone. */
  readonly reference: (question: TestQuestion) => readonly (readonly RefLensCell[])[];
}

async function withModel(options: TinyModelOptions, use: (opened: Opened) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const { weights, config } = await writeTinyModel(folder, options);
    await use({
      asker: await Asker.open(folder),
      reference: ({ tokens, targets, distractors = [], edits = [] }) => {
        const run = referenceRun(weights, config, {
          tokens,
          objective: { kind: "logit-diff", targets, distractors },
          interventions: edits.map(referenceIntervention),
        });
        return referenceLens(run, { weights, config }, targets[0] ?? NaN);
      },
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function assertLens(found: LensNumbers, expected: readonly (readonly RefLensCell[])[]): void {
  assert.equal(found.length, expected.length);
  found.forEach((row, index) => {
    const cells = expected[index] ?? [];
    assert.deepEqual(row.map(({ top }) => top), cells.map(({ top }) => top), `top of row ${index}`);
    assert.deepEqual(row.map(({ targetRank }) => targetRank), cells.map(({ targetRank }) => targetRank));
    for (const field of ["topLogProb", "targetLogProb"] as const) {
      assertClose(row.map((cell) => cell[field]), cells.map((cell) => cell[field]), {
        label: `${field} of row ${index}`,
        absolute: 1e-5,
      });
    }
  });
}

const VARIANTS: Readonly<Record<string, readonly [TinyModelOptions, TestQuestion]>> = {
  "two layers": [{ seed: 31 }, QUESTION],
  "four layers and a separate output matrix": [{ layers: 4, tied: false, seed: 32 }, QUESTION],
  "interventions": [{ seed: 33 }, { ...QUESTION, edits: EDITS }],
};

for (const [what, [options, question]] of Object.entries(VARIANTS)) {
  Deno.test(`every row of the lens with ${what} equals the float64 reference`, () =>
    withModel(options, async ({ asker, reference }) => {
      const slots = question.tokens.map((_, slot) => slot);
      const asked: LensQuestion = { ...runQuestion([question], 1), side: 0, slots, target: 7 };
      assertLens(await asker.questioner.lens(asker.model, asked), reference(question));
    }));
}

Deno.test("the lens answers for the window alone, in its order, and for the side asked", () =>
  withModel({ seed: 34 }, async ({ asker, reference }) => {
    const shorter: TestQuestion = { ...QUESTION, tokens: [3, 41, 5, 66, 3, 29] };
    const { rows: [row], ...shared } = runQuestion([QUESTION], 1);
    assert.ok(row);
    // The second side leaves a slot empty where the first has one token more.
    const beside = { ...row, tokens: [3, 41, null, 5, 66, 3, 29] };
    const asked: LensQuestion = { ...shared, rows: [row, beside], side: 1, slots: [3, 6], target: 7 };
    const expected = reference(shorter).map((cells) => [2, 5].flatMap((token) => cells[token] ?? []));
    assertLens(await asker.questioner.lens(asker.model, asked), expected);
  }));

Deno.test("the lens after the last layer is the run's own prediction", () =>
  withModel({ seed: 35 }, async ({ asker }) => {
    const { logits: [listed = []] } = await asker.run([{ ...QUESTION, edits: EDITS }]);
    const [likeliest] = listed;
    for (const { id, logProb, rank } of listed.slice(0, 67)) {
      const question = runQuestion([{ ...QUESTION, edits: EDITS }], 1);
      const last = (await asker.questioner.lens(asker.model, { ...question, side: 0, slots: [6], target: id })).at(-1);
      const [cell] = last ?? [];
      assert.equal(cell?.top, likeliest?.id);
      assert.equal(cell?.targetRank, rank);
      assertClose([cell?.targetLogProb ?? NaN], [logProb], { label: `token ${id}`, absolute: 2e-6 });
    }
    assert.equal(asker.questioner.sessions.compiled, 2, "one graph for the run and one for every lens");
  }));

Deno.test("ranks are those from 1 to the size of the vocabulary, and 1 is that of the top token", () =>
  withModel({ seed: 36, tied: false }, async ({ asker }) => {
    const question = runQuestion([QUESTION], 1);
    const ranks: number[] = [];
    for (let target = 0; target < 67; target++) {
      const rows = await asker.questioner.lens(asker.model, { ...question, side: 0, slots: [0], target });
      const [cell] = rows[0] ?? [];
      ranks.push(cell?.targetRank ?? NaN);
      assert.equal(cell?.targetRank === 1, cell?.targetLogProb === cell?.topLogProb);
    }
    assert.deepEqual(ranks.toSorted((a, b) => a - b), Array.from({ length: 67 }, (_, index) => index + 1));
  }));
