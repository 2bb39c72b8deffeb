/** JSON in what a language model wrote: alone, in a code fence, or somewhere in prose. */

/** The first JSON object or list in a text; undefined if there is none. */
export function jsonInText(text: string): unknown {
  for (const [, fenced = ""] of text.matchAll(/```(?:json)?\s*\n(.*?)```/gs)) {
    const found = parsed(fenced);
    if (found !== undefined) return found;
  }
  // Few places can begin one; a text without an end must not be searched for each.
  let tries = 0;
  for (let at = nextStart(text, 0); at !== -1 && tries < 20; at = nextStart(text, at + 1), tries++) {
    const end = endOfValue(text, at);
    const found = end === -1 ? undefined : parsed(text.slice(at, end));
    if (found !== undefined) return found;
  }
  return undefined;
}

function nextStart(text: string, from: number): number {
  const found = text.slice(from).search(/[{[]/);
  return found === -1 ? -1 : from + found;
}

/** Where the object or list that begins at a place ends, strings left alone; -1 if it does not. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  let isString = false;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (isString) {
      if (character === "\\") at++;
      else if (character === '"') isString = false;
    } else if (character === '"') isString = true;
    else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") {
      depth--;
      if (depth === 0) return at + 1;
    }
  }
  return -1;
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
