/**
 * Which sizes a block can have.
 *
 * @module
 */

import { BLOCK_SIZE_MAX } from "../base/limits.ts";
import type { BlockId } from "../block/block_ref.ts";

/**
 * Refuses what no block can be, before it reaches a store: empty, or larger than a reader accepts.
 *
 * @throws {RangeError} when the size is not between 1 and `BLOCK_SIZE_MAX` bytes.
 */
export function assertBlockSize(id: BlockId, block: Uint8Array): void {
  if (block.length >= 1 && block.length <= BLOCK_SIZE_MAX) return;
  throw new RangeError(
    `Cannot store block ${id}: it has ${block.length} bytes, not 1 to ${BLOCK_SIZE_MAX}`,
  );
}
