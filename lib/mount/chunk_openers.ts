/**
 * Threads that open fetched blocks, so that the thread that fetches them can go on fetching.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { MyfsError } from "../base/errors.ts";
import type { BlockRef } from "../block/block_ref.ts";
import type { FlistCodecSetup } from "../image/flist_codec.ts";
import { WorkerPool } from "../image/worker_pool.ts";
import type { OpenedBlock, OpenerSetup, SealedTask } from "./chunk_opener_worker.ts";

/** Most threads: each costs some 15 MB, and a network is seldom faster than three of them. */
const OPENERS_MAX = 3;

/**
 * Opens blocks on other threads: one less than there are cores, which leaves one for fetching.
 *
 * The threads start with the first block. A thread that fails takes the blocks with it that it had;
 * the next block starts new threads.
 */
export class ChunkOpeners implements AsyncDisposable {
  readonly #setup: OpenerSetup;
  readonly #size: number;
  #pool: WorkerPool<SealedTask, OpenedBlock> | undefined;
  #isClosed = false;

  /** @param threads How many threads; by default what the machine has room for. */
  constructor(
    codec: FlistCodecSetup,
    threads: number = Math.max(1, Math.min(OPENERS_MAX, navigator.hardwareConcurrency - 1)),
  ) {
    this.#setup = { codec };
    this.#size = threads;
  }

  /**
   * The chunk that `block` holds, which the caller owns. The block is used up.
   *
   * @throws {BlockCorruptError} when it is not what `ref` says.
   */
  async open(ref: BlockRef, block: Bytes): Promise<Bytes> {
    if (this.#isClosed) throw new TypeError("Cannot open a block: the mount has ended");
    const pool = this.#pool ??= new WorkerPool<SealedTask, OpenedBlock>(
      new URL("./chunk_opener_worker.ts", import.meta.url),
      { size: this.#size, setup: this.#setup },
    );
    const isWhole = block.byteLength === block.buffer.byteLength;
    const task = { id: ref.id, key: ref.key.toBytes(), size: ref.size, block };
    try {
      return await pool.run(task, isWhole ? { transfer: [block.buffer] } : {});
    } catch (error) {
      // What is wrong with one block is no fault of the threads.
      if (!(error instanceof MyfsError) && this.#pool === pool) {
        this.#pool = undefined;
        await pool[Symbol.asyncDispose]();
      }
      throw error;
    }
  }

  /** Ends the threads. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#pool?.[Symbol.asyncDispose]();
  }
}
