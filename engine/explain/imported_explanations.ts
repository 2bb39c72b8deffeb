/**
 * Explanations from files: OpenAI's published ones (a line a component: `neuron_id` or `attention_head_id` and its `scored_explanations`, in
 * Python's JSON), and our own export. A score in such a file stays the publisher's: it was measured otherwise than ours.
 */
import { parsePythonJson } from "../corpus/python_json.ts";
import { ValidationError } from "../errors.ts";
import type { PublishedScore } from "./explanation.ts";
import { MAX_EXPLANATION } from "./prompts.ts";

/** Most lines of an import, and most explanations of a line. */
const MAX_LINES = 10_000;
const MAX_EACH = 100;

export interface ImportedExplanation {
  /** `mlp/5/1234` or `head/9/8`; whether the model has it is not known yet. */
  readonly component: string;
  /** Of a latent: id of its dictionary; undefined for the first. */
  readonly dictionary: string | undefined;
  readonly text: string;
  /** Whose sentence it is, where our own export says so. */
  readonly assistant: string | null;
  readonly published: PublishedScore | null;
}

/** @throws {ValidationError} that names the first line that is none */
export function readImport(lines: string): readonly ImportedExplanation[] {
  const filled = lines.split("\n").flatMap((line, i) => line.trim() === "" ? [] : [{ line, number: i + 1 }]);
  if (filled.length > MAX_LINES) {
    throw wrong(MAX_LINES + 1, `there are ${filled.length} lines, expected ${MAX_LINES} at the most`);
  }
  return filled.flatMap(({ line, number }) => {
    const value = parseLine(line, number);
    return "scored_explanations" in value || "scored_explanation_or_baseline_list" in value
      ? readPublished(value, number)
      : [readOwn(value, number)];
  });
}

type Fields = Readonly<Record<string, unknown>>;

function parseLine(line: string, number: number): Fields {
  try {
    const value = parsePythonJson(line);
    if (isFields(value)) return value;
  } catch {
    // Told below, as everything else that is no object.
  }
  throw wrong(number, "it is no JSON object");
}

/** A line of OpenAI's. Fields that have been renamed are read under either name. */
function readPublished(value: Fields, number: number): readonly ImportedExplanation[] {
  const isHead = "attention_head_id" in value;
  const id = isHead ? value["attention_head_id"] : value["neuron_id"];
  const [layer, index] = isFields(id) ? [id["layer_index"] ?? id["layer"], id["neuron_index"] ?? id["idx"]] : [];
  if (!isIndex(layer) || !isIndex(index)) {
    throw wrong(
      number,
      "it names no component, expected neuron_id or attention_head_id with layer_index and neuron_index",
    );
  }
  const list = value["scored_explanations"] ?? value["scored_explanation_or_baseline_list"];
  if (!Array.isArray(list) || list.length > MAX_EACH) {
    throw wrong(number, `scored_explanations is no list of up to ${MAX_EACH}`);
  }
  return list.map((entry: unknown): ImportedExplanation => {
    const fields = isFields(entry) ? entry : {};
    const found = fields[isHead ? "scored_attention_simulation" : "scored_simulation"];
    const score = isFields(found) ? found : {};
    return {
      component: `${isHead ? "head" : "mlp"}/${layer}/${index}`,
      dictionary: undefined,
      text: readText(fields["explanation"] ?? fields["explanation_or_baseline"], number),
      assistant: null,
      published: {
        correlation: numberOf(score["ev_correlation_score"]),
        rSquared: numberOf(score["rsquared_score"]),
        absoluteDeviation: numberOf(score["absolute_dev_explained_score"]),
        area: numberOf(score["roc_auc_score"]),
      },
    };
  });
}

/** A line of our export: an explanation as the API tells it. Its scores belong to other weights and are left. */
function readOwn(value: Fields, number: number): ImportedExplanation {
  const { component, dictionary, text, provenance } = value;
  if (typeof component !== "string" || component.length > 100) {
    throw wrong(number, "it has neither scored_explanations nor component and text");
  }
  const assistant = isFields(provenance) ? provenance["assistant"] : null;
  return {
    component,
    dictionary: typeof dictionary === "string" ? dictionary : undefined,
    text: readText(text, number),
    assistant: typeof assistant === "string" ? assistant.slice(0, 200) : null,
    published: null,
  };
}

function readText(text: unknown, number: number): string {
  const sentence = typeof text === "string" ? text.trim() : "";
  if (sentence !== "" && sentence.length <= MAX_EXPLANATION) return sentence;
  throw wrong(number, `an explanation is no text of 1..${MAX_EXPLANATION} characters`);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isIndex(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function wrong(line: number, problem: string): ValidationError {
  return new ValidationError([{ path: "lines", message: `Line ${line}: ${problem}` }]);
}
