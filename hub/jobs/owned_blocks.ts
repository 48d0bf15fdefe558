/**
 * The hub's blocks as a store to pack into: what is put becomes a user's, is counted against their
 * quota, and belongs to a job until that has ended.
 *
 * @module
 */

import type { BlockId, Bytes, PutOptions, PutResult, Store, StoreCallOptions } from "myfs";
import type { BlockReason, Blocks, IncomingBlock } from "../content/blocks.ts";
import type { ContentOptions } from "../content/content_options.ts";
import { GroupCommit } from "../content/group_commit.ts";

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

/** See the module. The blocks and the store in it stay their owner's. */
export class OwnedBlocks implements Store {
  readonly url: string;
  readonly #options: OwnedBlocksOptions;
  readonly #puts: GroupCommit<IncomingBlock, boolean>;

  constructor(options: OwnedBlocksOptions) {
    this.url = options.url;
    this.#options = options;
    const { blocks, owner, reason } = options;
    this.#puts = new GroupCommit((group) => blocks.put(owner, group, reason), {
      jobsMax: GROUP_COUNT_MAX,
      groupsMax: GROUPS_MAX,
      bytesMax: GROUP_BYTES_MAX,
      bytesOf: ({ block }) => block.length,
    });
  }

  async put(id: BlockId, block: Uint8Array, options: PutOptions = {}): Promise<PutResult> {
    options.signal?.throwIfAborted();
    return await this.#puts.add({ id, block }) ? "stored" : "present";
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
    await this.#puts.idle();
  }
}
