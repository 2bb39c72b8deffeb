/** What sweeps have collected of a model as it is now. */
import type { JobSource } from "./job_source.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { SweepRow, SweepRows } from "./store/sweep_rows.ts";

/** Where sweeps are stored. */
export interface SweepSource extends Pick<JobSource, "digest"> {
  readonly store: { readonly sweeps: Pick<SweepRows, "list" | "group"> };
}

/** Sweeps of a model with its present weights, the last begun first. */
export async function sweepsOf(source: SweepSource, model: LanguageModel): Promise<readonly SweepRow[]> {
  return source.store.sweeps.list(await source.digest(model));
}

/** The sweep over a text set that has collected something; without one, the model's own corpus or else the last begun. Null if none has. */
export async function findSweep(
  source: SweepSource,
  model: LanguageModel,
  textSet: string | undefined,
): Promise<SweepRow | null> {
  const rows = (await sweepsOf(source, model)).filter(({ generation }) => generation > 0);
  if (textSet !== undefined) return rows.find((row) => row.textSet === textSet) ?? null;
  return rows.find((row) => row.textSet === "corpus") ?? rows[0] ?? null;
}
