/** What a component's page shows, as its URL says it. `readComponentView` and `componentQuery` are each other's inverse. */

/** Lists of examples on the page. */
export const EXAMPLE_LISTS = ["top", "random", "quantiles"] as const;
export type ExampleList = typeof EXAMPLE_LISTS[number];

/** Everything that begins short: those, the scored tokens, and the related components. */
export const SHORT_LISTS = [...EXAMPLE_LISTS, "tokens", "related"] as const;
export type ShortList = typeof SHORT_LISTS[number];

/** Most texts of one's own that are shown at a time; the oldest goes. */
export const MAX_OWN_TEXTS = 8;
/** Longest of them, in characters. */
export const MAX_OWN_TEXT = 2000;

/** A token that is pinned in one of the pictures of pairs. */
export interface PinnedToken {
  /** As in `top.3`: the list and the place in it. */
  readonly picture: string;
  readonly token: number;
}

export interface ComponentView {
  /** The run that the reader came from: its prompts are shown. */
  readonly run: string | null;
  /** Of latents, the dictionary; null for the first of their kind and layer. */
  readonly dictionary: string | null;
  /** The text set whose records are shown; null for the first that has some. */
  readonly textSet: string | null;
  /** For heads: which way a token's pairs are coloured when it is pointed at. */
  readonly mode: "outgoing" | "incoming";
  /** Lists that are shown whole. */
  readonly whole: readonly ShortList[];
  /** Texts of one's own, oldest first. */
  readonly own: readonly string[];
  readonly pin: PinnedToken | null;
  /** Of a head: the picture of pairs that is shown as a matrix, as in `top.3`; one at a time, for a matrix is large. */
  readonly matrix: string | null;
  /** Whether it is shown what an assistant would be sent. */
  readonly plan: boolean;
}

export const DEFAULT_COMPONENT_VIEW: ComponentView = {
  run: null,
  dictionary: null,
  textSet: null,
  mode: "outgoing",
  whole: [],
  own: [],
  pin: null,
  matrix: null,
  plan: false,
};

export function componentQuery(
  { run, dictionary, textSet, mode, whole, own, pin, matrix, plan }: ComponentView,
): URLSearchParams {
  const query = new URLSearchParams();
  if (run !== null) query.set("run", run);
  if (dictionary !== null) query.set("dictionary", dictionary);
  if (textSet !== null) query.set("set", textSet);
  if (mode !== "outgoing") query.set("mode", mode);
  if (whole.length > 0) query.set("all", whole.join(","));
  own.forEach((text) => query.append("p", text));
  if (pin !== null) query.set("pin", `${pin.picture}.${pin.token}`);
  if (matrix !== null) query.set("matrix", matrix);
  if (plan) query.set("plan", "on");
  return query;
}

/** Reads a view; what is not understood is as by default. */
export function readComponentView(query: URLSearchParams): ComponentView {
  const [, picture, token] = /^([a-z]+(?:\.\d{1,4}){1,2})\.(\d{1,5})$/.exec(query.get("pin") ?? "") ?? [];
  const [matrix = null] = /^[a-z]+(?:\.\d{1,4}){1,2}$/.exec(query.get("matrix") ?? "") ?? [];
  const lists = new Set(query.getAll("all").flatMap((text) => text.split(",")));
  const [textSet, dictionary] = [query.get("set"), query.get("dictionary")];
  return {
    run: /^[0-9a-f]{8,64}$/.test(query.get("run") ?? "") ? query.get("run") : null,
    dictionary: dictionary === null || dictionary === "" ? null : dictionary.slice(0, 300),
    textSet: textSet === null || textSet === "" ? null : textSet.slice(0, 200),
    mode: query.get("mode") === "incoming" ? "incoming" : "outgoing",
    whole: SHORT_LISTS.filter((list) => lists.has(list)),
    own: [...new Set(query.getAll("p").map((text) => text.replaceAll("\r\n", "\n").slice(0, MAX_OWN_TEXT)))]
      .filter((text) => text !== "").slice(-MAX_OWN_TEXTS),
    pin: picture === undefined ? null : { picture, token: Number(token) },
    matrix,
    plan: query.get("plan") === "on",
  };
}
