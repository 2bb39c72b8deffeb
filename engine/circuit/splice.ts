/**
 * Dictionaries inside a graph (`reference-semantics.md` §1.5). A dictionary with latents z = encode(x) stands in for the activation y at its
 * site by
 *
 *   y + decode(z′) − decode(z)
 *
 * where z′ are the latents after interventions: whatever it fails to reconstruct is kept, so that values and gradients are those of the plain
 * model as long as no latent is changed. Only the entries that are changed are ever decoded: y + Σ (z′ − z) · write. A changed latent
 * no longer follows the stream, so that what its encoder read is missing from gradients upstream; that is why z is computed once more for these
 * entries, from their own rows. Gradients with respect to latents are those through the decoder alone. Where errors are dropped, it is
 * decode(z′) that stands in, and the model is another one.
 */
import { equal, mul, stopGradient, sub } from "../onnx/elementwise.ts";
import { expand, gather, gatherNd, reshape, scatterNd } from "../onnx/shaping.ts";
import { int64Vector, scalar, type Value } from "../onnx/value.ts";
import { type Dictionary, type LatentKind, latentKind } from "../model/dictionary.ts";
import type { HookName, LatentHook, SpliceHook } from "../model/hook_points.ts";
import { alongDecoder, decode, decoderRows, encode, encodeEntries, writeScale } from "../model/latents.ts";
import type { HookSplice } from "../model/transformer.ts";
import { editActivations, editedEntries, editIndex, type EditKind } from "./edits.ts";

/** A dictionary where it is spliced in. */
export interface Splice {
  readonly dictionary: Dictionary;
  readonly kind: LatentKind;
  readonly layer: number;
  /** What the dictionary reads: `[batch, token, in]` */
  readonly input: Value;
  /** The activation at the site, as the model has it: `[batch, token, out]` */
  readonly activation: Value;
  /** What the rest of the pass reads in its place. */
  readonly output: Value;
  /** Before the nonlinearity: `[batch, token, latent]` */
  readonly pre: Value;
  /** z: `[batch, token, latent]` */
  readonly ownLatents: Value;
  /** z′, after interventions. */
  readonly latents: Value;
  /** y − decode(z): `[batch, token, out]` */
  readonly error: Value;
}

/** Name of one of the hook points that a dictionary adds to its site. */
export function latentHook<Name extends LatentHook>(site: SpliceHook, name: Name): `${SpliceHook}.${Name}` {
  return `${site}.${name}`;
}

/** Splices dictionaries in as the pass goes by, and collects what there is to see of them, in the order of the pass. */
export class Splicer {
  readonly splices: Splice[] = [];
  readonly #dictionaries: ReadonlyMap<HookName, Dictionary>;
  readonly #options: SpliceOptions;

  /** @param dictionaries At most one a site */
  constructor(dictionaries: readonly Dictionary[], options: SpliceOptions) {
    this.#dictionaries = new Map(dictionaries.map((dictionary) => [dictionary.detail.writeHook, dictionary]));
    this.#options = options;
  }

  /** Whether a dictionary reads the hook points of a norm. */
  get readsNorms(): boolean {
    return [...this.#dictionaries.values()].some(({ detail }) => detail.readHook.includes(".ln"));
  }

  readonly splice: HookSplice = (name, activation, readAt) => {
    const dictionary = this.#dictionaries.get(name);
    if (dictionary === undefined) return activation;
    const input = readAt(dictionary.detail.readHook);
    const splice = spliceOf(dictionary, { input, activation, ...this.#options });
    this.splices.push(splice);
    return splice.output;
  };
}

export interface SpliceOptions {
  readonly edits: EditKind | null;
  /** Whether errors are left out: the rest of the model then reads what the dictionary reconstructs, and gradients go through its encoder. */
  readonly dropsErrors: boolean;
}

interface Site extends SpliceOptions {
  readonly input: Value;
  readonly activation: Value;
}

function spliceOf(dictionary: Dictionary, site: Site): Splice {
  const { input, activation } = site;
  const { layer } = dictionary.detail;
  // Gradients do not go through the encoder, but for the entries that are changed.
  const encoded = encode(dictionary, stopGradient(input));
  const [pre, ownLatents] = [stopGradient(encoded.pre), stopGradient(encoded.latents)];
  const changed = site.dropsErrors ? reconstructed(dictionary, site) : changedBy(dictionary, { ...site, ownLatents });
  return {
    dictionary,
    kind: latentKind(dictionary.detail),
    layer,
    input,
    activation,
    output: changed?.output ?? activation,
    pre,
    ownLatents,
    latents: changed?.latents ?? ownLatents,
    error: sub(activation, decode(dictionary, { latents: ownLatents, x: stopGradient(input) })),
  };
}

/** Axes of latents that an edit addresses: row, token, latent. */
const LATENT_DEPTH = 3;

interface Changed {
  readonly latents: Value;
  readonly output: Value;
}

/** decode(z′) alone. */
function reconstructed(dictionary: Dictionary, { input, edits }: Site): Changed {
  const { latents: own } = encode(dictionary, input);
  const latents = edits === null
    ? own
    : editActivations(edits)(latentHook(dictionary.detail.writeHook, "hook_sae_acts_post"), own);
  return { latents, output: decode(dictionary, { latents, x: input }) };
}

/** y + Σ (z′ − z) · write over the changed entries; null where none can be. */
function changedBy(
  dictionary: Dictionary,
  { input, activation, ownLatents, edits }: Site & { readonly ownLatents: Value },
): Changed | null {
  const hook = latentHook(dictionary.detail.writeHook, "hook_sae_acts_post");
  if (edits === null || edits.sites.every((candidate) => candidate.hook !== hook)) return null;
  const { blends } = edits;
  const index = editIndex(hook, LATENT_DEPTH);
  const rowIndex = gather(index, int64Vector([0, 1]), 1);
  const units = reshape(gather(index, int64Vector([2]), 1), index.shape.slice(0, 1));
  const read = gatherNd(input, rowIndex);
  const isOff = equal(gatherNd(ownLatents, index), scalar(0));
  const before = encodeEntries(dictionary, read, { units, isOff }).latents;
  const after = editedEntries(hook, ownLatents, { index, blends, entries: () => before });
  const difference = reshape(sub(after, before), [...units.shape, 1]);
  const factor = writeScale(dictionary, read);
  const writes = mul(factor === null ? difference : mul(difference, factor), decoderRows(dictionary, units));
  return {
    latents: scatterNd(ownLatents, index, { updates: stopGradient(after), reduction: "none" }),
    output: scatterNd(activation, rowIndex, { updates: writes, reduction: "add" }),
  };
}

/**
 * What one latent writes into the activation for z = 1, at one token a side: `[batch, out]`.
 *
 * @param place `at`: int64 `[batch, 2]`, row and token; `unit`: int64 `[1]`
 */
export function writesAt(
  { dictionary, input }: Splice,
  { at, unit }: { readonly at: Value; readonly unit: Value },
): Value {
  const rows = decoderRows(dictionary, unit);
  const factor = writeScale(dictionary, gatherNd(stopGradient(input), at));
  return factor === null ? expand(rows, ["batch", Number(rows.shape.at(-1))]) : mul(rows, factor);
}

/**
 * ⟨what each latent writes for z = 1, a direction at its token⟩: `[batch, token, latent]`.
 *
 * @param direction At the splice's output: `[batch, token, out]`
 */
export function alongWrites({ dictionary, input }: Splice, direction: Value): Value {
  const factor = writeScale(dictionary, stopGradient(input));
  const along = alongDecoder(dictionary, direction);
  return factor === null ? along : mul(along, factor);
}
