/**
 * The hub's blocks as a store to pack into: what is put becomes a user's, is counted against their
 * quota, and belongs to a job until that has ended.
 *
 * @module
 */

import type { BlockId, Bytes, PutOptions, PutResult, Store, StoreCallOptions } from "myfs";
import type { BlockReason, Blocks, IncomingBlock } from "../content/blocks.ts";
import type { ContentOptions } from "../content/content_options.ts";

/** Blocks that are kept together: disk and database are waited for once for all of them. */
const GROUP_COUNT_MAX = 256;
const GROUP_BYTES_MAX = 16 * 2 ** 20;

/** Groups at the same time: while one waits for the disk, the next one is written. */
const GROUPS_MAX = 2;

/** Whose the blocks are, and where. */
export interface OwnedBlocksOptions {
  readonly blocks: Blocks;
  readonly store: ContentOptions["store"];
  readonly owner: string;
  readonly reason: BlockReason;
  /** What a flist says of where its blocks are. */
  readonly url: string;
}

interface Waiting {
  readonly incoming: IncomingBlock;
  readonly resolve: (result: PutResult) => void;
  readonly reject: (error: unknown) => void;
}

/** See the module. The blocks and the store in it stay their owner's. */
export class OwnedBlocks implements Store {
  readonly url: string;
  readonly #options: OwnedBlocksOptions;
  #waiting: Waiting[] = [];
  readonly #running = new Set<Promise<void>>();

  constructor(options: OwnedBlocksOptions) {
    this.url = options.url;
    this.#options = options;
  }

  async put(id: BlockId, block: Uint8Array, options: PutOptions = {}): Promise<PutResult> {
    options.signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<PutResult>();
    this.#waiting.push({ incoming: { id, block }, resolve, reject });
    if (this.#running.size < GROUPS_MAX) {
      const draining = this.#drain().finally(() => this.#running.delete(draining));
      this.#running.add(draining);
    }
    return await promise;
  }

  async get(id: BlockId, options: StoreCallOptions = {}): Promise<Bytes> {
    return await this.#options.store.get(id, options);
  }

  /** Never: a block that is there has to become the user's all the same. */
  has(ids: readonly BlockId[]): Promise<boolean[]> {
    return Promise.resolve(ids.map(() => false));
  }

  /** Every put is durable by itself. */
  flush(): Promise<void> {
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running);
  }

  async #drain(): Promise<void> {
    const { blocks, owner, reason } = this.#options;
    // Those who come in the same turn of the event loop go together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, this.#groupSize());
      try {
        const fresh = await blocks.put(owner, group.map(({ incoming }) => incoming), reason);
        for (const [index, { resolve }] of group.entries()) {
          resolve(fresh[index] === true ? "stored" : "present");
        }
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
  }

  #groupSize(): number {
    let bytes = 0;
    let count = 0;
    for (const { incoming } of this.#waiting) {
      bytes += incoming.block.length;
      if (count > 0 && bytes > GROUP_BYTES_MAX || count === GROUP_COUNT_MAX) break;
      count++;
    }
    return count;
  }
}
