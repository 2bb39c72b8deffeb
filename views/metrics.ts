/** Metrics of a node, in the order of the columns, with their names for people. */
export const METRIC_COLUMNS = [
  {
    key: "activation",
    title: "Activation",
    help:
      "What the node computed: a neuron’s output after its nonlinearity, a latent’s strength, or the share of its " +
      "attention that a head pays to the token. Embeddings and errors have 1.",
  },
  {
    key: "writeNorm",
    title: "Write magnitude",
    help: "The length of the vector that the node adds to the residual stream, whatever it does to the objective.",
  },
  {
    key: "directEffect",
    title: "Direct effect",
    help:
      "What the node’s write adds to the objective by itself, through the final norm, everything between left out. " +
      "Above zero: for the target. All direct effects, embeddings and biases included, add up to the objective.",
  },
  {
    key: "totalEffect",
    title: "Total effect",
    help:
      "Activation times gradient: a first-order estimate of what the node adds to the objective through everything " +
      "after it. “Measured effects” shows how far such estimates are right.",
  },
] as const;

export type MetricKey = typeof METRIC_COLUMNS[number]["key"];
