/**
 * One published file: the records of a neuron or a head (`reference-semantics.md` §5). It comes from outside, so every field is checked, and
 * how much there may be of it; what is wrong is named with its place.
 */
import { parsePythonJson } from "./python_json.ts";
import { inside, type Place, readStored, refuse } from "./stored_classes.ts";
import { FileFormatError } from "../errors.ts";

/** Largest file accepted, in bytes; published ones have up to a few million. */
export const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** Longest list of records. */
const MAX_RECORDS = 1024;
/** Longest list of quantiles. */
const MAX_QUANTILES = 128;
/** Longest sequence, in tokens. */
const MAX_TOKENS = 4096;
/** Longest token, in UTF-16 units. */
const MAX_TOKEN_LENGTH = 1024;

/** Tokens of a sequence with a component's values on it, as the file has them. */
export interface StoredRecord {
  readonly place: Place;
  readonly tokens: readonly string[];
  /** One a token; or one a pair, row by row. */
  readonly values: readonly number[];
}

export interface Moments {
  readonly mean: number;
  readonly variance: number;
  readonly skewness: number;
  readonly kurtosis: number;
}

export interface PublishedFile {
  readonly layer: number;
  /** Neuron or head. */
  readonly index: number;
  readonly top: readonly StoredRecord[];
  readonly random: readonly StoredRecord[];
  /** Shares from 0 to 1, highest first; none where the file has no boundaries, or boundaries that are no such shares. */
  readonly byQuantile: readonly {
    readonly from: number;
    readonly to: number;
    readonly records: readonly StoredRecord[];
  }[];
  /** NaN where the file does not tell. */
  readonly moments: Moments;
}

/**
 * Reads a file's bytes.
 *
 * @param name What errors call the file
 * @throws {FileFormatError} if it is no such file, or damaged
 */
export function parsePublishedFile(bytes: Uint8Array, name: string): PublishedFile {
  const place: Place = { file: name, path: "" };
  const stored = readStored(parse(bytes, place), "NeuronRecord", place);
  const at = (field: string) => inside(place, field);
  const id = readStored(stored.neuron_id, "NeuronId", at("neuron_id"));
  return {
    layer: readIndex(id.layer_index, at("neuron_id.layer_index")),
    index: readIndex(id.neuron_index, at("neuron_id.neuron_index")),
    top: readRecords(stored.most_positive_activation_records ?? [], at("most_positive_activation_records")),
    random: readRecords(stored.random_sample ?? [], at("random_sample")),
    byQuantile: readQuantiles(
      {
        lists: readList(stored.random_sample_by_quantile ?? [], MAX_QUANTILES, at("random_sample_by_quantile")),
        boundaries: readList(stored.quantile_boundaries ?? [], MAX_QUANTILES + 1, at("quantile_boundaries")),
      },
      place,
    ),
    moments: {
      mean: readMoment(stored.mean, at("mean")),
      variance: readMoment(stored.variance, at("variance")),
      skewness: readMoment(stored.skewness, at("skewness")),
      kurtosis: readMoment(stored.kurtosis, at("kurtosis")),
    },
  };
}

function parse(bytes: Uint8Array, place: Place): unknown {
  if (bytes.length > MAX_FILE_BYTES) return refuse(place, `it has more than ${MAX_FILE_BYTES} bytes`);
  try {
    return parsePythonJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FileFormatError(`Cannot read ${place.file}: expected JSON in UTF-8 (${reason.slice(0, 200)})`, { cause });
  }
}

/** A layer, neuron or head. Old files write some as text. */
function readIndex(value: unknown, place: Place): number {
  const index = typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : value;
  if (typeof index === "number" && Number.isSafeInteger(index) && index >= 0) return index;
  return refuse(place, "expected a whole number from 0");
}

function readMoment(value: unknown, place: Place): number {
  if (value === undefined || value === null) return NaN;
  if (typeof value !== "number") return refuse(place, "expected a number");
  return Number.isFinite(value) ? value : NaN;
}

function readList(value: unknown, max: number, place: Place): readonly unknown[] {
  if (!Array.isArray(value)) return refuse(place, "expected a list");
  if (value.length > max) return refuse(place, `it has ${value.length} entries, expected at most ${max}`);
  return value;
}

function readRecords(value: unknown, place: Place): readonly StoredRecord[] {
  return readList(value, MAX_RECORDS, place).map((entry, index) => readRecord(entry, inside(place, index)));
}

function readRecord(value: unknown, place: Place): StoredRecord {
  const stored = readStored(value, "ActivationRecord", place);
  const tokens = readTokens(stored.tokens, inside(place, "tokens"));
  const pairCount = tokens.length * (tokens.length + 1) / 2;
  return { place, tokens, values: readValues(stored.activations, pairCount, inside(place, "activations")) };
}

function readTokens(value: unknown, place: Place): readonly string[] {
  const tokens = readList(value, MAX_TOKENS, place);
  if (tokens.length === 0) return refuse(place, "expected at least one token");
  return tokens.map((token, index) => {
    if (typeof token === "string" && token.length <= MAX_TOKEN_LENGTH) return token;
    return refuse(inside(place, index), `expected text of at most ${MAX_TOKEN_LENGTH} characters`);
  });
}

function readValues(value: unknown, max: number, place: Place): readonly number[] {
  return readList(value, max, place).map((number, index) => {
    if (typeof number === "number" && Number.isFinite(number)) return number;
    return refuse(inside(place, index), "expected a finite number");
  });
}

interface StoredQuantiles {
  readonly lists: readonly unknown[];
  readonly boundaries: readonly unknown[];
}

function readQuantiles({ lists, boundaries }: StoredQuantiles, place: Place): PublishedFile["byQuantile"] {
  const records = lists.map((list, index) =>
    readRecords(list, inside(inside(place, "random_sample_by_quantile"), index))
  );
  const numbers = boundaries.map((value, index) => {
    if (typeof value === "number") return value;
    return refuse(inside(inside(place, "quantile_boundaries"), index), "expected a number");
  });
  const edges = quantileEdges(numbers, records.length);
  const quantiles = edges === null ? [] : records.map((own, index) => {
    const [a = 0, b = 0] = [edges[index], edges[index + 1]];
    return { from: Math.min(a, b), to: Math.max(a, b), records: own };
  });
  return quantiles.sort((a, b) => b.from - a.from);
}

/**
 * Edges of every list, one more than there are lists; null if the boundaries cannot be such. Nothing published says whether 0 and 1 are
 * among the boundaries, and which way they go: where they are missing, they are added.
 */
function quantileEdges(boundaries: readonly number[], listCount: number): readonly number[] | null {
  const isFalling = (boundaries.at(-1) ?? 0) < (boundaries[0] ?? 0);
  const [start, end] = isFalling ? [1, 0] : [0, 1];
  const edges = [
    ...(boundaries[0] === start ? [] : [start]),
    ...boundaries,
    ...(boundaries.at(-1) === end ? [] : [end]),
  ];
  const isOrdered = edges.every((edge, i) => {
    const before = edges[i - 1];
    return edge >= 0 && edge <= 1 && (before === undefined || (isFalling ? edge < before : edge > before));
  });
  return isOrdered && edges.length === listCount + 1 ? edges : null;
}
