/**
 * Content for a device thread: from shared memory, or from local directories at once.
 *
 * @module
 */

import { type Bytes, releaseBytes } from "../base/bytes.ts";
import type { BlockCodec } from "../block/block_codec.ts";
import type { FlistReader } from "../flist/flist_reader.ts";
import { LocalBlocks } from "../store/local_blocks.ts";
import type { LocalPlacement } from "../store/store.ts";
import { MOUNT_COUNTER, type MountCounters } from "./mount_counters.ts";
import type { SharedChunks } from "./shared_chunks.ts";

/** What a {@link ChunkSource} works with. */
export interface ChunkSourceOptions {
  readonly flist: FlistReader;
  readonly codec: BlockCodec;
  readonly chunks: SharedChunks;
  readonly counters: MountCounters;
  /** Where the blocks are on this machine; undefined where another thread has to fetch them. */
  readonly local: LocalPlacement | undefined;
  /** Told when a chunk that was fetched is first used, so that more can be fetched ahead. */
  readonly onUse?: (chunk: number) => void;
}

/** One device thread's way to content. */
export class ChunkSource {
  readonly #flist: FlistReader;
  readonly #codec: BlockCodec;
  readonly #chunks: SharedChunks;
  readonly #counters: MountCounters;
  readonly #local: LocalBlocks | undefined;
  readonly #onUse: ((chunk: number) => void) | undefined;
  #lastUsed = 0;
  #plain: Bytes = new Uint8Array(0);

  constructor(options: ChunkSourceOptions) {
    this.#flist = options.flist;
    this.#codec = options.codec;
    this.#chunks = options.chunks;
    this.#counters = options.counters;
    this.#onUse = options.local === undefined ? options.onUse : undefined;
    this.#local = options.local === undefined ? undefined : new LocalBlocks(options.local);
  }

  /**
   * Copies bytes `from` to `to` of a chunk to `at` in `target`.
   *
   * @returns false where the chunk has to be fetched first, by another thread.
   * @throws {BlockNotFoundError} {BlockCorruptError} when its block is missing or damaged.
   */
  copy(chunk: number, from: number, to: number, target: Uint8Array, at: number): boolean {
    if (this.#chunks.copy(chunk, from, to, target, at)) {
      if (this.#onUse !== undefined && chunk !== this.#lastUsed) {
        this.#lastUsed = chunk;
        this.#onUse(chunk);
      }
      return true;
    }
    if (this.#local === undefined) return false;
    if (
      this.#chunks.claim(chunk) === "present" && this.#chunks.copy(chunk, from, to, target, at)
    ) return true;
    let plain: Bytes;
    try {
      plain = this.#open(chunk);
    } catch (error) {
      this.#chunks.release(chunk);
      throw error;
    }
    this.#chunks.put(chunk, plain);
    target.set(plain.subarray(from, to), at);
    return true;
  }

  #open(chunk: number): Bytes {
    const ref = this.#flist.chunk(chunk);
    // The check on fetching lets a replica take the place of a damaged copy.
    const block = this.#local!.get(ref.id, (bytes) => this.#codec.verifyId(ref.id, bytes));
    if (this.#plain.length < ref.size) this.#plain = new Uint8Array(ref.size);
    const plain = this.#codec.open(ref, block, { target: this.#plain.subarray(0, ref.size) });
    this.#counters.add(MOUNT_COUNTER.chunksOpened, 1);
    this.#counters.add(MOUNT_COUNTER.blockBytes, block.length);
    // A thread that never rests collects its garbage late.
    releaseBytes(block);
    return plain;
  }
}
