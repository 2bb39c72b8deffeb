/** The first of many items by some order, without keeping all of them. */
export class FirstOf<T> {
  readonly #limit: number;
  readonly #compare: (a: T, b: T) => number;
  #items: T[] = [];
  /** The last of those that are surely among the first, once there are enough. */
  #last: T | null = null;

  /** @param compare As `sort` takes it; no two items may be equal by it, or their order is that of adding */
  constructor(limit: number, compare: (a: T, b: T) => number) {
    this.#limit = limit;
    this.#compare = compare;
  }

  add(item: T): void {
    if (this.#last !== null && this.#compare(item, this.#last) >= 0) return;
    this.#items.push(item);
    if (this.#items.length >= 2 * this.#limit) this.#cut();
  }

  /** In their order. */
  items(): readonly T[] {
    this.#cut();
    return this.#items;
  }

  #cut(): void {
    this.#items = this.#items.sort(this.#compare).slice(0, this.#limit);
    if (this.#items.length === this.#limit) this.#last = this.#items.at(-1) ?? null;
  }
}
