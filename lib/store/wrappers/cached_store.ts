/**
 * A store whose blocks are kept on this machine once they have been read.
 *
 * @module
 */

import type { Bytes } from "../../base/bytes.ts";
import type { BlockId } from "../../block/block_ref.ts";
import type { BlockCache } from "../block_cache.ts";
import type { Store, StoreCallOptions } from "../store.ts";
import { StoreWrapper } from "./store_wrapper.ts";

/**
 * Reads blocks from a {@link BlockCache} and, where it does not have them, from the store inside, to
 * be kept for the next time. What is put goes to the store inside alone: a cache is for what is read
 * again.
 *
 * Several reads of one missing block at once each ask the store inside, which has single flight
 * around it where it is far; the cache keeps one.
 */
export class CachedStore extends StoreWrapper {
  readonly #cache: BlockCache;

  /** Wraps `inner`, which belongs to the wrapper from now on. The cache stays the caller's. */
  constructor(inner: Store, cache: BlockCache) {
    super(inner);
    this.#cache = cache;
  }

  /**
   * See {@link Store.get}. The block has been checked against its id.
   *
   * @throws {BlockCorruptError} when the store inside gave something else.
   */
  override async get(id: BlockId, options: StoreCallOptions = {}): Promise<Bytes> {
    options.signal?.throwIfAborted();
    const kept = this.#cache.get(id);
    if (kept !== undefined) return kept;
    const block = await this.inner.get(id, options);
    await this.#cache.put(id, block);
    return block;
  }

  /** See {@link Store.has}. What is in the cache can be got, so the store inside is not asked. */
  override async has(ids: readonly BlockId[], options: StoreCallOptions = {}): Promise<boolean[]> {
    options.signal?.throwIfAborted();
    const found = ids.map((id) => this.#cache.has(id));
    const others = ids.filter((_, i) => !found[i]);
    if (others.length === 0) return found;
    const answers = await this.inner.has(others, options);
    let at = 0;
    return found.map((isKept) => isKept || answers[at++]!);
  }

  /** Deletes from both. */
  protected override async deleteInner(id: BlockId, options: StoreCallOptions): Promise<boolean> {
    const removed = await super.deleteInner(id, options);
    return this.#cache.remove(id) || removed;
  }
}

/**
 * `store` with `cache` in front of it: reads come from the cache where it has the block, and what the
 * store gives is kept. The store is closed with it, the cache is not. Unlike a directory store, it is
 * not read by worker threads directly.
 *
 * @example
 * ```ts
 * import { openBlockCache, openStore, withBlockCache } from "myfs";
 *
 * const folder = await Deno.makeTempDir();
 * {
 *   await using cache = await openBlockCache(folder, { sizeMax: 1024 ** 3 });
 *   await using store = withBlockCache(await openStore(["mem://far-away"]), cache);
 *   console.assert(store.url === "mem://far-away");
 * }
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function withBlockCache(store: Store, cache: BlockCache): Store {
  return new CachedStore(store, cache);
}
