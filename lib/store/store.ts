/**
 * What every store of blocks promises. A store maps the id of a block to the block's bytes and knows
 * nothing else: no keys, no plain content, no flists. It does not know how an id is computed either,
 * because that depends on the profile, so whoever reads a block checks it.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import type { BlockId } from "../block/block_ref.ts";

/** What every call on a store accepts. */
export interface StoreCallOptions {
  /** Ends the call early: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What {@link Store.put} accepts. */
export interface PutOptions extends StoreCallOptions {
  /**
   * Writes the block even where the store has one under that id: the way to repair a copy that is
   * known to be damaged.
   *
   * @default {false}
   */
  readonly replace?: boolean;
}

/** What a put did: the block is new in the store, or it was there already. */
export type PutResult = "stored" | "present";

/**
 * When blocks written to local disks are made to survive a power cut:
 *
 * - `"end"`: when {@link Store.flush} is called, for all of them at once. By far the cheapest safe
 *   way, for writers that publish their flist last.
 * - `"each"`: before each put returns. For servers, whose every answer is a promise.
 * - `"none"`: whenever the system gets to it. For caches and tests.
 */
export type Durability = "end" | "each" | "none";

/** A local directory that holds the blocks of a range of prefixes. */
export interface LocalPlacementDirectory {
  /** First byte of the lowest block id, 0 to 255. */
  readonly start: number;
  /** First byte of the highest block id, 0 to 255, inclusive. */
  readonly end: number;
  /** Absolute path. */
  readonly path: string;
  /** How writes into it are made durable. @default {"end"} */
  readonly durability?: Durability;
}

/**
 * Where the blocks of a store lie on this machine: plain data that can be posted to a worker thread,
 * which reaches the same blocks through `LocalBlocks` without asking the thread that has the store.
 */
export interface LocalPlacement {
  /** Directories in order of preference for reading; those that overlap are replicas. */
  readonly directories: readonly LocalPlacementDirectory[];
}

/**
 * Keeps blocks by id. The contract below is checked by `storeContract` (store_contract.ts), which
 * every implementation passes.
 *
 * Obligations of every implementation:
 *
 * - **Parallel calls** are safe in any number and mixture. A store that must bound what it has under
 *   way makes callers wait; it does not refuse.
 * - **Put is atomic**: at every moment, also after a crash of this process, a reader sees the whole
 *   block or none. **Put is idempotent**: an id always stands for the same bytes, so a store that
 *   has the block may answer `"present"` without writing, and of several puts at once any may win.
 * - **A missing block** is a `BlockNotFoundError` from `get`, `false` from `has` and `delete`. A
 *   store that cannot tell whether it has the block throws instead.
 * - **Other failures** are `StoreUnavailableError` (which says whether the same call may succeed
 *   later) or `StoreDeniedError`. A store does not retry: one wrapper does that for all.
 * - **Bytes**: the array given to `put` stays the caller's, who leaves it alone until the call
 *   settles and may reuse it afterwards. The array that `get` gives belongs to the caller.
 * - **Sizes**: a block has 1 to `BLOCK_SIZE_MAX` bytes. `put` throws `RangeError` for others, and
 *   `get` does not read more than that into memory whatever lies under the id.
 * - **Signals**: a call whose signal is aborted rejects with the signal's reason, soon, and leaves
 *   the store as if it had been made completely or not at all.
 * - **Order**: `has` answers in the order asked; `list` has no order.
 * - **Secrets** of the URL the store was opened with appear in no property and no message.
 *
 * A *wrapper* is a store around a store. It disposes of the one inside, offers `list` and `delete`
 * exactly where the inner store does, and leaves out `local` when it must see every call (metrics,
 * limits), for `local` lets workers pass it by.
 */
export interface Store extends AsyncDisposable {
  /** Where the blocks are, without secrets: for messages and for the routes of a flist. */
  readonly url: string;

  /**
   * The block with this id, not checked against it.
   *
   * @throws {BlockNotFoundError} when the store does not have it.
   */
  get(id: BlockId, options?: StoreCallOptions): Promise<Bytes>;

  /** Keeps a block. When it resolves, every reader of the store can get it. */
  put(id: BlockId, block: Uint8Array, options?: PutOptions): Promise<PutResult>;

  /** Whether the store has each of these blocks; ids may repeat, and there may be any number. */
  has(ids: readonly BlockId[], options?: StoreCallOptions): Promise<boolean[]>;

  /**
   * The ids of all blocks, each once. A block that is put or deleted meanwhile may be listed or not.
   * Absent where the store cannot list.
   */
  list?(options?: StoreCallOptions): AsyncIterable<BlockId>;

  /**
   * Removes a block and tells whether it was there. Absent where the store cannot delete.
   */
  delete?(id: BlockId, options?: StoreCallOptions): Promise<boolean>;

  /**
   * Resolves when all blocks put before are on stable storage, as far as the store can promise it;
   * blocks that worker threads put through `local` included. A store whose puts are durable by
   * themselves has nothing to do.
   */
  flush(options?: StoreCallOptions): Promise<void>;

  /** Present where all the blocks lie in local directories. */
  readonly local?: LocalPlacement;
}
