/**
 * Blocks for tests of stores: random bytes under an id that is their digest. Which one does not
 * matter to a store, but what `openStore` puts around stores elsewhere checks it.
 *
 * @module
 */

import { type BlockId, blockIdFromBytes } from "../../lib/block/block_ref.ts";
import { blake3 } from "../../lib/block/digest.ts";

/** The id of a block in these tests: BLAKE3, as in the `myfs` profile. */
export function testIdOf(block: Uint8Array): BlockId {
  return blockIdFromBytes(blake3(block));
}

/** A block of random bytes, at most 64 KiB, whose id starts with `prefix` where one is given. */
export function randomBlock(
  size: number,
  prefix?: number,
): { id: BlockId; block: Uint8Array<ArrayBuffer> } {
  for (;;) {
    const block = crypto.getRandomValues(new Uint8Array(size));
    const id = testIdOf(block);
    if (prefix === undefined || Number.parseInt(id.slice(0, 2), 16) === prefix) {
      return { id, block };
    }
  }
}
