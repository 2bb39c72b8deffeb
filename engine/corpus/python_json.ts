/** JSON as Python writes it: with the bare words `NaN`, `Infinity` and `-Infinity`, which no JSON parser of JavaScript takes. */

/** One of the three words, standing alone. */
const NON_FINITE = /(?<![\w.+-])(?:NaN|-?Infinity)(?![\w.+-])/g;

/**
 * Parses JSON; numbers that are not finite become null.
 *
 * @throws {SyntaxError} if it is anything else than JSON with such words
 */
export function parsePythonJson(text: string): unknown {
  return JSON.parse(/NaN|Infinity/.test(text) ? nullNonFinite(text) : text);
}

/** Replaces the words outside of strings. Walks strings by hand: an expression that matches them runs out of stack on long ones. */
function nullNonFinite(text: string): string {
  let replaced = "";
  let at = 0;
  while (at < text.length) {
    const quote = text.indexOf('"', at);
    if (quote === -1) return replaced + text.slice(at).replace(NON_FINITE, "null");
    const end = endOfString(text, quote);
    replaced += text.slice(at, quote).replace(NON_FINITE, "null") + text.slice(quote, end);
    at = end;
  }
  return replaced;
}

/** Where the string that begins at a quote has ended; the text's end if it is not closed. */
function endOfString(text: string, quote: number): number {
  for (let at = quote + 1; at < text.length; at++) {
    const character = text[at];
    if (character === "\\") at++;
    else if (character === '"') return at + 1;
  }
  return text.length;
}
