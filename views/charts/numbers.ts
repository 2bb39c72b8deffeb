/** Numbers inside pictures: coordinates that are always finite, values short enough to stand in a cell. */
import { format } from "d3-format";
import { formatNumber } from "../format.ts";

const threeDigits = format(".3~r");
const scientific = format(".1~e");

/** A coordinate or length with one decimal; what is not finite is drawn at 0, so that an SVG never holds `NaN`. */
export function coordinate(value: number): number {
  return Number.isFinite(value) ? Math.round(value * 10) / 10 : 0;
}

/** All digits of a value, for its title; nothing where there are none. */
export function allDigits(value: number): string | undefined {
  return Number.isFinite(value) ? String(value) : undefined;
}

/** Three significant digits, for where many numbers stand close together; tiny ones as `1.2e−5`. */
export function formatShort(value: number): string {
  if (!Number.isFinite(value)) return formatNumber(value);
  const text = value !== 0 && Math.abs(value) < 0.0005 ? scientific(value) : threeDigits(value);
  return text.replaceAll("-", "\u2212");
}

/** As `formatShort`, with its sign always written; zero has none. */
export function formatShortSigned(value: number): string {
  return value > 0 ? `+${formatShort(value)}` : formatShort(value);
}

/** The largest size among the finite values; 0 without any. */
export function largestSize(values: Iterable<number | null>): number {
  let largest = 0;
  for (const value of values) {
    if (value !== null && Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  }
  return largest;
}

/** A text that may stand in a file of XML: `]]>`, which may not, gets a mark of no width in it. */
export function wellFormed(text: string): string {
  return text.replaceAll("]]>", "]]\u2060>");
}

/** A text cut to so many characters, the last one then being `…`. */
export function shortened(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join("")}…`;
}
