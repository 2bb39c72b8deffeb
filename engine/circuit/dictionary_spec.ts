/** Which dictionaries a question splices in (`spec/api.md`, "Run specs": basis and dictionaries). */
import { z } from "zod";
import type { FieldIssue } from "../errors.ts";
import { type Dictionary, LATENT_KINDS, type LatentKind, latentKind } from "../model/dictionary.ts";
import { SPLICE_SITES } from "../model/hook_points.ts";
import { isError, isLatent, latentKindOfError, parseInterventionRef } from "./refs.ts";

/** Largest number of dictionaries of one question. */
export const MAX_DICTIONARIES = 256;

export const basisSchema = z.strictObject({
  mlp: z.enum(["neuron", "latent"], { error: "Expected neuron or latent" }).default("neuron"),
  attention: z.enum(["head", "latent"], { error: "Expected head or latent" }).default("head"),
}).prefault({});

/** In what the parts of the model are shown. Layers without a dictionary keep their neurons or heads. */
export type Basis = z.output<typeof basisSchema>;

/** A question about the model by itself. */
export const PLAIN = {
  basis: { mlp: "neuron", attention: "head" },
  dictionaries: [],
  dropsErrors: false,
} as const;

export const dictionariesSchema = z.array(z.string().max(300)).max(MAX_DICTIONARIES).optional().meta({
  description: "Ids of the dictionaries to splice in; default: those that the basis and the named nodes need",
});

interface DictionaryChoice {
  readonly basis: Basis;
  readonly dictionaries: readonly string[] | undefined;
  /** Refs that interventions and the trace name. */
  readonly nodes: readonly string[];
}

/** All that choosing goes by. */
type Described = Pick<Dictionary, "detail">;

interface DescribedModel<T extends Described = Described> {
  readonly id: string;
  readonly dictionaries: readonly T[];
}

/** The dictionaries of a question, in the order of the pass; what cannot be honoured becomes an issue. */
export function resolveDictionaries<T extends Described>(
  { basis, dictionaries: asked, nodes }: DictionaryChoice,
  model: DescribedModel<T>,
  issues: FieldIssue[],
): readonly T[] {
  const found = asked === undefined ? neededDictionaries({ basis, nodes }, model) : asked.flatMap((id, index) => {
    const dictionary = model.dictionaries.find(({ detail }) => detail.id === id);
    if (dictionary !== undefined) return [dictionary];
    issues.push({ path: `dictionaries.${index}`, message: unknownDictionary(id, model) });
    return [];
  });
  reportClashes(found, issues);
  for (const [part, kind] of [["mlp", "mlp-latent"], ["attention", "attn-latent"]] as const) {
    if (basis[part] === "latent" && !found.some(({ detail }) => latentKind(detail) === kind)) {
      issues.push({ path: `basis.${part}`, message: missingDictionary(kind, model) });
    }
  }
  return found.toSorted((a, b) => passOrder(a) - passOrder(b));
}

/** What a question splices in that names no dictionary: of each kind and layer that it needs, the first that is loaded. */
export function neededDictionaries<T extends Described>(
  { basis, nodes }: Pick<DictionaryChoice, "basis" | "nodes">,
  { dictionaries }: Pick<DescribedModel<T>, "dictionaries">,
): readonly T[] {
  const needed = new Set(nodes.flatMap((ref) => placeOf(ref) ?? []));
  const first = new Map<string, T>();
  for (const dictionary of dictionaries) {
    const kind = latentKind(dictionary.detail);
    const place = `${kind}/${dictionary.detail.layer}`;
    const isNeeded = (kind === "mlp-latent" && basis.mlp === "latent") ||
      (kind === "attn-latent" && basis.attention === "latent") || needed.has(place);
    if (isNeeded && !first.has(place)) first.set(place, dictionary);
  }
  return [...first.values()];
}

/** Kind and layer of a latent's, or an error's, dictionary; null for other nodes and for what is no ref. */
function placeOf(text: string): string | null {
  try {
    const ref = parseInterventionRef(text);
    if (isLatent(ref)) return `${ref.kind}/${ref.layer}`;
    return isError(ref) ? `${latentKindOfError(ref.kind)}/${ref.layer}` : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** A layer has one dictionary of a kind: a ref then names one latent. */
function reportClashes(dictionaries: readonly Described[], issues: FieldIssue[]): void {
  const seen = new Map<string, string>();
  for (const { detail } of dictionaries) {
    const place = `${latentKind(detail)}/${detail.layer}`;
    const other = seen.get(place);
    if (other !== undefined) {
      issues.push({
        path: "dictionaries",
        message: other === detail.id
          ? `"${other}" is named twice`
          : `"${other}" and "${detail.id}" both have latents ${place}: expected one dictionary of a kind and layer`,
      });
    }
    seen.set(place, detail.id);
  }
}

function passOrder({ detail: { layer, writeHook } }: Described): number {
  return layer * SPLICE_SITES.length + SPLICE_SITES.findIndex((site) => writeHook.endsWith(`.${site}`));
}

function unknownDictionary(id: string, { dictionaries }: DescribedModel): string {
  const known = dictionaries.map(({ detail }) => `"${detail.id}"`);
  const shown = known.length > 8 ? [...known.slice(0, 8), "…"] : known;
  return `There is no dictionary "${id}" for this model: ${
    known.length === 0 ? "none is loaded, start with --dictionaries DIR" : `expected one of ${shown.join(", ")}`
  }`;
}

function missingDictionary(kind: LatentKind, { id, dictionaries }: DescribedModel): string {
  const what = kind === LATENT_KINDS[0] ? "the MLP" : "the attention";
  return dictionaries.some(({ detail }) => latentKind(detail) === kind)
    ? `None of these dictionaries is one of ${what}: expected one of them, or another basis`
    : `No dictionary of ${what} is loaded for model "${id}": start with --dictionaries DIR, or ask in another basis`;
}
