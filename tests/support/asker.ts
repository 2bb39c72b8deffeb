/** Asks questions on the test's own thread: the engine without worker, store or texts. */
import { Questioner } from "../../engine/circuit/questioner.ts";
import { weightedChoices } from "../../engine/circuit/objective.ts";
import type { Edit } from "../../engine/circuit/edits.ts";
import { dictionariesOf, type Question, type QuestionRow } from "../../engine/circuit/question_graph.ts";
import type { NamedResult, RunNumbers, RunQuestion } from "../../engine/circuit/questions.ts";
import type { ObjectiveKind } from "../../engine/circuit/run_spec.ts";
import { type Basis, PLAIN } from "../../engine/circuit/dictionary_spec.ts";
import type { Trace } from "../../engine/circuit/trace.ts";
import { resolveTensorNames } from "../../engine/circuit/tensor_names.ts";
import type { Dictionary } from "../../engine/model/dictionary.ts";
import { type LanguageModel, openLanguageModel } from "../../engine/model/language_model.ts";
import { createOrtBackend } from "../../engine/runtime/ort_backend.ts";

export interface TestQuestion {
  readonly tokens: readonly number[];
  readonly targets: readonly number[];
  readonly distractors?: readonly number[];
  /** Default: logit-diff. */
  readonly objective?: ObjectiveKind;
  /** Default: true. */
  readonly freezeFinalNorm?: boolean;
  /** Default: the last token. */
  readonly position?: number;
  /** Edits of activations; they apply to this side, whatever their row says. */
  readonly edits?: readonly Edit[];
  readonly trace?: Trace | null;
  /** Ids of dictionaries of the model; default: none. */
  readonly dictionaries?: readonly string[];
  /** Default: false. */
  readonly dropsErrors?: boolean;
  /** Default: neurons and heads. */
  readonly basis?: Basis;
}

export class Asker {
  readonly model: LanguageModel;
  readonly questioner: Questioner;

  private constructor(model: LanguageModel, questioner: Questioner) {
    this.model = model;
    this.questioner = questioner;
  }

  /** @param dictionaries Those that questions may splice in; default: none */
  static async open(folder: string, dictionaries: readonly Dictionary[] = []): Promise<Asker> {
    const model = { ...await openLanguageModel({ id: "model", folder }), dictionaries };
    const backend = await createOrtBackend({ device: "cpu" }, new Uint8Array());
    return new Asker(model, new Questioner(backend, 1e9));
  }

  /** Tensors by their names in the API, with J under `objective`. */
  async tensors(names: readonly string[], question: TestQuestion): Promise<ReadonlyMap<string, NamedResult>> {
    const { names: tensors, issues } = resolveTensorNames(names, {
      architecture: this.model.architecture,
      dictionaries: dictionariesOf(this.model, question.dictionaries ?? []),
    });
    if (issues.length > 0) throw new Error(issues.map(({ message }) => message).join("\n"));
    const numbers = await this.questioner.tensors(this.model, { ...sharedQuestion([question]), tensors });
    return new Map([
      ["objective", { name: "objective", shape: [], data: Float32Array.of(numbers.objective) }],
      ...numbers.tensors.map((tensor): [string, NamedResult] => [tensor.name, tensor]),
    ]);
  }

  run(questions: readonly [TestQuestion, ...TestQuestion[]], topK = 10): Promise<RunNumbers> {
    return this.questioner.run(this.model, runQuestion(questions, topK));
  }
}

export function runQuestion(questions: readonly [TestQuestion, ...TestQuestion[]], topK: number): RunQuestion {
  return { ...sharedQuestion(questions), topK, basis: questions[0].basis ?? PLAIN.basis };
}

function sharedQuestion(questions: readonly [TestQuestion, ...TestQuestion[]]): Question {
  const [{ objective = "logit-diff", freezeFinalNorm = true, trace = null, dictionaries = [], dropsErrors = false }] =
    questions;
  return {
    rows: questions.map(questionRow),
    objective,
    freezeFinalNorm,
    edits: questions.flatMap(({ edits = [] }, row) => edits.map((edit) => ({ ...edit, row }))),
    trace,
    dictionaries,
    dropsErrors,
  };
}

function questionRow(
  { tokens, targets, distractors = [], objective = "logit-diff", position }: TestQuestion,
): QuestionRow {
  return { tokens, position: position ?? tokens.length - 1, choices: weightedChoices(objective, targets, distractors) };
}
