/**
 * Interventions and traces as people write them in the form, one a line:
 *
 *   head/3/3@14<2 = 0            set to a value
 *   mlp/2/17@5 * 0.5             a multiple of what it is
 *   head/1/0@14<* from right     what it is on the other prompt
 *   mlp/2/17@5 = mean            its mean over the model's reference texts
 *   right: mlp/2/17@6 = 0        tokens counted in the right prompt
 *
 *   # mlp/2/17@5 = 0            switched off, and kept
 *
 * and of a trace: `mlp/3/17@14`, `head/3/3@14<2 q`, `head/1/3@14<4 v towards mlp/2/3@14`.
 */
import type { FieldIssue, Intervention, TraceSpec } from "../engine/mod.ts";

const INTERVENTION =
  /^(?:(left|right):\s*)?(\S+?)\s*(?:([=*])\s*([-+]?[\d.]+(?:e[-+]?\d+)?)|=\s*(mean)|\s+from\s+(left|right))$/i;
const TRACE =
  /^(\S+)(?:\s+(q|k|qk|v))?(?:\s+towards\s+(\S+)(?:\s+(q|k|qk))?)?((?:\s+(?:post|free-norm|attribution))*)$/i;

/** Longest line that is read, in characters; no node has so long a name. */
const MAX_LINE = 200;

/** Lines of a text, each with whether it is switched on. */
export function changeLines(text: string): readonly { readonly line: string; readonly isOn: boolean }[] {
  return text.split("\n").map((line) => line.trim()).flatMap((line) => {
    const isOn = !line.startsWith("#");
    const words = isOn ? line : line.replace(/^#+\s*/, "");
    return words === "" ? [] : [{ line: words, isOn }];
  });
}

/** A line as the page writes it, whatever spaces it was typed with. */
export function plainLine(line: string): string {
  return line.trim().replace(/\s+/g, " ").replace(/ ?([=*]) ?(?=[-+.\dm])/i, " $1 ").toLowerCase();
}

/** Interventions of a text, each with its line, and what is wrong with the other lines. */
export function parseInterventions(
  text: string,
): { readonly interventions: readonly unknown[]; readonly issues: readonly FieldIssue[] } {
  const lines = changeLines(text).filter(({ isOn }) => isOn).map(({ line }) => line);
  const issues: FieldIssue[] = [];
  const interventions = lines.flatMap((line, index) => {
    const [, prompt, name, sign, number, mean, from] = (line.length > MAX_LINE ? null : INTERVENTION.exec(line)) ?? [];
    if (name === undefined) {
      issues.push({
        path: `interventions.${index}`,
        message: `${
          JSON.stringify(line.slice(0, MAX_LINE))
        } is no intervention: expected NODE = NUMBER, NODE * NUMBER, NODE = mean or NODE from right`,
      });
      return [];
    }
    const place = { node: name, prompt: prompt?.toLowerCase() === "right" ? 1 : 0 };
    if (from !== undefined) return [{ ...place, patch: { from: from.toLowerCase() } }];
    if (mean !== undefined) return [{ ...place, method: "mean" }];
    return [{ ...place, [sign === "*" ? "scale" : "set"]: Number(number) }];
  });
  return { interventions, issues };
}

/** The text of an intervention; `parseInterventions` reads it back. */
export function formatIntervention({ node: name, prompt, set, scale, patch, method }: Intervention): string {
  const place = `${prompt === 1 ? "right: " : ""}${name}`;
  if (patch !== undefined) return `${place} from ${patch.from}`;
  if (method !== undefined) return `${place} = ${method}`;
  return scale === undefined ? `${place} = ${set}` : `${place} * ${scale}`;
}

/** A trace of a text, null for an empty one, and what is wrong with it. */
export function parseTrace(text: string): { readonly trace: unknown; readonly issues: readonly FieldIssue[] } {
  const trimmed = text.trim();
  if (trimmed === "") return { trace: null, issues: [] };
  const [, name, path, towards, towardsPath, options = ""] = (trimmed.length > MAX_LINE ? null : TRACE.exec(trimmed)) ??
    [];
  if (name === undefined) {
    return {
      trace: null,
      issues: [{
        path: "trace.node",
        message: `${
          JSON.stringify(trimmed.slice(0, MAX_LINE))
        } is no trace: expected NODE, HEAD q|k|qk|v, or HEAD v towards NODE`,
      }],
    };
  }
  return {
    trace: {
      node: name,
      path: path?.toLowerCase() ?? null,
      towards: towards ?? null,
      towardsPath: towardsPath?.toLowerCase() ?? null,
      activation: /post/i.test(options) ? "post" : "pre",
      freezeNorm: !/free-norm/i.test(options),
      of: /attribution/i.test(options) ? "attribution" : "value",
    },
    issues: [],
  };
}

/** The text of a trace; `parseTrace` reads it back. */
export function formatTrace(
  { node: name, path, towards, towardsPath, activation, freezeNorm, of }: TraceSpec,
): string {
  return [
    name,
    path,
    ...towards === null ? [] : ["towards", towards, towardsPath],
    activation === "post" ? "post" : null,
    freezeNorm ? null : "free-norm",
    of === "attribution" ? "attribution" : null,
  ].filter((word) => word !== null).join(" ");
}
