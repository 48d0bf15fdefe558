/**
 * A map that keeps what was used last.
 *
 * @module
 */

/** How much a {@link RecentMap} keeps. */
export interface RecentMapOptions<Value> {
  /** Most entries. */
  readonly countMax: number;
  /** Most that all values weigh together. The entry that was set last stays, whatever it weighs. */
  readonly weightMax: number;
  /** What a value weighs, of any unit. It is asked when the value is set, and must not change. */
  readonly weigh: (value: Value) => number;
}

/** Forgets the entries that were not used for longest when there are too many. */
export class RecentMap<Key, Value> {
  readonly #options: RecentMapOptions<Value>;
  /** In the order of last use, oldest first. */
  readonly #entries = new Map<Key, Value>();
  #weight = 0;

  constructor(options: RecentMapOptions<Value>) {
    this.#options = options;
  }

  /** The value of `key`, which is used now. */
  get(key: Key): Value | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  /** Keeps a value, in place of the one that `key` had. */
  set(key: Key, value: Value): void {
    const { countMax, weightMax, weigh } = this.#options;
    this.#forget(key);
    this.#entries.set(key, value);
    this.#weight += weigh(value);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= 1) return;
      if (this.#entries.size <= countMax && this.#weight <= weightMax) return;
      this.#forget(oldest);
    }
  }

  #forget(key: Key): void {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#entries.delete(key);
    this.#weight -= this.#options.weigh(value);
  }
}
