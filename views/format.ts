/** How numbers, tokens, times and sizes are written. One place, so that a page never says the same thing in two ways. */
import { format } from "d3-format";
import type { RunResult } from "../engine/mod.ts";

const MINUS = "\u2212";
const fixed3 = format(",.3f");
const scientific = format(".1e");

/** A number with three decimals; a tiny one is never shown as zero: `1.2e−5`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : value > 0 ? "∞" : `${MINUS}∞`;
  const text = value !== 0 && Math.abs(value) < 0.0005 ? scientific(value) : fixed3(value);
  return text.replaceAll("-", MINUS);
}

/** As `formatNumber`, with its sign always written; zero has none. */
export function formatSigned(value: number): string {
  return value > 0 ? `+${formatNumber(value)}` : formatNumber(value);
}

/** A probability, from its logarithm, as a percentage. */
export function formatProbability(logProb: number): string {
  const percent = Math.exp(logProb) * 100;
  if (percent < 0.05) return percent === 0 ? "0%" : `${scientific(percent).replaceAll("-", MINUS)}%`;
  // What is short of certain is not written as certain.
  if (percent >= 99.95 && percent < 100) return percent < 99.9995 ? `${format(".3f")(percent)}%` : ">99.999%";
  return `${format(".1f")(percent)}%`;
}

/** A share as a percentage with one decimal. */
export function formatShare(share: number): string {
  return `${format(",.1f")(share * 100).replaceAll("-", MINUS)}%`;
}

/** A whole number with its thousands apart. */
export function formatCount(count: number): string {
  return format(",")(count);
}

/** A duration in ms, as `14 ms` or `1.3 s`. */
export function formatDuration(ms: number): string {
  if (ms >= 1000) return `${format(".1f")(ms / 1000)} s`;
  return ms >= 10 || ms === 0 ? `${format(".0f")(ms)} ms` : `${format(".1f")(ms)} ms`;
}

/** A size in the decimal unit that fits. */
export function formatBytes(bytes: number): string {
  if (bytes >= 1e9) return `${format(".2f")(bytes / 1e9)} GB`;
  return bytes >= 1e6 ? `${format(".1f")(bytes / 1e6)} MB` : `${format(".0f")(bytes / 1e3)} kB`;
}

const VISIBLE: Readonly<Record<string, string>> = { " ": "␣", "\n": "↵", "\r": "␍", "\t": "⇥", "\u00a0": "⍽" };

/** The text of a token with everything visible that one would not see: spaces, line ends, controls, direction marks. */
export function tokenLabel(text: string): string {
  if (text === "") return "∅";
  return [...text].map((character) => {
    const visible = VISIBLE[character];
    if (visible !== undefined) return visible;
    return /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/u.test(character) ? escapeOf(character) : character;
  }).join("");
}

/** A prompt as it was asked: tokens by themselves may be half a character. One given as tokens has nothing else. */
export function promptLabel({ spec, sides }: Pick<RunResult, "spec" | "sides">, index: number): string {
  const prompt = spec.prompts[index];
  const text = prompt !== undefined && "text" in prompt ? prompt.text : null;
  return tokenLabel(text ?? sides[index]?.tokens.map((token) => token.text).join("") ?? "");
}

/** A token in a sentence: with quotation marks. */
export function quotedToken(text: string): string {
  return `“${tokenLabel(text)}”`;
}

function escapeOf(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
