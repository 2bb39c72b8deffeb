/** Files of published records as OpenAI's tools wrote them, small and made by hand. */

/** A record with one value a token. */
export function record(values: readonly number[], className: "ActivationRecord" | null = "ActivationRecord"): unknown {
  const tokens = values.map((_, i) => [" the", " Mary", "NaN", " unknown word"][i % 4]);
  return { ...(className === null ? {} : { "dataclass_name": className }), activations: values, tokens };
}

/** Neuron 7 of layer 1, in today's form. */
export function neuronFile(): Record<string, unknown> {
  return {
    "dataclass_name": "NeuronRecord",
    "neuron_id": { "dataclass_name": "NeuronId", "layer_index": 1, "neuron_index": 7 },
    "random_sample": [record([0, -0.125, 0.5]), record([-0.25, -0.125, 0])],
    "random_sample_by_quantile": [[record([0, 0.25])], [], [record([1, 0]), record([0, 1.5])]],
    "quantile_boundaries": [0.5, 0.9],
    mean: 0.25,
    variance: 4,
    skewness: NaN,
    kurtosis: Infinity,
    "most_positive_activation_records": [record([1, 2, 3]), record([0, 8, -1, 2])],
  };
}

/** The same component as old files have it: no class names, other names of fields, no quantiles. */
export function oldNeuronFile(): Record<string, unknown> {
  return {
    "neuron_id": { layer: "1", idx: 7 },
    "random_sample": [record([0.5, -1], null)],
    mean: null,
    "most_positive_activation_records": [record([1, 3], null)],
  };
}

/** Head 1 of layer 0: a whole triangle, and one whose window is capped at two keys. */
export function headFile(): Record<string, unknown> {
  const tokens = [" the", " Mary", " to"];
  return {
    "dataclass_name": "NeuronRecord",
    "neuron_id": { "dataclass_name": "NeuronId", "layer_index": 0, "neuron_index": 1 },
    "most_positive_activation_records": [
      { "dataclass_name": "ActivationRecord", tokens, activations: [0, 1, 2, 3, 9, 5] },
      { "dataclass_name": "ActivationRecord", tokens: [...tokens, " a"], activations: [0, 1, 2, 3, 4, 5, 10] },
    ],
    "random_sample": [{ "dataclass_name": "ActivationRecord", tokens, activations: [0, 0.5, 0.05, 0, 0, 0.2] }],
  };
}

/** What Python's `json.dump` writes: bare words for numbers that are not finite. */
export function pythonJson(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value).map(([name, own]) => `${JSON.stringify(name)}: ${pythonJson(own)}`).join(", ")}}`;
}
