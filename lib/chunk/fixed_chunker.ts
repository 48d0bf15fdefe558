/**
 * Chunks of one length, as rfs cuts files.
 *
 * @module
 */

import { CHUNK_SIZE_MAX } from "../base/limits.ts";
import type { Chunker } from "./chunker.ts";

/** Length of every chunk of a file but the last in the `rfs` profile: 512 KiB. */
export const RFS_CHUNK_SIZE = 512 * 1024;

/** Cuts every `size` bytes; the last chunk holds what is left. */
export class FixedChunker implements Chunker {
  /** Length of every chunk but the last, in bytes. */
  readonly sizeMax: number;

  /**
   * Makes a chunker of this length.
   *
   * @param size Bytes in every chunk but the last, 1 to `CHUNK_SIZE_MAX`.
   * @throws {RangeError} when `size` is not an integer in that range.
   */
  constructor(size: number = RFS_CHUNK_SIZE) {
    if (!Number.isInteger(size) || size < 1 || size > CHUNK_SIZE_MAX) {
      throw new RangeError(
        `Cannot cut chunks of ${size} bytes: the size is an integer from 1 to ${CHUNK_SIZE_MAX}`,
      );
    }
    this.sizeMax = size;
  }

  /** See {@link Chunker.cut}; the bytes themselves do not matter. */
  cut(_bytes: Uint8Array, start: number, end: number): number {
    return Math.min(this.sizeMax, end - start);
  }
}
