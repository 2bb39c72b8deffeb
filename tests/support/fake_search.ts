/** What the fake engine finds: two layers of 32 neurons and two heads, numbers that follow from places. */
import {
  type Firing,
  type FiringRequest,
  type FoundComponent,
  type FoundText,
  latentKind,
  MAX_FOUND_COMPONENTS,
  MODEL_KINDS,
  NotFoundError,
  type SearchRequest,
  type SearchResult,
  type Token,
  ValidationError,
} from "../../engine/mod.ts";
import { fakeScope } from "./fake_corpus.ts";
import { FAKE_DICTIONARIES } from "./fake_dictionaries.ts";
import { FAKE_MODEL } from "./fake_run.ts";

type Scope = Pick<FiringRequest, "kind" | "layers" | "dictionary">;

/** The dictionary that is looked in; null for the model's own components. */
function dictionaryIn({ kind = null, dictionary }: Scope): string | null {
  const own = FAKE_DICTIONARIES.find(({ id }) => id === dictionary);
  const known = kind ?? (own === undefined ? null : latentKind(own));
  return known === null ? null : fakeScope({ kind: known, dictionary }).dictionary;
}

/** Names in a scope, kind by kind within each layer. */
function componentsIn(scope: Scope): readonly string[] {
  const { kind = null, layers = [] } = scope;
  const dictionary = FAKE_DICTIONARIES.find(({ id }) => id === dictionaryIn(scope));
  if (dictionary !== undefined) {
    const { layer, latentCount } = dictionary;
    return Array.from({ length: latentCount }, (_, index) => `${latentKind(dictionary)}/${layer}/${index}`);
  }
  return [0, 1].filter((layer) => layers.length === 0 || layers.includes(layer)).flatMap((layer) =>
    MODEL_KINDS.filter((known) => kind === null || known === kind).flatMap((known) =>
      Array.from({ length: known === "mlp" ? 32 : 2 }, (_, index) => `${known}/${layer}/${index}`)
    )
  );
}

function pageOf<T>(rows: readonly T[], page = 1, pageSize = 50): readonly T[] {
  return rows.slice((page - 1) * pageSize, page * pageSize);
}

/** Everything fires at the last token, or at the one asked for. @throws {ValidationError} for no text, or no such token */
export function fakeFiring(request: FiringRequest, tokens: readonly Token[]): Firing {
  const { token = null, sort = "relative", page, pageSize, textSet = "corpus" } = request;
  if (request.text === "") throw new ValidationError([{ path: "text", message: "The text is empty" }]);
  if (tokens.length > FAKE_MODEL.contextLength) {
    const expected = `expected 1..${FAKE_MODEL.contextLength}`;
    throw new ValidationError([{ path: "text", message: `The text has ${tokens.length} tokens: ${expected}` }]);
  }
  if (token !== null && token >= tokens.length) {
    throw new ValidationError([{
      path: "token",
      message: `There is no token ${token}: expected 0..${tokens.length - 1}`,
    }]);
  }
  const names = componentsIn(request);
  const place = token ?? tokens.length - 1;
  const rows = names.map((component, i) => ({
    component,
    value: 4 / (i + 1),
    largest: 5,
    relative: i === names.length - 1 ? null : 0.8 / (i + 1),
    at: component.startsWith("head/") ? [place, 0] : [place],
  }));
  return {
    model: FAKE_MODEL.id,
    source: textSet,
    dictionary: dictionaryIn(request),
    tokens,
    token,
    sort,
    considered: names.length,
    total: rows.length,
    kept: Math.min(rows.length, MAX_FOUND_COMPONENTS),
    rows: pageOf(rows, page, pageSize),
  };
}

/** 60 texts hold whatever is sought, unless it begins with q; so do the top sequences of every component. @throws {NotFoundError} */
export function fakeSearch(request: SearchRequest): SearchResult {
  const { q, match = "text", page, textsPage, pageSize, textSet = "corpus" } = request;
  if (textSet !== "corpus") throw new NotFoundError(`Nothing has been collected over text set "${textSet}"`);
  const isFound = !q.startsWith("q");
  const names = isFound ? componentsIn(request) : [];
  const components = names.map((component, i): FoundComponent => ({
    component,
    matches: Math.max(1, 20 - i),
    containing: 20,
    listed: 20,
    value: 3 / (i + 1),
    largest: 3,
    relative: i === names.length - 1 ? null : 1 / (i + 1),
    sequence: 7,
    at: component.startsWith("head/") ? [3, 1] : [3],
    on: component.startsWith("head/") ? "key" : "token",
  }));
  const texts = Array.from({ length: isFound ? 60 : 0 }, (_, sequence): FoundText => ({
    sequence,
    occurrences: 1 + sequence % 2,
    tokens: [2, 3],
    before: "The doctor",
    match: ` ${q}`,
    after: " needs\nhelp <b>.",
  }));
  return {
    model: FAKE_MODEL.id,
    source: textSet,
    dictionary: dictionaryIn(request),
    q,
    match,
    sequenceCount: 80,
    texts: request.in === "components"
      ? null
      : { total: texts.length, occurrences: 90, rows: pageOf(texts, textsPage, pageSize) },
    components: request.in === "texts" ? null : {
      considered: 68,
      total: components.length,
      kept: components.length,
      rows: pageOf(components, page, pageSize),
    },
  };
}
