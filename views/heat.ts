/** Diverging colour by class: 21 steps, so that no inline style is needed and a theme can change them all. */

/** Steps to either side of zero. */
export const HEAT_STEPS = 10;

/**
 * The class of a value on a scale that ends at ±`largest`: `heat-n10` … `heat-0` … `heat-p10`. It is monotone in the value; the sign
 * is never lost to rounding, only the class `heat-0` has none.
 */
export function heatClass(value: number, largest: number): string {
  if (!(largest > 0) || !Number.isFinite(value)) return "heat-0";
  const step = Math.min(HEAT_STEPS, Math.round(Math.abs(value) / largest * HEAT_STEPS));
  if (step === 0) return "heat-0";
  return `heat-${value > 0 ? "p" : "n"}${step}`;
}
