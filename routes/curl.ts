/** The command that asks a run's question again from a shell. */
import type { RunSpec } from "../engine/mod.ts";
import { API_PREFIX } from "./env.ts";

/** A POSIX shell command line; the question's characters outside printable ASCII are written as JSON escapes. */
export function curlCommand(origin: string, spec: RunSpec): string {
  const body = JSON.stringify(spec).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return [
    "curl --fail-with-body --silent --show-error",
    "--header 'Content-Type: application/json'",
    `--data-raw ${shellQuoted(body)}`,
    shellQuoted(`${origin}${API_PREFIX}/runs`),
  ].join(" ");
}

/** Within single quotes, everything but the quote stands for itself. */
function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
