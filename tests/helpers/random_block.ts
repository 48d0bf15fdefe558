/**
 * Blocks for tests of stores: random bytes under an id that is a digest of them. Which digest does
 * not matter to a store, so it is SHA-256, which needs nothing of the code under test.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { type BlockId, parseBlockId } from "../../lib/block/block_ref.ts";

/** The id of a block in these tests: SHA-256. */
export function testIdOf(block: Uint8Array): BlockId {
  return parseBlockId(createHash("sha256").update(block).digest("hex"));
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
