/**
 * Which dictionaries a form asks for. Its ticks choose, by kind, among those that are in use: without a tick of a kind, the question has those
 * that its basis and the nodes that it names need.
 */
import {
  type Basis,
  type DictionaryDetail,
  type LATENT_KINDS,
  latentKind,
  neededDictionaries,
  type RunSpec,
} from "../engine/mod.ts";
import type { QuestionFields } from "../views/props.ts";

type Kind = typeof LATENT_KINDS[number];

interface Choice {
  readonly basis: Basis;
  /** Refs that interventions and the trace name. */
  readonly nodes: readonly string[];
  readonly dropErrors: boolean;
}

/**
 * Ids of the dictionaries to splice in; undefined where the question is to have those that it needs. Ids that the model does not know stay
 * among them, to be refused.
 */
export function chosenDictionaries(
  { dictionaries: ticks, ...choice }: Choice & Pick<QuestionFields, "dictionaries">,
  known: readonly DictionaryDetail[],
): string[] | undefined {
  const unknown = ticks.filter((tick) => known.every(({ id }) => id !== tick));
  const ticked = known.filter(({ id }) => ticks.includes(id));
  const counted = ticked.filter((detail) => isInUse(latentKind(detail), choice));
  if (counted.length === 0 && unknown.length === 0) {
    // Also of those that are not in use, a ticked one comes first.
    return ids(neededOf(choice, [...ticked, ...known]));
  }
  const kinds = new Set(counted.map(latentKind));
  const needed = neededOf(choice, [...ticked, ...known]).filter((detail) => !kinds.has(latentKind(detail)));
  const named = neededOf({ ...choice, basis: PLAIN_BASIS }, [...ticked, ...known]);
  const places = new Set(counted.map(placeOf));
  const missing = named.filter((detail) => kinds.has(latentKind(detail)) && !places.has(placeOf(detail)));
  return [...ids([...counted, ...missing, ...needed]) ?? [], ...unknown];
}

/** The ticks of a form that asks a run's question. */
export function tickedDictionaries(
  { basis, dictionaries, interventions, trace, dropErrors = false }: Pick<
    RunSpec,
    "basis" | "dictionaries" | "interventions" | "trace" | "dropErrors"
  >,
  known: readonly DictionaryDetail[],
): readonly string[] {
  const choice = { basis, dropErrors, nodes: namedNodes({ interventions, trace }) };
  const needed = neededOf(choice, known);
  return [...Map.groupBy(known.filter(({ id }) => dictionaries.includes(id)), latentKind)].flatMap(([kind, own]) => {
    const usual = needed.filter((detail) => latentKind(detail) === kind);
    return usual.length === own.length && usual.every((detail) => own.includes(detail)) ? [] : own.map(({ id }) => id);
  });
}

/** Refs that a question names. */
export function namedNodes(
  { interventions, trace }: {
    readonly interventions: readonly { readonly node: string }[];
    readonly trace: { readonly node: string; readonly towards?: string | null | undefined } | null;
  },
): readonly string[] {
  return [...interventions.map(({ node }) => node), ...trace === null ? [] : [trace.node, trace.towards ?? ""]];
}

const PLAIN_BASIS = { mlp: "neuron", attention: "head" } as const;

/** Whether ticks of a kind count: where its part is in latents, and wherever what is left out is missing from the model. */
function isInUse(kind: Kind, { basis, dropErrors }: Choice): boolean {
  if (kind === "resid-latent" || dropErrors) return true;
  return (kind === "mlp-latent" ? basis.mlp : basis.attention) === "latent";
}

function neededOf(choice: Choice, known: readonly DictionaryDetail[]): readonly DictionaryDetail[] {
  return neededDictionaries(choice, { dictionaries: known.map((detail) => ({ detail })) }).map(({ detail }) => detail);
}

function placeOf(detail: DictionaryDetail): string {
  return `${latentKind(detail)}/${detail.layer}`;
}

function ids(details: readonly DictionaryDetail[]): string[] | undefined {
  return details.length === 0 ? undefined : details.map(({ id }) => id);
}
