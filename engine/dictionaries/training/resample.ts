/**
 * Latents that are never active get no gradient and would stay dead. Now and then each is begun anew in the direction of what is left over of a
 * token, drawn with a probability proportional to the square of its loss (Bricken et al. 2023, "Neuron resampling"; there it is the input's
 * direction). It costs nothing between times, where an auxiliary loss (Gao et al. 2024) would need a second TopK and three more products in
 * every step, and serves all architectures.
 */
import { hashOf, uniformOf } from "../../tensor/random.ts";
import { PARAMETERS } from "./training_graph.ts";
import type { TrainingSpec } from "./training_spec.ts";
import { FIRST_THRESHOLD, normOf, tensorOf, type TrainingState } from "./training_state.ts";

/** Encoder norm of a new latent, as a share of the mean of those alive, where nothing but a bias holds it back. */
const SMALL_SHARE = 0.2;

/** Begins dead latents anew, in place. @param errors What was left over of the last batch: `[token, channel]`; used up */
export function resample(spec: TrainingSpec, state: TrainingState, errors: Float32Array): void {
  const { width, latents, deadAfterSteps, seed } = spec;
  const idle = tensorOf(state, "idle");
  const dead = [...idle.keys()].filter((j) => (idle[j] ?? 0) >= deadAfterSteps);
  if (dead.length === 0) return;
  const norm = encoderNorm(spec, state, new Set(dead));
  const tokens = new TokenDraw(errors, width, hashOf(seed, state.step + 2));
  for (const j of dead) {
    const direction = tokens.next();
    if (direction === null) return;
    const size = normOf(direction);
    for (let c = 0; c < width; c++) {
      const entry = (direction[c] ?? 0) / size;
      tensorOf(state, "W_dec")[j * width + c] = entry;
      tensorOf(state, "W_enc")[c * latents + j] = entry * norm;
    }
    tensorOf(state, "b_enc")[j] = 0;
    state.tensors.get("log_threshold")?.fill(Math.log(FIRST_THRESHOLD), j, j + 1);
    idle[j] = 0;
    forget(spec, state, j);
  }
}

/** Encoder norm of latents that are begun anew: one of TopK has to compete at once. */
function encoderNorm(
  { architecture, width, latents }: TrainingSpec,
  state: TrainingState,
  dead: ReadonlySet<number>,
): number {
  const encoder = tensorOf(state, "W_enc");
  const squares = new Float64Array(latents);
  for (let c = 0; c < width; c++) {
    for (let j = 0; j < latents; j++) squares[j] = (squares[j] ?? 0) + (encoder[c * latents + j] ?? 0) ** 2;
  }
  let sum = 0;
  for (let j = 0; j < latents; j++) sum += dead.has(j) ? 0 : Math.sqrt(squares[j] ?? 0);
  const mean = dead.size === latents ? 1 : sum / (latents - dead.size);
  return architecture.endsWith("topk") ? mean : SMALL_SHARE * mean;
}

/** Clears the moments of a latent's parameters. */
function forget({ width, latents }: TrainingSpec, { tensors }: TrainingState, j: number): void {
  for (const name of PARAMETERS) {
    for (const moment of ["first", "second"] as const) {
      const values = tensors.get(`${moment}.${name}`);
      if (values === undefined || name === "b_dec") continue;
      if (name === "W_enc") { for (let c = 0; c < width; c++) values[c * latents + j] = 0; }
      else if (name === "W_dec") values.fill(0, j * width, (j + 1) * width);
      else values[j] = 0;
    }
  }
}

/** Tokens drawn one after the other, none twice. */
class TokenDraw {
  readonly #errors: Float32Array;
  readonly #width: number;
  readonly #seed: number;
  /** Squared loss of each token; 0 once it was drawn. */
  readonly #weights: Float64Array;
  #drawn = 0;

  constructor(errors: Float32Array, width: number, seed: number) {
    this.#errors = errors;
    this.#width = width;
    this.#seed = seed;
    this.#weights = Float64Array.from(
      { length: errors.length / width },
      (_, token) => normOf(this.#errorOf(token)) ** 4,
    );
  }

  /** What is left over of the next token, `[channel]`; null if none is left. */
  next(): Float32Array | null {
    const total = this.#weights.reduce((sum, weight) => sum + weight, 0);
    if (!(total > 0)) return null;
    let rest = uniformOf(this.#seed, this.#drawn++) * total;
    let token = this.#weights.findIndex((weight) => (rest -= weight) < 0);
    // Rounding may leave a rest behind the last.
    if (token === -1) token = this.#weights.findLastIndex((weight) => weight > 0);
    this.#weights[token] = 0;
    return this.#errorOf(token);
  }

  #errorOf(token: number): Float32Array {
    return this.#errors.subarray(token * this.#width, (token + 1) * this.#width);
  }
}
