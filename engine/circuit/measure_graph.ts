/** J alone, for many variants of a question at once: what is left of a question's graph without gradients and scalars. */
import type { ModelWeights } from "../model/language_model.ts";
import type { Edit } from "./edits.ts";
import { buildQuestion, type Question, type QuestionKind } from "./question_graph.ts";
import type { GraphRequest } from "../onnx/simplify.ts";

/** Output `objective`: `[batch]`. */
export function buildMeasureGraph(model: ModelWeights, kind: QuestionKind): GraphRequest {
  return { outputs: { objective: buildQuestion(model, kind, false).value }, names: new Map() };
}

/**
 * The question with the first side repeated once a variant, each with the question's own edits and one more, which wins where
 * both set the same entry; then the question's own sides.
 *
 * @param variants The further edit of each variant; its row is ignored.
 */
export function variantsQuestion(question: Question, variants: readonly Edit[]): Question {
  const [first] = question.rows;
  if (first === undefined) throw new Error("Internal: a question without sides");
  const count = variants.length;
  const moved = (edit: Edit, row: number): Edit => ({
    ...edit,
    row,
    patch: edit.patch === null ? null : { ...edit.patch, row: edit.patch.row + count },
  });
  const own = question.edits.filter(({ row }) => row === 0);
  return {
    ...question,
    rows: [...variants.map(() => first), ...question.rows],
    edits: [
      ...variants.flatMap((variant, row) => [
        ...own.filter((edit) => !isSameEntry(edit, variant)).map((edit) => moved(edit, row)),
        { ...variant, row },
      ]),
      ...question.edits.map((edit) => moved(edit, edit.row + count)),
    ],
  };
}

function isSameEntry(a: Edit, b: Edit): boolean {
  return a.hook === b.hook && a.index.join() === b.index.join();
}
