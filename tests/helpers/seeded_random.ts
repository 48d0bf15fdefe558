/**
 * Random numbers that a seed repeats, so that a test that failed can be run again.
 *
 * @module
 */

import type { Bytes } from "../../lib/base/bytes.ts";

/** The seed of this run: that of the environment's SEED where it is set, else a new one. */
export function takeSeed(): number {
  const given = Number(Deno.env.get("SEED"));
  return given > 0 ? given : 1 + Math.floor(Math.random() * 0x7fff_fffe);
}

/** Random numbers that a seed repeats: xorshift32 (Marsaglia 2003). */
export class SeededRandom {
  #state: number;

  /** @param seed A whole number, 1 or more. */
  constructor(seed: number) {
    this.#state = seed;
  }

  /** An integer from 0 to `bound` - 1. */
  below(bound: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return Math.floor(((this.#state >>> 0) / 0x1_0000_0000) * bound);
  }

  /** One of `items`. */
  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }

  /** `length` random bytes. */
  bytes(length: number): Bytes {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.below(256);
    return bytes;
  }

  /** `length` bytes that compress: runs of random length of a few byte values. */
  runs(length: number): Bytes {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const to = Math.min(length, at + 1 + this.below(40));
      bytes.fill(97 + this.below(6), at, to);
      at = to;
    }
    return bytes;
  }
}
