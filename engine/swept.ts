/** What sweeps have collected, as whoever reads it needs it. */
import type { Group } from "./corpus/component.ts";
import { GroupStatistics } from "./corpus/group_statistics.ts";
import { groupSize } from "./corpus/groups.ts";
import type { Scope } from "./corpus/scope.ts";
import { Sequences } from "./corpus/sequences.ts";
import { groupName } from "./corpus/sweeper.ts";
import type { Turns } from "./corpus/turns.ts";
import { EngineUnavailableError, NotFoundError } from "./errors.ts";
import type { JobSource } from "./job_source.ts";
import type { LanguageModel } from "./model/language_model.ts";
import type { SweepRow, SweepRows } from "./store/sweep_rows.ts";

/** A sweep that something has been collected in. */
export interface FoundSweep extends Scope<LanguageModel> {
  readonly row: SweepRow;
}

/** Times that groups are read with pauses, before they are read in one go. */
const MAX_PAUSED_READS = 3;
/** Times that they are read at all: in one go nothing comes between, unless another process stores what it sweeps. */
const MAX_READS = 6;

/** Where sweeps are read from. */
export interface SweptSource extends Pick<JobSource, "digest"> {
  readonly store: { readonly sweeps: Pick<SweepRows, "list" | "find" | "group" | "texts"> };
}

export class SweptTexts {
  readonly #source: SweptSource;
  /** The sequences that were read last, with the sweep that they belong to. */
  #texts: { readonly key: string; readonly sequences: Sequences } | null = null;

  constructor(source: SweptSource) {
    this.#source = source;
  }

  /** Sweeps of a model's own components, or of a dictionary's latents, as they are now; the last begun first. */
  async list({ model, dictionary }: Scope<LanguageModel>): Promise<readonly SweepRow[]> {
    const weights = await this.#source.digest(model, dictionary === null ? [] : [dictionary]);
    return this.#source.store.sweeps.list(weights);
  }

  /** The sweep over a text set, or the first that has something; null if there is none. */
  async find(scope: Scope<LanguageModel>, textSet: string | undefined): Promise<FoundSweep | null> {
    const { model, dictionary } = scope;
    const rows = (await this.list(scope)).filter(({ generation }) => generation > 0);
    const own = rows.find((row) => row.textSet === "corpus");
    const row = textSet === undefined ? own ?? rows[0] : rows.find((row) => row.textSet === textSet);
    return row === undefined ? null : { model, dictionary, row };
  }

  /** As `find`. @throws {NotFoundError} that says how to begin it */
  async require(scope: Scope<LanguageModel>, textSet: string | undefined): Promise<FoundSweep> {
    const found = await this.find(scope, textSet);
    if (found !== null) return found;
    const { model, dictionary } = scope;
    const over = textSet === undefined ? "" : ` over text set "${textSet}"`;
    const [of, own] = dictionary === null
      ? [`model "${model.id}"`, {}]
      : [`dictionary "${dictionary.detail.id}"`, { dictionary: dictionary.detail.id }];
    const asked = JSON.stringify({
      kind: "sweep",
      model: model.id,
      ...textSet === undefined ? {} : { textSet },
      ...own,
    });
    throw new NotFoundError(
      `Nothing has been collected of ${of}${over}: start a sweep with POST /api/v1/jobs ${asked}`,
    );
  }

  /** @throws {NotFoundError} if it cannot be read */
  group(found: FoundSweep, group: Group): GroupStatistics {
    const statistics = this.#read(found, group);
    if (statistics !== null) return statistics;
    throw unreadable(group);
  }

  /**
   * Reads groups one after the other, giving way to others in between. A sweep that goes on meanwhile replaces what it had collected: all
   * are then read again, so that they are of one state.
   *
   * @param begin Makes what collects the groups; called again for each new start
   * @throws {NotFoundError} if one cannot be read
   * @throws {EngineUnavailableError} if it is replaced time and again
   */
  async collect<T extends { add(about: Group, group: GroupStatistics): void }>(
    { row: { key }, ...scope }: FoundSweep,
    { groups, turns }: { readonly groups: readonly Group[]; readonly turns: Turns },
    begin: (row: SweepRow) => T,
  ): Promise<T> {
    for (let attempt = 1;; attempt++) {
      const row = this.#source.store.sweeps.find(key);
      if (row === null) throw new NotFoundError("What the sweep has collected cannot be read: see the log");
      const collected = begin(row);
      let missing: Group | null = null;
      for (const about of groups) {
        const group = this.#read({ ...scope, row }, about);
        if (group === null) {
          missing = about;
          break;
        }
        collected.add(about, group);
        if (attempt <= MAX_PAUSED_READS) await turns.rest();
      }
      if (missing === null) return collected;
      if (this.#source.store.sweeps.find(key)?.generation === row.generation) throw unreadable(missing);
      if (attempt === MAX_READS) {
        throw new EngineUnavailableError(
          `The sweep over "${row.textSet}" was stored anew each of ${MAX_READS} times that it was read: ask again`,
        );
      }
    }
  }

  sequences({ key }: SweepRow): Sequences {
    if (this.#texts?.key === key) return this.#texts.sequences;
    const texts = this.#source.store.sweeps.texts(key);
    if (texts === null) throw new NotFoundError("The texts of the sweep cannot be read: see the log");
    const sequences = new Sequences(texts.tokens, texts.starts);
    this.#texts = { key, sequences };
    return sequences;
  }

  /** Whether two sweeps read the same texts, so that their numbers of sequences mean the same. */
  haveSameTexts(a: SweepRow, b: SweepRow): boolean {
    const [one, other] = [a, b].map(({ key }) => this.#source.store.sweeps.texts(key));
    if (one === null || one === undefined || other === null || other === undefined) return false;
    return isEqual(one.starts, other.starts) && isEqual(one.tokens, other.tokens);
  }

  #read({ row, ...scope }: FoundSweep, { kind, layer }: Group): GroupStatistics | null {
    const buffer = this.#source.store.sweeps.group(row, groupName(kind, layer));
    return buffer === null ? null : new GroupStatistics(groupSize(scope, kind), buffer);
  }
}

function isEqual(a: Int32Array | Uint32Array, b: Int32Array | Uint32Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

function unreadable({ kind, layer }: Group): NotFoundError {
  return new NotFoundError(`What was collected of ${groupName(kind, layer)} cannot be read: see the log`);
}
