/**
 * The stores of a mounted image, which may be out of reach when it is mounted.
 *
 * @module
 */

import type { UsedStore } from "../image/image_stores.ts";
import type { BlockCache } from "../store/block_cache.ts";
import type { Store } from "../store/store.ts";

/** Opens stores when they are needed, and again after that failed. */
export class LateStore implements AsyncDisposable {
  readonly #open: () => Promise<UsedStore>;
  #used: Promise<UsedStore> | undefined;
  #opened: UsedStore | undefined;
  #isClosed = false;

  constructor(open: () => Promise<UsedStore>) {
    this.#open = open;
  }

  /**
   * The store. Those who ask while it is being opened wait for the same opening.
   *
   * @throws whatever opening it throws; the next call tries again.
   */
  async get(): Promise<Store> {
    if (this.#isClosed) throw new TypeError("Cannot read from a store that was closed");
    if (this.#used === undefined) {
      const used = this.#open();
      this.#used = used;
      used.catch(() => {
        if (this.#used === used) this.#used = undefined;
      });
    }
    this.#opened = await this.#used;
    return this.#opened.store;
  }

  /** The cache in front of the store, once both are open and there is one. */
  get cache(): BlockCache | undefined {
    return this.#opened?.cache;
  }

  /** Closes what was opened. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const used = await this.#used?.catch(() => undefined);
    this.#used = undefined;
    await used?.[Symbol.asyncDispose]();
  }
}
