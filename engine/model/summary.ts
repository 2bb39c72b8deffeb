/** What is told about a loaded model; never a path. */

import type { DictionaryDetail } from "./dictionary.ts";
import type { HookPointSummary } from "./hook_points.ts";

/** A token of a prompt or of the vocabulary. `text` is the decoded text of this token alone. */
export interface Token {
  readonly id: number;
  readonly text: string;
}

export interface ModelSummary {
  readonly id: string;
  /** Family, as in `gpt2`. */
  readonly family: string;
  readonly layerCount: number;
  readonly headCount: number;
  /** d_model. */
  readonly modelWidth: number;
  /** d_mlp. */
  readonly mlpWidth: number;
  readonly vocabularySize: number;
  readonly contextLength: number;
  readonly parameterCount: number;
  readonly weightsBytes: number;
  /** False: the model works by token ids, which then stand in for its texts. */
  readonly hasTokenizer: boolean;
  readonly bos: Token | null;
}

export interface ModelDetail extends ModelSummary {
  /** The file `config.json` as it is. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly hookPoints: readonly HookPointSummary[];
  /** Those that fit it, with what their files say. */
  readonly dictionaries: readonly DictionaryDetail[];
  readonly datasets: readonly string[];
}

/** What is told of a model in a list. */
export function summaryOf(detail: ModelDetail): ModelSummary {
  const { config: _config, hookPoints: _hookPoints, dictionaries: _dictionaries, datasets: _datasets, ...summary } =
    detail;
  return summary;
}
