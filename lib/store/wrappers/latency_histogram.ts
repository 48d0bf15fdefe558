/**
 * How long calls take, in a few dozen numbers.
 *
 * @module
 */

/** Upper end of the first bucket, in milliseconds. */
const FIRST_MS = 0.1;
/** Each bucket ends so many times later than the one before: what a quantile may be off by. */
const STEP = 1.5;
/** The last bucket takes all that is above 3 minutes. */
const BUCKET_COUNT = 38;

const LOG_STEP = Math.log(STEP);

/** Counts durations by size. */
export class LatencyHistogram {
  readonly #buckets = new Float64Array(BUCKET_COUNT);
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;

  /** How many were counted, less what {@link fade} took. */
  get count(): number {
    return this.#count;
  }

  /** Mean in milliseconds; 0 where there are none. */
  get meanMs(): number {
    return this.#count === 0 ? 0 : this.#sumMs / this.#count;
  }

  /** The longest, in milliseconds; 0 where there are none. */
  get maxMs(): number {
    return this.#maxMs;
  }

  /** Counts one. */
  add(durationMs: number): void {
    this.#buckets[bucketOf(durationMs)]!++;
    this.#count++;
    this.#sumMs += durationMs;
    this.#maxMs = Math.max(this.#maxMs, durationMs);
  }

  /**
   * What `share` of the durations, 0 to 1, do not exceed: the upper end of a bucket, so up to half
   * as much again as the true value, and never above the longest; 0 where there are none.
   */
  quantileMs(share: number): number {
    let rest = this.#count * share;
    for (const [index, count] of this.#buckets.entries()) {
      rest -= count;
      if (rest <= 0 && this.#count > 0) return Math.min(this.#maxMs, FIRST_MS * STEP ** index);
    }
    return this.#maxMs;
  }

  /** Halves all counts, so that what comes later weighs more. */
  fade(): void {
    for (const index of this.#buckets.keys()) this.#buckets[index]! /= 2;
    this.#count /= 2;
    this.#sumMs /= 2;
  }
}

function bucketOf(durationMs: number): number {
  if (durationMs <= FIRST_MS) return 0;
  return Math.min(BUCKET_COUNT - 1, Math.ceil(Math.log(durationMs / FIRST_MS) / LOG_STEP - 1e-9));
}
