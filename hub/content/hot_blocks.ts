/**
 * Blocks that were asked for lately, in memory: reading and checking a small block takes as long as
 * sending it. Whether a block may be given to somebody is asked each time, elsewhere; a digest always
 * names the same bytes, so these cannot be out of date.
 *
 * @module
 */

import type { BlockId, Bytes } from "myfs";

/** Larger ones gain little, and would push out many. */
const BLOCK_SIZE_MAX = 64 * 1024;

/** What each one takes beside its bytes, in bytes: id, entry and array. */
const OVERHEAD = 256;

/** The blocks that were used last, as far as they have room. */
export class HotBlocks {
  readonly #bytesMax: number;
  readonly #blocks = new Map<BlockId, Bytes>();
  #bytes = 0;

  /** @param bytesMax Memory that they may take; 0 keeps none. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** A block, which must not be changed. */
  get(id: BlockId): Bytes | undefined {
    const block = this.#blocks.get(id);
    if (block === undefined) return undefined;
    // Set anew, so that the map is in the order of use.
    this.#blocks.delete(id);
    this.#blocks.set(id, block);
    return block;
  }

  /** Whether a block is one that may be kept: who has another has it alone. */
  static mayKeep({ length }: Uint8Array): boolean {
    return length <= BLOCK_SIZE_MAX;
  }

  /** Keeps a block where it may; it must not be changed from then on. */
  keep(id: BlockId, block: Bytes): void {
    const size = block.length + OVERHEAD;
    if (!HotBlocks.mayKeep(block) || size > this.#bytesMax || this.#blocks.has(id)) return;
    this.#blocks.set(id, block);
    this.#bytes += size;
    while (this.#bytes > this.#bytesMax) {
      const [oldest, { length }] = this.#blocks.entries().next().value!;
      this.#blocks.delete(oldest);
      this.#bytes -= length + OVERHEAD;
    }
  }
}
