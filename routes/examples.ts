/** The gallery of the landing page: one question for each behaviour that the demo model was trained on. */
import type { Example } from "../views/props.ts";
import { DEFAULT_FIELDS } from "./question_form.ts";

interface Behaviour {
  readonly title: string;
  readonly lookFor: string;
  readonly text: string;
  readonly targets: readonly string[];
  readonly distractors: readonly string[];
}

const BEHAVIOURS: readonly Behaviour[] = [
  {
    title: "Indirect object",
    lookFor: "Heads at the last token that attend to the name given once, and heads that notice the repeated one.",
    text: "When Mary and John went to the store, John gave a drink to",
    targets: [" Mary"],
    distractors: [" John"],
  },
  {
    title: "Induction",
    lookFor: "Heads that attend from the second “seven” to the word that followed the first.",
    text: "red cat seven lamp river red cat seven",
    targets: [" lamp"],
    distractors: [" river"],
  },
  {
    title: "Greater-than",
    lookFor: "Heads that carry the first year’s last two digits to the end, and neurons that raise only later years.",
    text: "The war lasted from the year 1743 to the year 17",
    targets: ["69", "91", "67", "68"],
    distractors: ["12", "21", "30", "38"],
  },
  {
    title: "Agreement",
    lookFor: "Which parts read the number of “keys” in spite of the nearer “window”.",
    text: "The keys near the window",
    targets: [" are"],
    distractors: [" is"],
  },
  {
    title: "Pronoun",
    lookFor: "Neurons at the name itself that already tell which pronoun it takes.",
    text: "Mary said that",
    targets: [" she"],
    distractors: [" he"],
  },
  {
    title: "Capitals",
    lookFor: "Neurons at the country that write its capital, and heads that move it to the last token.",
    text: "The capital of France is",
    targets: [" Paris"],
    distractors: [" Rome"],
  },
  {
    title: "Sequences",
    lookFor: "Heads that find the latest day, and neurons that step to the next.",
    text: "Monday, Tuesday, Wednesday,",
    targets: [" Thursday"],
    distractors: [" Friday"],
  },
  {
    title: "Sentiment",
    lookFor: "Heads that bring the judgement of “wonderful” to the verb.",
    text: "The movie was wonderful. I",
    targets: [" loved"],
    distractors: [" hated"],
  },
  {
    title: "Docstring",
    lookFor: "Heads that attend to the next argument of the function’s first line.",
    text: 'def load(x, size, path):\n    """Load the data.\n    :param x: the list\n    :param',
    targets: [" size"],
    distractors: [" path"],
  },
  {
    title: "Brackets",
    lookFor: "Heads that find the bracket that is still open.",
    text: " ( [ ( ) {",
    targets: [" }"],
    distractors: [" )", " ]"],
  },
];

/** The examples, to be asked of one model. */
export function examplesFor(model: string): readonly Example[] {
  return BEHAVIOURS.map(({ title, lookFor, ...prompt }) => ({
    title,
    lookFor,
    question: { ...DEFAULT_FIELDS, model, prompts: [prompt] },
  }));
}
