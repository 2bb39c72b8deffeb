/**
 * What is asked of an assistant: to explain from texts, to predict values at tokens, to judge texts and marked places. Our own wording; its
 * version is stored with whatever came of it.
 */
import { hashOf } from "../tensor/random.ts";
import type { AssistantMessage, AssistantRequest } from "./assistant.ts";
import type { JudgedItem, JudgementKind } from "./judged_items.ts";
import { type Evidence, type ExplainedText, normalised, placeAt, type PlaceKind, strongestPlace } from "./texts.ts";

/** Changes with any word below, and with what is shown: `prompts_test.ts` knows the wording of each version. */
export const PROMPT_VERSION = "prompts-2";

/** Longest explanation that is kept, in characters. */
export const MAX_EXPLANATION = 1000;

/** Strong places that are told of each text. */
const TOLD_PLACES = 6;
/** Texts that an explainer is shown: on which the component is strong, and on which it is not. */
const SHOWN = { strong: 5, quiet: 5 } as const;
/** A text is shown as quiet below this value of 10. */
const QUIET = 2;
/** A pair is shown as moving nothing below this value of 10. */
const QUIET_PAIR = 0.5;
/** Such pairs of each text: from the token that the strongest pair looks from, and as many at the one that it looks at. */
const TOLD_QUIET_PAIRS = 2;
const QUIET_SEED = 9301;

const EXPLANATION_SCHEMA = objectSchema({ explanation: { type: "string" } });

const NEURON_SYSTEM =
  "You describe what one neuron of a language model responds to. You are shown texts in which it is " +
  "strong, each with the tokens where it is strongest and how strong (1 to 10), and texts in which it stays quiet. Tokens " +
  "are in quotes, with the space before them. Find what the strong places have in common and the quiet texts lack: the " +
  "token itself, what stands before it, its meaning, or its role. Say it in one plain sentence of at most 30 words, " +
  'without mentioning neurons or numbers. Answer as JSON: {"explanation": "…"}';

const HEAD_SYSTEM =
  "You describe what one attention head of a language model does. You are shown texts with the pairs of " +
  "tokens between which it moves most: the token it looks from, the earlier token it looks at, and how strongly (1 to 10). " +
  "Under them stand pairs between which it moves next to nothing, though one of the two tokens is the same, and last come " +
  "texts in which it moves little anywhere. Tokens are in quotes, with the space before them. Find the rule by which, for " +
  "a token looked from, the other is chosen, and which the pairs with nothing and the quiet texts do not follow: which " +
  "tokens, what relation, which role. Say it in one plain sentence of at most 30 words, without mentioning heads or " +
  'numbers. Answer as JSON: {"explanation": "…"}';

/** Worked examples, so that the form is clear; made up. */
const NEURON_EXAMPLES: readonly AssistantMessage[] = [
  {
    role: "user",
    content: [
      'Strong: "The ferry left the harbour at dawn, and the sailors waved."',
      '  " ferry" 9, " sailors" 6, " harbour" 5',
      'Strong: "He mended the sail before the yacht race."',
      '  " yacht" 10, " sail" 7',
      'Quiet: "The train left the station at noon."',
    ].join("\n"),
  },
  { role: "assistant", content: '{"explanation": "boats, and the people, parts and places that belong to them"}' },
];

const HEAD_EXAMPLES: readonly AssistantMessage[] = [
  {
    role: "user",
    content: [
      'Text: "Ann lent Bob her pen because Bob had lost his."',
      '  from " Bob" (token 6) at " Bob" (token 2) 10, from " his" (token 9) at " Bob" (token 6) 6',
      '  nothing from " Bob" (token 6) at " pen" (token 4), from " because" (token 5) at " Bob" (token 2)',
      'Text: "Spring came late; when spring came, the birds sang."',
      '  from " spring" (token 5) at "Spring" (token 0) 9',
      '  nothing from " spring" (token 5) at " late" (token 2), from " birds" (token 9) at "Spring" (token 0)',
      'Quiet: "Rain fell on empty streets."',
    ].join("\n"),
  },
  { role: "assistant", content: '{"explanation": "from a word to an earlier mention of the same word or person"}' },
];

/** Asks for an explanation. @param candidate Of several that are asked for; the first is the likeliest one */
export function explainRequest({ kind, splits: { train }, largest }: Evidence, candidate: number): AssistantRequest {
  const isNeuron = kind === "tokens";
  const strong = train.filter(({ isTop }) => isTop).slice(0, SHOWN.strong);
  const quiet = train.filter(({ isTop, max }) => !isTop && normalised(max, largest) < QUIET).slice(0, SHOWN.quiet);
  const told = strong.map((text, number) => {
    const places = `${isNeuron ? "Strong" : "Text"}: ${quoted(text)}\n  ${strongestPlaces(kind, text, largest)}`;
    const nothing = isNeuron ? "" : quietPairs(text, { largest, number });
    return nothing === "" ? places : `${places}\n  nothing ${nothing}`;
  });
  const others = quiet.map((text) => `Quiet: ${quoted(text)}`);
  return {
    system: isNeuron ? NEURON_SYSTEM : HEAD_SYSTEM,
    messages: [
      ...isNeuron ? NEURON_EXAMPLES : HEAD_EXAMPLES,
      { role: "user", content: [...told, ...others].join("\n") },
    ],
    schema: EXPLANATION_SCHEMA,
    maxTokens: 200,
    temperature: candidate === 0 ? 0 : 1,
    candidate,
    wantsLogProbs: false,
  };
}

/** What an assistant is told, word for word, as people read it. */
export function promptText({ system, messages }: Pick<AssistantRequest, "system" | "messages">): string {
  return [`system:\n${system}`, ...messages.map(({ role, content }) => `${role}:\n${content}`)].join("\n\n");
}

/** Asks for values at every token of a text. */
export function simulateRequest(explanation: string, { tokens }: ExplainedText): AssistantRequest {
  return {
    system:
      "You predict how strongly one neuron of a language model responds to each token of a text, from a description " +
      "of what it responds to: 0 where it does not respond, up to 10 where it responds most. Most tokens are 0. Judge " +
      "each token with what stands before it, not with what follows. Answer as JSON with a whole number for every " +
      'token\'s number: {"0": 0, "1": 7, …}',
    messages: [
      { role: "user", content: simulateQuestion("colours", ["The", " red", " door", " and", " a", " blue", " one"]) },
      { role: "assistant", content: '{"0": 0, "1": 10, "2": 0, "3": 0, "4": 0, "5": 10, "6": 0}' },
      { role: "user", content: simulateQuestion(explanation, tokens) },
    ],
    schema: numberedSchema(tokens.length, 10),
    maxTokens: 64 + 8 * tokens.length,
    temperature: 0,
    candidate: 0,
    wantsLogProbs: true,
  };
}

function simulateQuestion(explanation: string, tokens: readonly string[]): string {
  const numbered = tokens.map((token, i) => `${i}: ${JSON.stringify(token)}`);
  return `It responds to: ${JSON.stringify(explanation)}\nTokens:\n${numbered.join("\n")}`;
}

const JUDGED: Readonly<Record<JudgementKind, string>> = {
  detection:
    "You are given a description of what one neuron of a language model responds to, and numbered texts. For each, " +
    "say how likely the neuron responds anywhere in it",
  fuzzing:
    "You are given a description of what one neuron of a language model responds to, and numbered texts in which one " +
    "token stands between << and >>. For each, say how likely the neuron responds to that very token, given what stands before it",
  pairs:
    "You are given a description of what one attention head of a language model does, and numbered texts in which the " +
    "token it may look from stands between << and >>, and the one it may look at between {{ and }}; both marks around one " +
    "token mean that it looks at itself. For each, say how likely the head really connects these two",
};

/** Asks how likely each of some items is. */
export function judgeRequest(explanation: string, kind: JudgementKind, items: readonly JudgedItem[]): AssistantRequest {
  const numbered = items.map((item, i) => `${i}: ${JSON.stringify(markedText(item))}`);
  return {
    system: `${JUDGED[kind]}, in percent. Answer as JSON with a whole number from 0 to 100 for every text's number: ` +
      '{"0": 5, "1": 90, …}',
    messages: [{
      role: "user",
      content: `Description: ${JSON.stringify(explanation)}\nTexts:\n${numbered.join("\n")}`,
    }],
    schema: numberedSchema(items.length, 100),
    maxTokens: 64 + 8 * items.length,
    temperature: 0,
    candidate: 0,
    wantsLogProbs: false,
  };
}

function markedText({ tokens, place }: JudgedItem): string {
  const [query, key] = place ?? [];
  return tokens.map((token, i) => {
    const looked = i === key ? `{{${token}}}` : token;
    return i === query ? `<<${looked}>>` : looked;
  }).join("");
}

function quoted({ tokens }: ExplainedText): string {
  return JSON.stringify(tokens.join(""));
}

/** The strongest places of a text with their values, 1 to 10. */
function strongestPlaces(kind: PlaceKind, { tokens, values }: ExplainedText, largest: number): string {
  const strong = values.map((value, place) => ({ place, value: Math.round(normalised(value, largest)) }))
    .filter(({ value }) => value >= 1).sort((a, b) => b.value - a.value || a.place - b.place).slice(0, TOLD_PLACES);
  return strong.map(({ place, value }) => `${placeName(kind, place, tokens)} ${value}`).join(", ");
}

/** Pairs between which a head moves next to nothing, though it moves most from the same token, or at the same one. */
function quietPairs(
  text: ExplainedText,
  { largest, number }: { readonly largest: number; readonly number: number },
): string {
  const [query, key] = placeAt("pairs", strongestPlace(text));
  const quiet = text.values.flatMap((value, place) => normalised(value, largest) < QUIET_PAIR ? [place] : [])
    .toSorted((a, b) => hashOf(QUIET_SEED + number, a) - hashOf(QUIET_SEED + number, b));
  const sharing = (side: 0 | 1, token: number | undefined) =>
    quiet.filter((place) => placeAt("pairs", place)[side] === token).slice(0, TOLD_QUIET_PAIRS);
  return [...sharing(0, query), ...sharing(1, key)].map((place) => placeName("pairs", place, text.tokens)).join(", ");
}

function placeName(kind: PlaceKind, place: number, tokens: readonly string[]): string {
  const nameOf = (token: number) => JSON.stringify(tokens[token] ?? "");
  const [first = 0, key] = placeAt(kind, place);
  return key === undefined ? nameOf(first) : `from ${nameOf(first)} (token ${first}) at ${nameOf(key)} (token ${key})`;
}

function objectSchema(properties: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { type: "object", properties, required: Object.keys(properties), additionalProperties: false };
}

/** An object with a whole number for each of 0..count − 1. */
function numberedSchema(count: number, maximum: number): Readonly<Record<string, unknown>> {
  const number = { type: "integer", minimum: 0, maximum };
  return objectSchema(Object.fromEntries(Array.from({ length: count }, (_, i) => [String(i), number])));
}
