/** What can be told of one side of a question: what each layer would predict, and whom a head attends to. */
import type { CallOptions } from "./engine.ts";
import {
  type AttentionRequest,
  attentionRequestSchema,
  type AttentionResult,
  resolveHead,
} from "./circuit/attention_request.ts";
import { slotOf } from "./circuit/alignment.ts";
import { parseOrThrow } from "./circuit/field_issues.ts";
import { type LensRequest, lensRequestSchema, type LensResult, lensWindow } from "./circuit/lens_request.ts";
import type { QuestionRow } from "./circuit/question_graph.ts";
import type { QuestionSide, ResolvedQuestion } from "./circuit/resolve_spec.ts";
import { EngineError, ValidationError } from "./errors.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { Token } from "./model/summary.ts";
import type { ReportSource } from "./report_source.ts";

export class SideReports {
  readonly #source: ReportSource;

  constructor(source: ReportSource) {
    this.#source = source;
  }

  async lens(request: LensRequest, { signal }: CallOptions): Promise<LensResult> {
    const { side, from: asksFrom, count: asksCount, ...spec } = parseOrThrow(lensRequestSchema, request);
    const asked = await this.#source.resolve(spec);
    const { model, resolved } = asked;
    const { row, label, prompt, tokens } = sideOf(model, resolved, side);
    const { alignment, question: { topK: _k, ...question } } = resolved;
    const { from, count } = lensWindow({ from: asksFrom, count: asksCount }, {
      tokenCount: tokens.length,
      position: alignment[row.position]?.[prompt] ?? 0,
    });
    const details = { side, from, count };
    const { report } = await this.#source.cache.answer(
      { kind: "logit-lens", asked, details, signal },
      async (shared): Promise<LensResult> => {
        const target = row.choices[0]?.id ?? 0;
        const slots = Array.from({ length: count }, (_, i) => slotOf(alignment, prompt, from + i));
        const { output: { rows } } = await this.#source.worker.call(
          "lens",
          { modelId: model.id, question: { ...question, side, slots, target } },
          { signal: shared },
        );
        requireFinite(rows.flat().map(({ targetLogProb }) => targetLogProb), model);
        const token = (id: number): Token => ({ id, text: model.tokenizer.tokenText(id) });
        return {
          side: label,
          tokens,
          target: token(target),
          from,
          rows: rows.map((cells) => cells.map(({ top, ...cell }) => ({ top: token(top), ...cell }))),
        };
      },
    );
    return report;
  }

  async attention(request: AttentionRequest, { signal }: CallOptions): Promise<AttentionResult> {
    const { head: text, metric, side, ...spec } = parseOrThrow(attentionRequestSchema, request);
    const asked = await this.#source.resolve(spec);
    const { model, resolved } = asked;
    const { label, tokens } = sideOf(model, resolved, side);
    const { layer, head } = resolveHead(text, model.architecture);
    const ref = `head/${layer}/${head}`;
    const { report } = await this.#source.cache.answer(
      { kind: "attention", asked, details: { head: ref, metric, side }, signal },
      async (shared): Promise<AttentionResult> => {
        const { topK: _k, ...question } = resolved.question;
        const { output: { values } } = await this.#source.worker.call(
          "attention",
          { modelId: model.id, question: { ...question, side, layer, head, metric } },
          { signal: shared },
        );
        requireFinite(values.flat(), model);
        return { head: ref, metric, side: label, tokens, values };
      },
    );
    return report;
  }
}

interface AskedSide extends QuestionSide {
  readonly row: QuestionRow;
  readonly tokens: readonly Token[];
}

/** One side of a question. @throws {ValidationError} if there is none of this index */
function sideOf({ tokenizer }: LanguageModel, { sides, question }: ResolvedQuestion, index: number): AskedSide {
  const [side, row] = [sides[index], question.rows[index]];
  if (side === undefined || row === undefined) {
    const labels = sides.map(({ label }, i) => `${i} (${label})`).join(", ");
    throw new ValidationError([{
      path: "side",
      message: `There is no side ${index} of this question: expected ${labels}`,
    }]);
  }
  const tokens = row.tokens.filter((id) => id !== null).map((id) => ({ id, text: tokenizer.tokenText(id) }));
  return { ...side, row, tokens };
}

function requireFinite(values: readonly number[], { id }: LanguageModel): void {
  if (values.every(Number.isFinite)) return;
  throw new EngineError(
    `The numbers of model "${id}" are not finite on this question: its weights are damaged or overflow`,
  );
}
