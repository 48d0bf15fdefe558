/**
 * Checks that both profiles make in the same way.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { BlockCorruptError } from "../base/errors.ts";
import { CHUNK_SIZE_MAX } from "../base/limits.ts";
import { type BlockId, blockIdFromBytes, type BlockRef } from "./block_ref.ts";

/**
 * Makes sure that `chunk` can be sealed.
 *
 * @throws {RangeError} when it is empty or too long.
 */
export function checkChunk(chunk: Uint8Array): void {
  if (chunk.length < 1 || chunk.length > CHUNK_SIZE_MAX) {
    throw new RangeError(
      `Cannot seal a chunk of ${chunk.length} bytes: a chunk has 1 to ${CHUNK_SIZE_MAX}`,
    );
  }
}

/**
 * Makes sure that `block` has the digest `id`.
 *
 * @param digest The profile's digest.
 * @throws {BlockCorruptError} when it has another.
 */
export function checkId(
  id: BlockId,
  block: Uint8Array,
  digest: (bytes: Uint8Array) => Bytes,
): void {
  const found = blockIdFromBytes(digest(block));
  if (found !== id) throw new BlockCorruptError(id, `its ${block.length} bytes digest to ${found}`);
}

/**
 * Makes sure that a chunk can have the size that `ref` claims, and that `target` has that size where
 * there is one.
 *
 * @throws {BlockCorruptError} when no chunk can have that size.
 * @throws {RangeError} when `target` has another.
 */
export function checkTarget(ref: BlockRef, target: Bytes | undefined): void {
  if (!Number.isInteger(ref.size) || ref.size < 1 || ref.size > CHUNK_SIZE_MAX) {
    throw new BlockCorruptError(
      ref.id,
      `its reference claims a chunk of ${ref.size} bytes, and a chunk has 1 to ${CHUNK_SIZE_MAX}`,
    );
  }
  if (target !== undefined && target.length !== ref.size) {
    throw new RangeError(
      `Cannot open a chunk of ${ref.size} bytes into an array of ${target.length}`,
    );
  }
}

/** Scratch memory that grows to the largest size asked for and is used again. */
export class Scratch {
  #memory = new Uint8Array(0);

  /** `size` bytes that hold anything, valid until the next call. */
  take(size: number): Bytes {
    if (size > this.#memory.length) this.#memory = new Uint8Array(size);
    return this.#memory.subarray(0, size);
  }
}
