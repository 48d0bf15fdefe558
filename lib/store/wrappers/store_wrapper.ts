/**
 * What all wrappers have in common: a store around a store.
 *
 * @module
 */

import type { Bytes } from "../../base/bytes.ts";
import type { BlockId } from "../../block/block_ref.ts";
import type { PutOptions, PutResult, Store, StoreCallOptions } from "../store.ts";

/**
 * Hands every call on to the store inside; a wrapper overrides those that it is about. It lists and
 * deletes exactly where the inner store does, disposes of it, and has no `local`, because a wrapper
 * is there to see every call.
 */
export abstract class StoreWrapper implements Store {
  /** See {@link Store.url}: that of the store inside. */
  readonly url: string;
  /** See {@link Store.list}. */
  readonly list?: (options?: StoreCallOptions) => AsyncIterable<BlockId>;
  /** See {@link Store.delete}. */
  readonly delete?: (id: BlockId, options?: StoreCallOptions) => Promise<boolean>;
  /** The store inside, which belongs to the wrapper. */
  protected readonly inner: Store;

  /** Wraps `inner`, which belongs to the wrapper from now on. */
  constructor(inner: Store) {
    this.inner = inner;
    this.url = inner.url;
    if (inner.list !== undefined) this.list = (options = {}) => this.listInner(options);
    if (inner.delete !== undefined) {
      this.delete = (id, options = {}) => this.deleteInner(id, options);
    }
  }

  /** See {@link Store.get}. */
  get(id: BlockId, options: StoreCallOptions = {}): Promise<Bytes> {
    return this.inner.get(id, options);
  }

  /** See {@link Store.put}. */
  put(id: BlockId, block: Uint8Array, options: PutOptions = {}): Promise<PutResult> {
    return this.inner.put(id, block, options);
  }

  /** See {@link Store.has}. */
  has(ids: readonly BlockId[], options: StoreCallOptions = {}): Promise<boolean[]> {
    return this.inner.has(ids, options);
  }

  /** See {@link Store.flush}. */
  flush(options: StoreCallOptions = {}): Promise<void> {
    return this.inner.flush(options);
  }

  /** Disposes of the store inside. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.inner[Symbol.asyncDispose]();
  }

  /** Lists; called only where the inner store lists. */
  protected listInner(options: StoreCallOptions): AsyncIterable<BlockId> {
    return this.inner.list!(options);
  }

  /** Deletes; called only where the inner store deletes. */
  protected deleteInner(id: BlockId, options: StoreCallOptions): Promise<boolean> {
    return this.inner.delete!(id, options);
  }
}
