/** The GPT-2 family: from Hugging Face's `config.json` and tensor names to the canonical description. */
import { z } from "zod";
import { FileFormatError } from "../errors.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Architecture, TransformerWeights } from "./architecture.ts";

const size = z.int().min(1).max(1_000_000);

const configSchema = z.looseObject({
  model_type: z.literal("gpt2"),
  n_layer: size.max(1000),
  n_head: size,
  n_embd: size,
  n_inner: size.nullish(),
  n_positions: size,
  vocab_size: size.max(10_000_000),
  activation_function: z.enum(["gelu_new", "gelu_pytorch_tanh"]).default("gelu_new"),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  scale_attn_weights: z.literal(true).default(true),
  scale_attn_by_inverse_layer_idx: z.literal(false).default(false),
  add_cross_attention: z.literal(false).default(false),
  tie_word_embeddings: z.boolean().default(true),
  bos_token_id: z.int().min(0).nullish(),
});

/**
 * Reads a GPT-2 configuration.
 *
 * @throws {FileFormatError} naming the first field that we cannot honour.
 */
export function parseGpt2Config(config: unknown): Architecture {
  const parsed = configSchema.safeParse(config);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new FileFormatError(
      `Cannot use config.json: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not understood"}`,
    );
  }
  const { n_layer, n_head, n_embd, n_inner, n_positions, vocab_size, layer_norm_epsilon, bos_token_id } = parsed.data;
  if (n_embd % n_head !== 0) {
    throw new FileFormatError(`Cannot use config.json: n_embd ${n_embd} is not a multiple of n_head ${n_head}`);
  }
  return {
    family: "gpt2",
    layerCount: n_layer,
    headCount: n_head,
    headWidth: n_embd / n_head,
    modelWidth: n_embd,
    mlpWidth: n_inner ?? 4 * n_embd,
    vocabularySize: vocab_size,
    contextLength: n_positions,
    normEpsilon: layer_norm_epsilon,
    bosId: bos_token_id ?? null,
  };
}

/** Where GPT-2 checkpoints keep what; `prefix` is empty or `transformer.`. */
interface Gpt2Names {
  readonly prefix: string;
  readonly unembedding: string;
}

function gpt2Names(checkpoint: Checkpoint): Gpt2Names {
  const prefix = checkpoint.has("transformer.wte.weight") ? "transformer." : "";
  return { prefix, unembedding: checkpoint.has("lm_head.weight") ? "lm_head.weight" : `${prefix}wte.weight` };
}

/**
 * The weights of a GPT-2 checkpoint. Its linear layers are stored `[in, out]`; the fused `c_attn` holds q, k and v side by side.
 *
 * @throws {FileFormatError} if a tensor is missing or misshapen.
 */
export function gpt2Weights(checkpoint: Checkpoint, architecture: Architecture): TransformerWeights {
  const { layerCount, modelWidth: d, mlpWidth, vocabularySize, contextLength } = architecture;
  const { prefix, unembedding } = gpt2Names(checkpoint);
  const norm = (name: string) => ({
    gain: checkpoint.value(`${prefix}${name}.weight`, [d]),
    bias: checkpoint.value(`${prefix}${name}.bias`, [d]),
  });
  const linear = (name: string, from: number, to: number) => ({
    weight: checkpoint.value(`${prefix}${name}.weight`, [from, to]),
    bias: checkpoint.value(`${prefix}${name}.bias`, [to]),
  });
  return {
    tokenEmbedding: checkpoint.value(`${prefix}wte.weight`, [vocabularySize, d]),
    positionEmbedding: checkpoint.value(`${prefix}wpe.weight`, [contextLength, d]),
    unembedding: checkpoint.value(unembedding, [vocabularySize, d]),
    finalNorm: norm("ln_f"),
    blocks: Array.from({ length: layerCount }, (_, layer) => ({
      norm1: norm(`h.${layer}.ln_1`),
      qkv: linear(`h.${layer}.attn.c_attn`, d, 3 * d),
      attentionOut: linear(`h.${layer}.attn.c_proj`, d, d),
      norm2: norm(`h.${layer}.ln_2`),
      mlpIn: linear(`h.${layer}.mlp.c_fc`, d, mlpWidth),
      mlpOut: linear(`h.${layer}.mlp.c_proj`, mlpWidth, d),
    })),
  };
}

/** The rows that the float64 self-check needs: final norm and unembedding (`circuit/checks.ts`). */
export function gpt2OutputNames(
  checkpoint: Checkpoint,
): { readonly gain: string; readonly bias: string; readonly unembedding: string } {
  const { prefix, unembedding } = gpt2Names(checkpoint);
  return { gain: `${prefix}ln_f.weight`, bias: `${prefix}ln_f.bias`, unembedding };
}

/** The tensors that hold the model's parameters; a tied output matrix counts once. */
export function gpt2ParameterNames(checkpoint: Checkpoint, { layerCount }: Architecture): readonly string[] {
  const { prefix, unembedding } = gpt2Names(checkpoint);
  const both = (name: string) => [`${prefix}${name}.weight`, `${prefix}${name}.bias`];
  const blocks = Array.from(
    { length: layerCount },
    (_, layer) =>
      ["ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"].flatMap((part) =>
        both(`h.${layer}.${part}`)
      ),
  );
  return [...new Set([`${prefix}wte.weight`, `${prefix}wpe.weight`, ...both("ln_f"), ...blocks.flat(), unembedding])];
}
