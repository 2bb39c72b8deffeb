/** What is told about a loaded model; never a path. */

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

/** A hook point and its axes, as `["token", "head", "d_head"]`. */
export interface HookPointSummary {
  readonly name: string;
  readonly axes: readonly string[];
}

export interface ModelDetail extends ModelSummary {
  /** The file `config.json` as it is. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly hookPoints: readonly HookPointSummary[];
  readonly dictionaries: readonly string[];
  readonly datasets: readonly string[];
}

/** What is told of a model in a list. */
export function summaryOf(detail: ModelDetail): ModelSummary {
  const { config: _config, hookPoints: _hookPoints, dictionaries: _dictionaries, datasets: _datasets, ...summary } =
    detail;
  return summary;
}
