/** The request that asks a run's question again, in three languages. Characters outside printable ASCII are JSON escapes. */
import type { RunSpec } from "../engine/mod.ts";
import type { CodeSnippets } from "../views/props.ts";
import { API_PREFIX } from "./env.ts";

export function codeSnippets(origin: string, spec: RunSpec): CodeSnippets {
  const address = `${origin}${API_PREFIX}/runs`;
  const body = asciiJson(spec);
  return {
    curl: [
      "curl --fail-with-body --silent --show-error",
      "--header 'Content-Type: application/json'",
      `--data-raw ${shellQuoted(body)}`,
      shellQuoted(address),
    ].join(" "),
    // A JSON text within a JSON string is a literal of both languages.
    python: [
      "import json, urllib.request",
      "",
      `spec = ${JSON.stringify(body)}`,
      `request = urllib.request.Request(${
        JSON.stringify(address)
      }, spec.encode(), {"Content-Type": "application/json"})`,
      "with urllib.request.urlopen(request) as response:",
      "    run = json.load(response)",
      'print(run["sides"][0]["objective"], [node["ref"] for node in run["nodes"]][:5])',
    ].join("\n"),
    javascript: [
      `const spec = ${body};`,
      `const response = await fetch(${JSON.stringify(address)}, {`,
      '  method: "POST",',
      '  headers: { "Content-Type": "application/json" },',
      "  body: JSON.stringify(spec),",
      "});",
      "if (!response.ok) throw new Error(await response.text());",
      "const run = await response.json();",
      "console.log(run.sides[0].objective, run.nodes.slice(0, 5).map(({ ref }) => ref));",
    ].join("\n"),
  };
}

function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Within single quotes, everything but the quote stands for itself. */
function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
