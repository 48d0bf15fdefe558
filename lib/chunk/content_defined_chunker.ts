/**
 * Chunks whose ends are decided by the content near them, so that inserting or deleting bytes moves
 * the boundaries nearby and leaves the others where they were.
 *
 * The method is FastCDC (Xia et al., "FastCDC: a Fast and Efficient Content-Defined Chunking
 * Approach for Data Deduplication", USENIX ATC 2016): a gear hash rolls over the data, and a chunk
 * ends where certain bits of the hash are zero. No end is looked for in the first bytes of a chunk,
 * and the condition is strict at first and loose later, which keeps lengths close to their mean.
 * `lib/block/FORMAT.md` states the rule exactly (C3 and following).
 *
 * @module
 */

import { CHUNK_SIZE_MAX } from "../base/limits.ts";
import type { Chunker } from "./chunker.ts";

/** Lengths that {@link ContentDefinedChunker} aims at, in bytes. */
export interface ChunkSizes {
  /** Length of the shortest chunk, except the last of the data: 32 to ¾ `sizeMean`. */
  readonly sizeMin: number;
  /**
   * Length that chunks have on average where the content is random: a power of two, at least 1024.
   */
  readonly sizeMean: number;
  /** Length of the longest chunk: `sizeMean` to `CHUNK_SIZE_MAX`. */
  readonly sizeMax: number;
}

/**
 * How many bytes the gear hash remembers: it is 32 bits wide, and each byte moves it by one bit.
 */
const WINDOW_SIZE = 32;

/** By how many bits the strict condition is harder, and the loose one easier, than the mean asks. */
const NORMALIZATION_BITS = 2;

/** One 32-bit number for each byte value. */
const GEAR = makeGearTable();

/** Cuts where the content says so. */
export class ContentDefinedChunker implements Chunker {
  /** Length of the shortest chunk in bytes, except the last of the data. */
  readonly sizeMin: number;
  /** Length in bytes that chunks have on average where the content is random. */
  readonly sizeMean: number;
  /** Length of the longest chunk in bytes. */
  readonly sizeMax: number;
  /** Length from which the loose condition holds. */
  readonly #sizeLoose: number;
  readonly #strictMask: number;
  readonly #looseMask: number;

  /**
   * Makes a chunker of these lengths.
   *
   * @throws {RangeError} when a length is outside of the range that {@link ChunkSizes} states.
   */
  constructor({ sizeMin, sizeMean, sizeMax }: ChunkSizes) {
    const meanBits = Math.log2(sizeMean);
    if (!Number.isInteger(meanBits) || meanBits < 10 || sizeMean > CHUNK_SIZE_MAX) {
      throw new RangeError(
        `Cannot cut chunks of ${sizeMean} bytes on average: ` +
          `the mean is a power of two from 1024 to ${CHUNK_SIZE_MAX}`,
      );
    }
    // The loose condition asks for a byte in sizeMean / 4, so that looking for it from here on
    // ends, on average, at sizeMean.
    const sizeLoose = sizeMean - sizeMean / 4;
    if (!Number.isInteger(sizeMin) || sizeMin < WINDOW_SIZE || sizeMin > sizeLoose) {
      throw new RangeError(
        `Cannot cut chunks of at least ${sizeMin} bytes: ` +
          `the minimum is an integer from ${WINDOW_SIZE} to ${sizeLoose}`,
      );
    }
    if (!Number.isInteger(sizeMax) || sizeMax < sizeMean || sizeMax > CHUNK_SIZE_MAX) {
      throw new RangeError(
        `Cannot cut chunks of at most ${sizeMax} bytes: ` +
          `the maximum is an integer from ${sizeMean} to ${CHUNK_SIZE_MAX}`,
      );
    }
    this.sizeMin = sizeMin;
    this.sizeMean = sizeMean;
    this.sizeMax = sizeMax;
    this.#sizeLoose = sizeLoose;
    this.#strictMask = highBits(meanBits + NORMALIZATION_BITS);
    this.#looseMask = highBits(meanBits - NORMALIZATION_BITS);
  }

  /** See {@link Chunker.cut}. */
  cut(bytes: Uint8Array, start: number, end: number): number {
    const length = Math.min(end - start, this.sizeMax);
    if (length <= this.sizeMin) return length;
    const looseLength = Math.min(length, this.#sizeLoose);

    // The hash of the window that ends one byte before the shortest chunk does: the next byte
    // completes the first window in question. What lies before it can not matter.
    let hash = 0;
    let at = start + this.sizeMin - WINDOW_SIZE;
    for (; at < start + this.sizeMin - 1; at++) hash = ((hash << 1) + GEAR[bytes[at]!]!) | 0;

    // Plain loops: unrolled by four they run at three quarters of the speed (V8 15).
    const strictMask = this.#strictMask;
    for (const to = start + looseLength - 1; at < to; at++) {
      hash = ((hash << 1) + GEAR[bytes[at]!]!) | 0;
      if ((hash & strictMask) === 0) return at + 1 - start;
    }
    const looseMask = this.#looseMask;
    for (const to = start + length - 1; at < to; at++) {
      hash = ((hash << 1) + GEAR[bytes[at]!]!) | 0;
      if ((hash & looseMask) === 0) return at + 1 - start;
    }
    return length;
  }
}

/** A 32-bit mask of the `count` highest bits: those that most bytes of the window have reached. */
function highBits(count: number): number {
  return -1 << (32 - count);
}

/**
 * The gear table: the finalizer of MurmurHash3 (Austin Appleby, public domain) over multiples of
 * 2^32 divided by the golden ratio. It maps different inputs to different outputs and mixes every
 * bit into every other, which is all that a gear hash wants of its table.
 */
function makeGearTable(): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    let hash = Math.imul(byte + 1, 0x9e3779b9);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return hash ^ (hash >>> 16);
  });
}
