/** What the model makes of the form as it is typed: tokens, choices that are no single token, and whether the answer below is older. */
import type { VNode } from "preact";
import type { Token } from "../../engine/mod.ts";
import { quotedToken, tokenLabel } from "../format.ts";
import { formCheckUrl } from "../urls.ts";

export const FORM_CHECK_ID = "form-check";

/** One prompt as the model would read it. */
export interface CheckedPrompt {
  readonly title: string;
  readonly tokens: readonly Token[];
  /** In words, what a reader should know: a space at the end, a choice of several tokens. */
  readonly warnings: readonly string[];
}

export interface FormCheckProps {
  readonly prompts: readonly CheckedPrompt[];
  /** Whether an answer is shown that belongs to another question than the form's. */
  readonly isStale: boolean;
  /** What stops the check itself, as an unknown model. */
  readonly problem: string | null;
}

/** Tokens shown of a long prompt: the last ones. */
const SHOWN_TOKENS = 80;

/** Asks again whenever something in the form around it is typed; the newest request wins. */
const FOLLOWS_TYPING = {
  id: FORM_CHECK_ID,
  class: "form-check",
  "hx-post": formCheckUrl(),
  "hx-trigger": "input delay:250ms from:closest form",
  "hx-target": `#${FORM_CHECK_ID}`,
  "hx-swap": "outerHTML",
  "hx-sync": "this:replace",
} as const;

/** The place of the check, before anything is typed. */
export function FormCheckPlace(): VNode {
  return <div {...FOLLOWS_TYPING} />;
}

export function FormCheck({ prompts, isStale, problem }: FormCheckProps): VNode {
  return (
    <div {...FOLLOWS_TYPING} data-stale={isStale ? "true" : undefined}>
      {problem === null ? null : <p class="field-message">{problem}</p>}
      {prompts.map(({ title, tokens, warnings }) => (
        <div class="checked-prompt">
          <p class="fine-print">{title}: {tokens.length} {tokens.length === 1 ? "token" : "tokens"}</p>
          <TokenList tokens={tokens} />
          {warnings.map((warning) => <p class="warning">{warning}</p>)}
        </div>
      ))}
      {isStale
        ? (
          <p class="stale-mark" role="status">
            The answer below is for the question before these edits. <strong>Run</strong> asks this one.
          </p>
        )
        : null}
    </div>
  );
}

function TokenList({ tokens }: { readonly tokens: readonly Token[] }): VNode {
  const start = Math.max(0, tokens.length - SHOWN_TOKENS);
  return (
    <p class="checked-tokens">
      {start > 0 ? <span class="fine-print">… {start} more before</span> : null}
      {tokens.slice(start).map(({ id, text }, index) => (
        <code class="token-name" title={`token ${start + index}, id ${id}`}>{tokenLabel(text)}</code>
      ))}
    </p>
  );
}

/** What is said of a choice that is not one token. */
export function piecesInWords(choice: string, pieces: readonly Token[]): string {
  return `${quotedToken(choice)} is ${pieces.length} tokens: ${
    pieces.map(({ text }) => quotedToken(text)).join(" ")
  }. Expected exactly one.`;
}
