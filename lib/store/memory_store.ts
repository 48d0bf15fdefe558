/**
 * `mem://name`: blocks in the memory of this process.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { BlockNotFoundError } from "../base/errors.ts";
import type { BlockId } from "../block/block_ref.ts";
import { assertBlockSize } from "./block_size.ts";
import { promised } from "./promised.ts";
import type { PutOptions, PutResult, Store, StoreCallOptions } from "./store.ts";

/** The blocks of each name. */
const namedContents = new Map<string, Map<BlockId, Bytes>>();

/**
 * Blocks in memory, for tests and for work whose result goes elsewhere. Worker threads have their
 * own memory, so they do not see these blocks.
 */
export class MemoryStore implements Store {
  /** See {@link Store.url}. */
  readonly url: string;
  readonly #blocks: Map<BlockId, Bytes>;

  /**
   * A store of its own, or one that shares.
   *
   * @param name Stores of one name share their blocks, which stay until they are deleted or the
   *   process ends. Without a name the blocks are this store's own and go with it.
   */
  constructor(name?: string) {
    this.url = `mem://${name ?? ""}`;
    this.#blocks = name === undefined ? new Map() : contentsOf(name);
  }

  /** See {@link Store.get}. */
  get(id: BlockId, options: StoreCallOptions = {}): Promise<Bytes> {
    return promised(options.signal, () => {
      const block = this.#blocks.get(id);
      if (block === undefined) throw new BlockNotFoundError(id, this.url);
      return block.slice();
    });
  }

  /** See {@link Store.put}. */
  put(id: BlockId, block: Uint8Array, options: PutOptions = {}): Promise<PutResult> {
    return promised(options.signal, () => {
      assertBlockSize(id, block);
      if (options.replace !== true && this.#blocks.has(id)) return "present";
      this.#blocks.set(id, new Uint8Array(block));
      return "stored";
    });
  }

  /** See {@link Store.has}. */
  has(ids: readonly BlockId[], options: StoreCallOptions = {}): Promise<boolean[]> {
    return promised(options.signal, () => ids.map((id) => this.#blocks.has(id)));
  }

  /** See {@link Store.list}. */
  async *list(options: StoreCallOptions = {}): AsyncIterable<BlockId> {
    options.signal?.throwIfAborted();
    for (const id of this.#blocks.keys()) {
      yield id;
      options.signal?.throwIfAborted();
    }
  }

  /** See {@link Store.delete}. */
  delete(id: BlockId, options: StoreCallOptions = {}): Promise<boolean> {
    return promised(options.signal, () => this.#blocks.delete(id));
  }

  /** Nothing to do: memory is never durable. */
  flush(options: StoreCallOptions = {}): Promise<void> {
    return promised(options.signal, () => {});
  }

  /** Nothing to do: named blocks stay, others go with the store. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function contentsOf(name: string): Map<BlockId, Bytes> {
  const blocks = namedContents.get(name) ?? new Map<BlockId, Bytes>();
  namedContents.set(name, blocks);
  return blocks;
}
