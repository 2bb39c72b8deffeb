/** Figures of a run's dictionaries, from what the run tells of each: shares left out, and sums over those of a kind. */
import type { DictionarySums, LatentKind } from "../engine/mod.ts";

/** The parts that dictionaries stand for, as sentences call them. */
export const LATENT_PARTS: Readonly<Record<LatentKind, string>> = {
  "mlp-latent": "MLP",
  "attn-latent": "attention",
  "resid-latent": "residual stream",
};

type Norms = Pick<DictionarySums, "errorNorm" | "activationNorm">;

/** ‖error‖² / ‖activation‖² at a token: the share of the activation that is left out; NaN where there is no such token. */
export function leftOut({ errorNorm, activationNorm }: Norms, side: number, token: number): number {
  const [error = NaN, whole = NaN] = [errorNorm[side]?.[token], activationNorm[side]?.[token]];
  return whole === 0 ? (error === 0 ? 0 : NaN) : (error / whole) ** 2;
}

/** The mean over tokens; NaN without any. The first token is one of them, with what is often the largest norm by far: so no sum of norms. */
export function meanOf(values: readonly number[]): number {
  const finite = values.filter(Number.isFinite);
  return finite.length === 0 ? NaN : finite.reduce((sum, value) => sum + value, 0) / finite.length;
}

/** Means of a dictionary on a side: active latents and share left out. */
export function tokenMeans(
  sums: Norms & Pick<DictionarySums, "active">,
  side: number,
): { readonly active: number; readonly leftOut: number } {
  const active = sums.active[side] ?? [];
  return { active: meanOf(active), leftOut: meanOf(active.map((_, token) => leftOut(sums, side, token))) };
}

/** What latents, errors and the rest add, and all three together. */
export interface PartTotals {
  readonly latents: number;
  readonly error: number;
  readonly rest: number;
  readonly whole: number;
}

/** Sums over some dictionaries on a side. */
export function partTotals(
  dictionaries: readonly DictionarySums[],
  effect: "directEffect" | "totalEffect",
  side: number,
): PartTotals {
  const total = (part: "latents" | "error" | "rest") =>
    dictionaries.reduce((sum, own) => sum + (own[effect][part][side] ?? NaN), 0);
  const [latents, error, rest] = [total("latents"), total("error"), total("rest")];
  return { latents, error, rest, whole: latents + error + rest };
}
