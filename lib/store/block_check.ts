/**
 * Whether bytes are the block that an id names, where nobody says which profile made it.
 *
 * @module
 */

import { checkId } from "../block/block_checks.ts";
import type { BlockId } from "../block/block_ref.ts";
import { blake2b256, blake3 } from "../block/digest.ts";

/**
 * Makes sure that bytes are the block with an id.
 *
 * @throws {BlockCorruptError} when they are not.
 */
export type BlockCheck = (id: BlockId, block: Uint8Array) => void;

/**
 * Takes what the digest of either profile names: BLAKE3 of `myfs`, or BLAKE2b of `rfs`. The first
 * costs next to nothing, so blocks of `myfs` are not the dearer for it.
 *
 * @throws {BlockCorruptError} when it is neither.
 */
export function checkEitherDigest(id: BlockId, block: Uint8Array): void {
  try {
    checkId(id, block, blake3);
  } catch {
    checkId(id, block, blake2b256);
  }
}
