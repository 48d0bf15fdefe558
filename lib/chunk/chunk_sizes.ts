/**
 * Which lengths the `myfs` profile aims at: sentence C3 of `lib/block/FORMAT.md`.
 *
 * What changes in a file of some megabytes is mostly a few places, and short chunks around them
 * leave little to store again. Of the images and executables that are larger, there is more to gain
 * from compression, which longer chunks help, and from fewer blocks.
 *
 * @module
 */

import type { ChunkSizes } from "./content_defined_chunker.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** Files of at least this many bytes have long chunks. */
export const LONG_CHUNKS_FILE_SIZE_MIN = 32 * MIB;

/** Of files below {@link LONG_CHUNKS_FILE_SIZE_MIN}. */
export const SHORT_CHUNKS: ChunkSizes = {
  sizeMin: 16 * KIB,
  sizeMean: 64 * KIB,
  sizeMax: 256 * KIB,
};

/** Of all other files. */
export const LONG_CHUNKS: ChunkSizes = {
  sizeMin: 256 * KIB,
  sizeMean: 512 * KIB,
  sizeMax: 2 * MIB,
};
