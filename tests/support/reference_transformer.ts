/**
 * GPT-2 in float64 and plain loops: every hook point, every gradient and the four scalars of every node. It shares no code with
 * the engine and is written to be read, not to be fast; the engine is right where it agrees with this file.
 *
 * Shapes: residual stream `[token, d_model]`; q, k, v, z `[token, head, d_head]`; scores and pattern `[query, key, head]`;
 * neurons `[token, neuron]`; norm scales `[token]`; logits `[token, vocab]`.
 */
import {
  add,
  at,
  centre,
  found,
  gelu,
  geluSlope,
  pairs,
  softmaxBackward,
  softmaxOverKeys,
  sum,
  table,
  times,
  timesTransposed,
} from "./reference_arithmetic.ts";
import { readObjective, type RefObjective } from "./reference_objective.ts";

/** Row-major data. */
export interface RefTensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Names as in a Hugging Face checkpoint, with or without `transformer.`; linear weights are `[in, out]`. */
export type RefWeights = ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: ArrayLike<number> }>;

/** The part of `config.json` that matters. */
export interface RefConfig {
  readonly "n_layer": number;
  readonly "n_head": number;
  readonly "n_embd": number;
  readonly "n_inner"?: number | null;
  readonly "n_positions": number;
  readonly "vocab_size": number;
  readonly "layer_norm_epsilon": number;
}

export interface RefQuestion {
  readonly tokens: readonly number[];
  readonly objective: RefObjective;
  /** The final norm's scale is a constant in gradients. Default: true. */
  readonly freezeFinalNorm?: boolean;
  /** Entries of hook points to overwrite. Gradients are those with respect to the value set; none flow through it. */
  readonly interventions?: readonly RefIntervention[];
}

export interface RefIntervention {
  readonly hook: string;
  readonly index: readonly number[];
  readonly value: number;
}

export interface RefRun {
  /** By hook name: `blocks.0.attn.hook_q`. */
  readonly hooks: ReadonlyMap<string, RefTensor>;
  /** dJ/d(hook point), by hook name. */
  readonly gradients: ReadonlyMap<string, RefTensor>;
  /** By name: `scalar:direct_effect:mlp:0`, `scalar:write_norm:embed`. */
  readonly scalars: ReadonlyMap<string, RefTensor>;
  /** J. */
  readonly objective: number;
}

/** Runs a model forward and backward. */
export function referenceRun(weights: RefWeights, config: RefConfig, question: RefQuestion): RefRun {
  const model = new Model(weights, config, question);
  const { objective, logitGradient } = model.forward();
  model.backward(logitGradient);
  return { hooks: model.hooks, gradients: model.gradients, scalars: model.scalars(), objective };
}

/** A tensor of a run by its name in our API: a hook point, `grad:…` or `scalar:…`. @throws {RangeError} if there is none. */
export function referenceTensor({ hooks, gradients, scalars }: RefRun, name: string): RefTensor {
  if (name.startsWith("scalar:")) return found(scalars, name);
  return name.startsWith("grad:") ? found(gradients, name.slice("grad:".length)) : found(hooks, name);
}

class Model {
  readonly hooks = new Map<string, RefTensor>();
  readonly gradients = new Map<string, RefTensor>();
  readonly #weights: RefWeights;
  readonly #config: RefConfig;
  readonly #question: RefQuestion;
  readonly #tokenCount: number;
  readonly #width: number;
  readonly #heads: number;
  readonly #headWidth: number;
  readonly #inner: number;

  constructor(weights: RefWeights, config: RefConfig, question: RefQuestion) {
    this.#weights = weights;
    this.#config = config;
    this.#question = question;
    this.#tokenCount = question.tokens.length;
    this.#width = config.n_embd;
    this.#heads = config.n_head;
    this.#headWidth = config.n_embd / config.n_head;
    this.#inner = config.n_inner ?? 4 * config.n_embd;
  }

  forward(): { objective: number; logitGradient: Float64Array } {
    const { tokens, objective } = this.#question;
    const [n, d, heads, headWidth] = [this.#tokenCount, this.#width, this.#heads, this.#headWidth];
    const [wte, wpe] = [this.#weight("wte.weight"), this.#weight("wpe.weight")];
    const embed = this.#hook("hook_embed", [n, d], table(n, d, (t, c) => at(wte, at(tokens, t) * d + c)));
    const positionEmbed = this.#hook("hook_pos_embed", [n, d], table(n, d, (t, c) => at(wpe, t * d + c)));
    let resid = add(embed, positionEmbed);
    for (let layer = 0; layer < this.#config.n_layer; layer++) {
      const [block, h] = [`blocks.${layer}`, `h.${layer}`];
      resid = this.#hook(`${block}.hook_resid_pre`, [n, d], resid);

      const qkv = this.#linear(this.#norm(`${block}.ln1`, resid, `${h}.ln_1`), `${h}.attn.c_attn`, d, 3 * d);
      const [q, k, v] = ["q", "k", "v"].map((name, part) =>
        this.#hook(
          `${block}.attn.hook_${name}`,
          [n, heads, headWidth],
          table(n, d, (t, c) => at(qkv, t * 3 * d + part * d + c)),
        )
      ) as [Float64Array, Float64Array, Float64Array];
      const scores = this.#hook(
        `${block}.attn.hook_attn_scores`,
        [n, n, heads],
        pairs(
          n,
          heads,
          (query, key, head) =>
            key > query
              ? -Infinity
              : sum(headWidth, (i) => at(q, this.#at(query, head, i)) * at(k, this.#at(key, head, i))) /
                Math.sqrt(headWidth),
        ),
      );
      const pattern = this.#hook(`${block}.attn.hook_pattern`, [n, n, heads], softmaxOverKeys(scores, n, heads));
      const z = this.#hook(
        `${block}.attn.hook_z`,
        [n, heads, headWidth],
        table(n, d, (query, c) => {
          const [head, i] = [Math.floor(c / headWidth), c % headWidth];
          return sum(n, (key) => at(pattern, (query * n + key) * heads + head) * at(v, this.#at(key, head, i)));
        }),
      );
      const attnOut = this.#hook(`${block}.hook_attn_out`, [n, d], this.#linear(z, `${h}.attn.c_proj`, d, d));
      const mid = this.#hook(`${block}.hook_resid_mid`, [n, d], add(resid, attnOut));

      const normed = this.#norm(`${block}.ln2`, mid, `${h}.ln_2`);
      const pre = this.#hook(
        `${block}.mlp.hook_pre`,
        [n, this.#inner],
        this.#linear(normed, `${h}.mlp.c_fc`, d, this.#inner),
      );
      const post = this.#hook(`${block}.mlp.hook_post`, [n, this.#inner], pre.map(gelu));
      const mlpOut = this.#hook(`${block}.hook_mlp_out`, [n, d], this.#linear(post, `${h}.mlp.c_proj`, this.#inner, d));
      resid = this.#hook(`${block}.hook_resid_post`, [n, d], add(mid, mlpOut));
    }
    const vocab = this.#config.vocab_size;
    const final = this.#norm("ln_final", resid, "ln_f");
    const logits = this.#hook("logits", [n, vocab], timesTransposed(final, this.#unembedding(), [vocab, d]));
    const position = objective.position ?? -1;
    const row = position < 0 ? n + position : position;
    const { value, gradient } = readObjective(logits.subarray(row * vocab, (row + 1) * vocab), objective);
    const logitGradient = new Float64Array(n * vocab);
    logitGradient.set(gradient, row * vocab);
    return { objective: value, logitGradient };
  }

  backward(logitGradient: Float64Array): void {
    const [n, d, heads, headWidth] = [this.#tokenCount, this.#width, this.#heads, this.#headWidth];
    const gLogits = this.#gradient("logits", logitGradient);
    const gFinal = times(gLogits, this.#unembedding(), [this.#config.vocab_size, d]);
    let g = this.#normBackward("ln_final", `blocks.${this.#config.n_layer - 1}.hook_resid_post`, gFinal, "ln_f");
    for (let layer = this.#config.n_layer - 1; layer >= 0; layer--) {
      const [block, h] = [`blocks.${layer}`, `h.${layer}`];
      g = this.#gradient(`${block}.hook_resid_post`, g);

      const gMlpOut = this.#gradient(`${block}.hook_mlp_out`, g);
      const gPost = this.#gradient(
        `${block}.mlp.hook_post`,
        this.#linearBackward(gMlpOut, `${h}.mlp.c_proj`, this.#inner, d),
      );
      const pre = this.#value(`${block}.mlp.hook_pre`);
      const gPre = this.#gradient(`${block}.mlp.hook_pre`, gPost.map((value, i) => value * geluSlope(at(pre, i))));
      const gNormed2 = this.#linearBackward(gPre, `${h}.mlp.c_fc`, d, this.#inner);
      g = this.#gradient(
        `${block}.hook_resid_mid`,
        add(g, this.#normBackward(`${block}.ln2`, `${block}.hook_resid_mid`, gNormed2, `${h}.ln_2`)),
      );

      const [q, k, v] = ["q", "k", "v"].map((name) => this.#value(`${block}.attn.hook_${name}`)) as [
        Float64Array,
        Float64Array,
        Float64Array,
      ];
      const pattern = this.#value(`${block}.attn.hook_pattern`);
      const gAttnOut = this.#gradient(`${block}.hook_attn_out`, g);
      const gZ = this.#gradient(`${block}.attn.hook_z`, this.#linearBackward(gAttnOut, `${h}.attn.c_proj`, d, d));
      const gPattern = this.#gradient(
        `${block}.attn.hook_pattern`,
        pairs(
          n,
          heads,
          (query, key, head) => sum(headWidth, (i) => at(gZ, this.#at(query, head, i)) * at(v, this.#at(key, head, i))),
        ),
      );
      const gScores = this.#gradient(
        `${block}.attn.hook_attn_scores`,
        softmaxBackward(gPattern, this.#value(`${block}.attn.hook_attn_scores`), heads),
      );
      /** Each of q, k and v collects, per token, head and channel, a sum over the tokens at the other end of the pair. */
      const collect = (term: (token: number, other: number, head: number, channel: number) => number) =>
        table(n, d, (token, c) => sum(n, (other) => term(token, other, Math.floor(c / headWidth), c % headWidth)));
      const pair = (query: number, key: number, head: number) => (query * n + key) * heads + head;
      const root = Math.sqrt(headWidth);
      const gQkv = [
        collect((query, key, head, i) => at(gScores, pair(query, key, head)) * at(k, this.#at(key, head, i)) / root),
        collect((key, query, head, i) => at(gScores, pair(query, key, head)) * at(q, this.#at(query, head, i)) / root),
        collect((key, query, head, i) => at(pattern, pair(query, key, head)) * at(gZ, this.#at(query, head, i))),
      ].map((data, part) => this.#gradient(`${block}.attn.hook_${"qkv"[part]}`, data));
      const gQkvRows = table(n, 3 * d, (t, c) => at(gQkv[Math.floor(c / d)] ?? [], t * d + c % d));
      const gNormed1 = this.#linearBackward(gQkvRows, `${h}.attn.c_attn`, d, 3 * d);
      g = this.#gradient(
        `${block}.hook_resid_pre`,
        add(g, this.#normBackward(`${block}.ln1`, `${block}.hook_resid_pre`, gNormed1, `${h}.ln_1`)),
      );
    }
    this.#gradient("hook_embed", g);
    this.#gradient("hook_pos_embed", g);
  }

  /** The four numbers of every neuron, head edge and embedding. The direct effect reads the last residual's gradient. */
  scalars(): Map<string, RefTensor> {
    const [n, d, heads, headWidth] = [this.#tokenCount, this.#width, this.#heads, this.#headWidth];
    const scalars = new Map<string, RefTensor>();
    const direction = this.#grad(`blocks.${this.#config.n_layer - 1}.hook_resid_post`);
    const write = (which: string, shape: readonly number[], data: Record<string, Float64Array>) => {
      for (const [name, values] of Object.entries(data)) {
        scalars.set(`scalar:${name}:${which}`, { shape, data: values });
      }
    };
    for (let layer = 0; layer < this.#config.n_layer; layer++) {
      const wOut = this.#weight(`h.${layer}.mlp.c_proj.weight`);
      const post = this.#value(`blocks.${layer}.mlp.hook_post`);
      const gPost = this.#grad(`blocks.${layer}.mlp.hook_post`);
      const rowNorms = table(1, this.#inner, (_, i) => Math.sqrt(sum(d, (c) => at(wOut, i * d + c) ** 2)));
      const alongDirection = timesTransposed(direction, wOut, [this.#inner, d]);
      write(`mlp:${layer}`, [n, this.#inner], {
        activation: post,
        "write_norm": post.map((value, i) => Math.abs(value) * at(rowNorms, i % this.#inner)),
        "direct_effect": post.map((value, i) => value * at(alongDirection, i)),
        "total_effect": post.map((value, i) => value * at(gPost, i)),
      });

      const wO = this.#weight(`h.${layer}.attn.c_proj.weight`);
      const [v, pattern] = [
        this.#value(`blocks.${layer}.attn.hook_v`),
        this.#value(`blocks.${layer}.attn.hook_pattern`),
      ];
      const gPattern = this.#grad(`blocks.${layer}.attn.hook_pattern`);
      /** What head `h` would write from key `k` at probability 1, `[key, head, d_model]`. */
      const writes = table(
        n * heads,
        d,
        (row, c) => sum(headWidth, (i) => at(v, row * headWidth + i) * at(wO, ((row % heads) * headWidth + i) * d + c)),
      );
      const perPair = (factor: (query: number, write: number) => number) =>
        pairs(n, heads, (query, key, head) => {
          const probability = at(pattern, (query * n + key) * heads + head);
          return probability === 0 ? 0 : probability * factor(query, (key * heads + head) * d);
        });
      write(`head:${layer}`, [n, n, heads], {
        activation: pattern,
        "write_norm": perPair((_, w) => Math.sqrt(sum(d, (c) => at(writes, w + c) ** 2))).map(Math.abs),
        "direct_effect": perPair((query, w) => sum(d, (c) => at(writes, w + c) * at(direction, query * d + c))),
        "total_effect": pattern.map((value, i) => value * at(gPattern, i)),
      });
    }
    const [embed, gEmbed] = [this.#value("blocks.0.hook_resid_pre"), this.#grad("blocks.0.hook_resid_pre")];
    const perToken = (term: (i: number) => number) => table(n, 1, (t) => sum(d, (c) => term(t * d + c)));
    write("embed", [n], {
      activation: new Float64Array(n).fill(1),
      "write_norm": perToken((i) => at(embed, i) ** 2).map(Math.sqrt),
      "direct_effect": perToken((i) => at(embed, i) * at(direction, i)),
      "total_effect": perToken((i) => at(embed, i) * at(gEmbed, i)),
    });
    return scalars;
  }

  /** LayerNorm: centre, divide by sqrt(mean square + epsilon), then gain and bias. */
  #norm(hook: string, x: Float64Array, weights: string): Float64Array {
    const [n, d] = [this.#tokenCount, this.#width];
    const centred = centre(x, n, d);
    const scale = this.#hook(
      `${hook}.hook_scale`,
      [n],
      table(n, 1, (t) => Math.sqrt(sum(d, (c) => at(centred, t * d + c) ** 2) / d + this.#config.layer_norm_epsilon)),
    );
    const normalized = this.#hook(
      `${hook}.hook_normalized`,
      [n, d],
      table(n, d, (t, c) => at(centred, t * d + c) / at(scale, t)),
    );
    const [gain, bias] = [this.#weight(`${weights}.weight`), this.#weight(`${weights}.bias`)];
    return table(n, d, (t, c) => at(normalized, t * d + c) * at(gain, c) + at(bias, c));
  }

  /** Gradient at the hook point `input` that the norm reads; `frozen` records the scale's own gradient, then drops it. */
  #normBackward(hook: string, input: string, gOut: Float64Array, weights: string): Float64Array {
    const [n, d] = [this.#tokenCount, this.#width];
    const frozen = hook === "ln_final" && (this.#question.freezeFinalNorm ?? true);
    const gain = this.#weight(`${weights}.weight`);
    const [scale, centred] = [this.#value(`${hook}.hook_scale`), centre(this.#value(input), n, d)];
    const gNormalized = this.#gradient(`${hook}.hook_normalized`, gOut.map((value, i) => value * at(gain, i % d)));
    const gScale = this.#gradient(
      `${hook}.hook_scale`,
      table(n, 1, (t) => -sum(d, (c) => at(gNormalized, t * d + c) * at(centred, t * d + c)) / at(scale, t) ** 2),
    );
    const gCentred = table(n, d, (t, c) => {
      const throughScale = frozen ? 0 : at(gScale, t) * at(centred, t * d + c) / (d * at(scale, t));
      return at(gNormalized, t * d + c) / at(scale, t) + throughScale;
    });
    return centre(gCentred, n, d);
  }

  #linear(x: Float64Array, name: string, inWidth: number, outWidth: number): Float64Array {
    const bias = this.#weight(`${name}.bias`);
    return times(x, this.#weight(`${name}.weight`), [inWidth, outWidth]).map((value, i) =>
      value + at(bias, i % outWidth)
    );
  }

  #linearBackward(gOut: Float64Array, name: string, inWidth: number, outWidth: number): Float64Array {
    return timesTransposed(gOut, this.#weight(`${name}.weight`), [inWidth, outWidth]);
  }

  /** Records a hook point, with its interventions done, and returns what is read downstream. */
  #hook(name: string, shape: readonly number[], values: Float64Array): Float64Array {
    const data = values.slice();
    this.hooks.set(name, { shape, data });
    for (const [offset, value] of this.#overwritten(name, shape)) data[offset] = value;
    return data;
  }

  /** Records dJ/d(hook point) and returns the part that flows on: nothing does through overwritten entries. */
  #gradient(name: string, values: Float64Array): Float64Array {
    const shape = this.hooks.get(name)?.shape ?? [];
    this.gradients.set(name, { shape, data: values });
    const flowing = values.slice();
    for (const [offset] of this.#overwritten(name, shape)) flowing[offset] = 0;
    return flowing;
  }

  #overwritten(name: string, shape: readonly number[]): (readonly [number, number])[] {
    return (this.#question.interventions ?? []).filter(({ hook }) => hook === name).map(({ index, value }) =>
      [index.reduce((offset, i, axis) => offset * at(shape, axis) + i, 0), value] as const
    );
  }

  #value(name: string): Float64Array {
    return found(this.hooks, name).data;
  }

  #grad(name: string): Float64Array {
    return found(this.gradients, name).data;
  }

  #weight(name: string): ArrayLike<number> {
    return (this.#weights.get(name) ?? found(this.#weights, `transformer.${name}`)).data;
  }

  /** `[vocab, d_model]` */
  #unembedding(): ArrayLike<number> {
    return this.#weights.get("lm_head.weight")?.data ?? this.#weight("wte.weight");
  }

  /** Offset in `[token, head, d_head]`. */
  #at(token: number, head: number, channel: number): number {
    return (token * this.#heads + head) * this.#headWidth + channel;
  }
}
