/** How to use this, what its words mean, and its keys. */
import type { VNode } from "preact";
import { METRIC_COLUMNS } from "../metrics.ts";
import { RelatedHelp } from "../parts/related_help.tsx";
import { debuggerUrl, keysUrl, RELATED_HELP_ID } from "../urls.ts";

export interface HelpPageProps {
  /** Whether single keys do something. */
  readonly hasKeys: boolean;
}

export function HelpPage({ hasKeys }: HelpPageProps): VNode {
  return (
    <div class="page help-page">
      <h1>Help and glossary</h1>
      <nav class="links" aria-label="On this page">
        <a href="#introduction">Introduction</a>
        <a href="#glossary">Glossary</a>
        <a href="#keys">Keys</a>
        <a href={`#${RELATED_HELP_ID}`}>Related components</a>
        <a href="#colours">Colours</a>
      </nav>
      <Introduction />
      <Glossary />
      <Keys hasKeys={hasKeys} />
      <RelatedHelp />
      <section class="card" aria-labelledby="colours">
        <h2 id="colours">Colours</h2>
        <p>
          Blue is for the target, orange against it; the sign is always written too. A shade is a value’s size within
          the legend beside it. Kinds of nodes have a colour and a word: head, neuron, latent, error, embed.
        </p>
      </section>
    </div>
  );
}

function Introduction(): VNode {
  return (
    <section class="card" aria-labelledby="introduction">
      <h2 id="introduction">Introduction</h2>
      <ol class="steps-list">
        <li>
          <a href={debuggerUrl()}>Ask</a>{" "}
          why the model continues a text with one token, the target, and not another, the distractor. The difference of
          their logits is the objective: above zero, the model prefers the target.
        </li>
        <li>
          <strong>Read the nodes.</strong>{" "}
          The largest direct effects say which heads and neurons tell the model the answer; the largest total effects
          say what the answer rests on, also from further away.
        </li>
        <li>
          <strong>Check.</strong>{" "}
          Total effects are estimates. Measuring ablates the strongest nodes for real; ablating one shows what changes
          beside the answer as it was.
        </li>
        <li>
          <strong>Go upstream.</strong>{" "}
          Tracing a head’s query asks why it looks, its key why it looks there, its value what it moves. Pin what
          matters, and the circuit draws how it is connected.
        </li>
      </ol>
    </section>
  );
}

const TERMS: readonly (readonly [string, string])[] = [
  ["token", "A piece of text that the model reads as one. Most begin with their space, written ␣."],
  [
    "logit",
    "The model’s score of a token as the next one. Probabilities are their softmax; differences of logits are log-odds.",
  ],
  [
    "objective",
    "The number that is explained: by default the mean logit of the targets minus that of the distractors. Larger is better for the targets.",
  ],
  [
    "residual stream",
    "The vector at each token that every layer reads and adds to. The last one is read out as logits.",
  ],
  [
    "component",
    "A part of the model by layer and index: an attention head (head/9/8), an MLP neuron (mlp/5/1234), a dictionary’s latent (mlp-latent/5/44).",
  ],
  [
    "node",
    "One invocation of a component: a neuron at a token (mlp/5/1234@7), a head from one token to another (head/9/8@12<4), an embedding (embed@3).",
  ],
  ["write", "The vector that a node adds to the residual stream."],
  [
    "ablation",
    "Setting a node’s value to 0 before anything reads it. Other interventions set, scale, or take another value.",
  ],
  [
    "patch",
    "Giving a node the value that it has on the other prompt.",
  ],
  [
    "trace",
    "Explaining a node’s own value instead of the prediction: through query (q), key (k), both (qk) or value (v) for a head.",
  ],
  ["edge", "How much of what one node adds to the objective comes from another node’s write, by the direct way."],
  ["circuit", "Some nodes and the edges among them."],
  [
    "dictionary",
    "A sparse autoencoder or transcoder: it writes an activation as a sum of a few out of many directions. Spliced into a question, it changes nothing: what it leaves out is kept as its error.",
  ],
  [
    "latent",
    "One of a dictionary’s directions, with how strongly it is active at a token: mlp-latent/5/44@7, attn-latent/5/44@7, resid-latent/5/44@7.",
  ],
  [
    "error",
    "The activation less its reconstruction, at a token: mlp-error/5@7. It writes as other nodes do, but can be neither changed nor traced.",
  ],
  [
    "reconstruction",
    "What a dictionary’s latents and bias add up to. Run on reconstructions alone, the model is another one.",
  ],
  ["L0", "How many latents of a dictionary are active at a token. Fewer are easier to read, and leave out more."],
  [
    "basis",
    "In what a part of the model is shown: MLPs in neurons or latents, attention in heads or latents. Layers without a dictionary keep their neurons or heads.",
  ],
  ["logit lens", "Each layer’s residual stream read out as if it were the last: what would be predicted so far."],
  ["run", "A stored answer. Its address shows the same numbers for good."],
];

function Glossary(): VNode {
  return (
    <section class="card" aria-labelledby="glossary">
      <h2 id="glossary">Glossary</h2>
      <dl class="glossary">
        {TERMS.map(([term, meaning]) => (
          <>
            <dt>{term}</dt>
            <dd>{meaning}</dd>
          </>
        ))}
        {METRIC_COLUMNS.map(({ title, help }) => (
          <>
            <dt>{title.toLowerCase()}</dt>
            <dd>{help}</dd>
          </>
        ))}
      </dl>
    </section>
  );
}

const KEYS: readonly (readonly [string, string])[] = [
  ["j, k", "next row, previous row of the node table"],
  ["Enter", "open or close the row: details and actions"],
  ["a", "ablate the row’s node"],
  ["t", "open the row and go to its traces"],
  ["p", "pin the row’s node to the circuit, or unpin it"],
  ["g", "draw the circuit"],
  ["/", "go to the filter"],
  ["[, ]", "previous and next page, head or component"],
  ["?", "this page"],
  ["Ctrl Enter, ⌘ Enter", "in a text of your own on a component’s page: show the values on it"],
  ["← →", "within a coloured prompt or a matrix: from token to token"],
];

function Keys({ hasKeys }: HelpPageProps): VNode {
  return (
    <section class="card" aria-labelledby="keys">
      <h2 id="keys">Keys</h2>
      <p>
        Everything works with Tab and Enter. Single keys are shortcuts; they do nothing while you type. They can be
        switched off, and <kbd>Ctrl</kbd> <kbd>Enter</kbd> with them.
      </p>
      <table class="keys-table">
        <caption class="visually-hidden">Keys and what they do</caption>
        <tbody>
          {KEYS.map(([key, what]) => (
            <tr>
              <th scope="row">
                <kbd>{key}</kbd>
              </th>
              <td>{what}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <form method="post" action={keysUrl()}>
        <button type="submit" name="keys" value={hasKeys ? "off" : "on"}>
          {hasKeys ? "Switch single keys off" : "Switch single keys on"}
        </button>
      </form>
    </section>
  );
}
