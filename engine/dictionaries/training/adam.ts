/**
 * Adam (Kingma and Ba 2015), in place, beside the graph: arithmetic in float64, what is kept in float32. On two cores the same twelve
 * operators inside a graph took six times as long, for each writes a matrix that the next one reads.
 */

/** Decay of the first and the second moment, and what is added to the root of the second. */
const BETA_1 = 0.9;
const BETA_2 = 0.999;
const EPSILON = 1e-8;

/** A parameter with its moments and its gradient, all of one length. */
export interface Trained {
  readonly parameter: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly gradient: Float32Array;
}

export interface AdamStep {
  readonly learningRate: number;
  /** Of all steps, counted from 1. */
  readonly count: number;
}

/** One step. */
export function adam(trained: Trained, step: AdamStep): void {
  const { rate, epsilon } = corrected(step);
  adamRange(trained, { rate, epsilon, from: 0, to: trained.parameter.length });
}

/**
 * One step of rows that are to keep norm 1: what of the gradient lies along a row is taken out before (Bricken et al. 2023), and the row is
 * divided by its norm after.
 */
export function adamOfUnitRows(trained: Trained, width: number, step: AdamStep): void {
  const { parameter, gradient } = trained;
  const { rate, epsilon } = corrected(step);
  for (let from = 0; from < parameter.length; from += width) {
    const to = from + width;
    let along = 0;
    for (let i = from; i < to; i++) along += (gradient[i] ?? 0) * (parameter[i] ?? 0);
    for (let i = from; i < to; i++) gradient[i] = (gradient[i] ?? 0) - along * (parameter[i] ?? 0);
    adamRange(trained, { rate, epsilon, from, to });
    let squares = 0;
    for (let i = from; i < to; i++) squares += (parameter[i] ?? 0) ** 2;
    const norm = Math.sqrt(squares);
    for (let i = from; i < to; i++) parameter[i] = (parameter[i] ?? 0) / norm;
  }
}

/** Both moments begin at 0, and are too small at first: rate and ε that make up for it. */
function corrected({ learningRate, count }: AdamStep): { readonly rate: number; readonly epsilon: number } {
  const root = Math.sqrt(1 - BETA_2 ** count);
  return { rate: learningRate * root / (1 - BETA_1 ** count), epsilon: EPSILON * root };
}

interface Range {
  readonly rate: number;
  readonly epsilon: number;
  readonly from: number;
  readonly to: number;
}

function adamRange({ parameter, first, second, gradient }: Trained, { rate, epsilon, from, to }: Range): void {
  for (let i = from; i < to; i++) {
    const slope = gradient[i] ?? 0;
    const mean = BETA_1 * (first[i] ?? 0) + (1 - BETA_1) * slope;
    const square = BETA_2 * (second[i] ?? 0) + (1 - BETA_2) * slope * slope;
    first[i] = mean;
    second[i] = square;
    parameter[i] = (parameter[i] ?? 0) - rate * mean / (Math.sqrt(square) + epsilon);
  }
}
