/**
 * Blocks of random bytes, to try stores with: nobody has them, and nobody needs them.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { type BlockId, blockIdFromBytes } from "../block/block_ref.ts";
import { blake3 } from "../block/digest.ts";

/** The id that stands for a block. */
export type IdOf = (block: Uint8Array) => BlockId;

/** A block and its id. */
export interface NamedBlock {
  readonly id: BlockId;
  readonly block: Bytes;
}

/** The platform gives at most this many random bytes a call. */
const RANDOM_BYTES_MAX = 65536;

/** The id of a block of the `myfs` profile. */
export const blake3IdOf: IdOf = (block) => blockIdFromBytes(blake3(block));

/** A block of `size` random bytes. */
export function randomBlock(size: number, idOf: IdOf = blake3IdOf): NamedBlock {
  const block = new Uint8Array(size);
  for (let at = 0; at < size; at += RANDOM_BYTES_MAX) {
    crypto.getRandomValues(block.subarray(at, Math.min(at + RANDOM_BYTES_MAX, size)));
  }
  return { id: idOf(block), block };
}
