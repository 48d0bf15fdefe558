/**
 * Limits how often something happens, by key: a bucket that holds so many tokens and fills at a
 * steady rate. Kept in this process: several processes each have their own.
 *
 * @module
 */

/** Keys that are remembered; a full bucket is as none, and goes first. */
const KEYS_MAX = 50_000;

/** How much is left, and when more. */
export interface Allowance {
  readonly isAllowed: boolean;
  readonly remaining: number;
  /** Seconds until the next one is allowed; 0 where it is. */
  readonly retryAfterSeconds: number;
}

/** Buckets of one size by key. */
export class TokenBuckets {
  readonly #ratePerSecond: number;
  readonly burst: number;
  readonly #now: () => number;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  /** @param ratePerSecond 0 allows all. */
  constructor(ratePerSecond: number, burst: number, now: () => number) {
    this.#ratePerSecond = ratePerSecond;
    this.burst = burst;
    this.#now = now;
  }

  /** Takes one token of a user's, or of an address where nobody is known. */
  takeFor(user: string | undefined, address: string): Allowance {
    return this.take(user === undefined ? `address:${address}` : `user:${user}`);
  }

  /** Takes one token. */
  take(key: string): Allowance {
    if (this.#ratePerSecond === 0) {
      return { isAllowed: true, remaining: this.burst, retryAfterSeconds: 0 };
    }
    const now = this.#now();
    const bucket = this.#buckets.get(key) ?? { tokens: this.burst, at: now };
    const gained = Math.max(0, now - bucket.at) / 1000 * this.#ratePerSecond;
    const tokens = Math.min(this.burst, bucket.tokens + gained);
    const isAllowed = tokens >= 1;
    // Set anew, so that the map is in the order of use.
    this.#buckets.delete(key);
    if (this.#buckets.size >= KEYS_MAX) this.#buckets.delete(this.#buckets.keys().next().value!);
    this.#buckets.set(key, { tokens: isAllowed ? tokens - 1 : tokens, at: now });
    return {
      isAllowed,
      remaining: Math.floor(isAllowed ? tokens - 1 : tokens),
      retryAfterSeconds: isAllowed ? 0 : Math.ceil((1 - tokens) / this.#ratePerSecond),
    };
  }
}
