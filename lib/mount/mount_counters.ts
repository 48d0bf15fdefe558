/**
 * Numbers that all threads of a mount add to.
 *
 * @module
 */

/** What is counted: places in {@link MountCounters}. */
export const MOUNT_COUNTER = {
  /** Chunks that were decrypted and decompressed. */
  chunksOpened: 0,
  /** Bytes of their blocks. */
  blockBytes: 1,
  /** Bytes that programs got. */
  bytesRead: 2,
  /** Requests that ended with EIO. */
  errors: 3,
  /** Reads that had to wait for a store. */
  readsWaited: 4,
  /** Bytes that the kernel got before it asked for them. */
  bytesPushed: 5,
} as const;

const COUNTERS = 6;

/** Counts in shared memory. Every thread has an object of its own over it. */
export class MountCounters {
  readonly #counts: BigUint64Array;

  /** @param memory What {@link MountCounters.allocate} gave. */
  constructor(memory: SharedArrayBuffer) {
    this.#counts = new BigUint64Array(memory);
  }

  /** Memory for the counters, all 0. */
  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(8 * COUNTERS);
  }

  /** Adds to a counter, from any thread. */
  add(counter: number, amount: number): void {
    Atomics.add(this.#counts, counter, BigInt(amount));
  }

  /** What a counter has come to. */
  get(counter: number): number {
    return Number(Atomics.load(this.#counts, counter));
  }
}
