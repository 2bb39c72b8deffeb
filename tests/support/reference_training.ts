/**
 * Training in float64, one token and one latent at a time, with gradients written by hand from the comments of
 * `engine/dictionaries/training/training_graph.ts` and the papers named there: what the graph and `adam.ts` are checked against.
 */
import { learningRateAt, sparsityAt, type TrainingSpec } from "../../engine/dictionaries/training/training_spec.ts";
import { type StateName, type TrainingState } from "../../engine/dictionaries/training/training_state.ts";

const BANDWIDTH = 0.05;

/** The state in float64. */
export type ReferenceState = Map<StateName, Float64Array>;

/** Parameters' gradients by name, and what a step tells. */
export interface ReferenceStep {
  readonly gradients: ReadonlyMap<string, Float64Array>;
  readonly unexplained: number;
  readonly penalty: number;
  /** [token][latent] */
  readonly latents: readonly Float64Array[];
}

export function referenceState({ tensors }: TrainingState): ReferenceState {
  return new Map([...tensors].map(([name, values]) => [name, Float64Array.from(values)]));
}

/** Loss and gradients of a batch, nothing changed. @param rows `[token, channel]` */
export function referenceLoss(
  spec: TrainingSpec,
  state: ReferenceState,
  { rows, sparsity }: { readonly rows: ArrayLike<number>; readonly sparsity: number },
): ReferenceStep {
  const { width, latents: count, batch } = spec;
  const get = (name: StateName) => state.get(name) ?? fail(name);
  const [encoder, decoder] = [get("W_enc"), get("W_dec")];
  const scale = get("scale")[0] ?? NaN;
  const tokens = [...Array(batch).keys()];
  const inputs = tokens.map((t) => get("mean").map((mean, c) => ((rows[t * width + c] ?? NaN) - mean) * scale));
  const pres = inputs.map((x) =>
    get("b_enc").map((bias, j) => {
      let pre = bias;
      for (let c = 0; c < width; c++) pre += (x[c] ?? NaN) * (encoder[c * count + j] ?? NaN);
      return pre;
    })
  );
  const active = activeOf(spec, state, pres);
  const latents = pres.map((pre, t) => pre.map((value, j) => active[t]?.[j] ? value : 0));
  const gradients = new Map([...state].map(([name, values]) => [name as string, new Float64Array(values.length)]));
  const into = (name: StateName, at: number, value: number) => {
    const sums = gradients.get(name) ?? fail(name);
    sums[at] = (sums[at] ?? NaN) + value;
  };
  let [squares, penalty] = [0, 0];
  for (const t of tokens) {
    const [x, z, pre] = [inputs[t] ?? fail("x"), latents[t] ?? fail("z"), pres[t] ?? fail("pre")];
    const slopes = x.map((value, c) => {
      let output = get("b_dec")[c] ?? NaN;
      for (let j = 0; j < count; j++) output += (z[j] ?? NaN) * (decoder[j * width + c] ?? NaN);
      squares += (value - output) ** 2;
      return -2 * (value - output) / (batch * width);
    });
    slopes.forEach((slope, c) => into("b_dec", c, slope));
    for (let j = 0; j < count; j++) {
      let slope = 0;
      for (let c = 0; c < width; c++) {
        into("W_dec", j * width + c, (z[j] ?? NaN) * (slopes[c] ?? NaN));
        slope += (slopes[c] ?? NaN) * (decoder[j * width + c] ?? NaN);
      }
      const isActive = active[t]?.[j] === true;
      const perToken = sparsity / (batch * width);
      if (spec.architecture === "jumprelu") {
        const threshold = Math.exp(get("log_threshold")[j] ?? NaN);
        if (isActive) penalty += 1 / batch;
        if (Math.abs((pre[j] ?? NaN) - threshold) < BANDWIDTH / 2) {
          // d z / d θ = −θ/ε and d S / d θ = −1/ε; and d θ / d log θ = θ.
          into("log_threshold", j, (-slope * threshold - perToken) / BANDWIDTH * threshold);
        }
      }
      if (!isActive) continue;
      if (spec.architecture === "relu") {
        penalty += (z[j] ?? NaN) / batch;
        slope += perToken;
      }
      into("b_enc", j, slope);
      for (let c = 0; c < width; c++) into("W_enc", c * count + j, slope * (x[c] ?? NaN));
    }
  }
  return { gradients, unexplained: squares / (batch * width), penalty, latents };
}

/** A whole step: the state is changed. */
export function referenceStep(
  spec: TrainingSpec,
  state: ReferenceState,
  { rows, step }: { readonly rows: ArrayLike<number>; readonly step: number },
): ReferenceStep & { readonly loss: number } {
  const sparsity = sparsityAt(spec, step);
  const result = referenceLoss(spec, state, { rows, sparsity });
  const rate = learningRateAt(spec, step);
  for (const name of ["W_enc", "b_enc", "W_dec", "b_dec", "log_threshold"] as const) {
    const values = state.get(name);
    if (values === undefined) continue;
    const gradient = result.gradients.get(name) ?? fail(name);
    const [first, second] = [state.get(`first.${name}`) ?? fail(name), state.get(`second.${name}`) ?? fail(name)];
    const rows = name === "W_dec" ? spec.latents : 0;
    for (let j = 0; j < rows; j++) {
      const at = (i: number) => j * spec.width + i;
      let along = 0;
      for (let i = 0; i < spec.width; i++) along += (gradient[at(i)] ?? NaN) * (values[at(i)] ?? NaN);
      for (let i = 0; i < spec.width; i++) gradient[at(i)] = (gradient[at(i)] ?? NaN) - along * (values[at(i)] ?? NaN);
    }
    values.forEach((value, i) => {
      const g = gradient[i] ?? NaN;
      const m = first[i] = 0.9 * (first[i] ?? NaN) + 0.1 * g;
      const v = second[i] = 0.999 * (second[i] ?? NaN) + 0.001 * g ** 2;
      values[i] = value - rate * (m / (1 - 0.9 ** (step + 1))) / (Math.sqrt(v / (1 - 0.999 ** (step + 1))) + 1e-8);
    });
    for (let j = 0; j < rows; j++) {
      const row = values.subarray(j * spec.width, (j + 1) * spec.width);
      const norm = Math.hypot(...row);
      row.forEach((value, i) => row[i] = value / norm);
    }
  }
  followLeast(state, result.latents);
  return { ...result, loss: result.unexplained + sparsity * result.penalty / spec.width };
}

/** Which latents are not 0: `[token][latent]`. */
function activeOf(
  { architecture, k, batch }: TrainingSpec,
  state: ReferenceState,
  pres: readonly Float64Array[],
): readonly (readonly boolean[])[] {
  const kept = (pre: readonly number[], count: number) => {
    const order = [...pre.keys()].sort((a, b) => (pre[b] ?? NaN) - (pre[a] ?? NaN) || a - b);
    return new Set(order.slice(0, count));
  };
  switch (architecture) {
    case "relu":
      return pres.map((pre) => [...pre].map((value) => value > 0));
    case "topk":
      return pres.map((pre) => {
        const chosen = kept([...pre], k ?? 0);
        return [...pre].map((value, j) => value > 0 && chosen.has(j));
      });
    case "batchtopk": {
      const all = pres.flatMap((pre) => [...pre]);
      const chosen = kept(all, batch * (k ?? 0));
      const count = pres[0]?.length ?? 0;
      return pres.map((pre, t) => [...pre].map((value, j) => value > 0 && chosen.has(t * count + j)));
    }
    case "jumprelu":
      return pres.map((pre) => [...pre].map((value, j) => value > Math.exp(state.get("log_threshold")?.[j] ?? NaN)));
  }
}

/** The running mean of the least active latent; the first one counts whole. */
function followLeast(state: ReferenceState, latents: readonly Float64Array[]): void {
  const threshold = state.get("threshold");
  if (threshold === undefined) return;
  const least = Math.min(...latents.flatMap((z) => [...z]).filter((value) => value > 0));
  const before = threshold[0] ?? NaN;
  threshold[0] = Number.isNaN(before) ? least : 0.99 * before + 0.01 * least;
}

function fail(what: string): never {
  throw new Error(`No ${what}`);
}
