/**
 * Opened chunks of one image, kept for a while.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";

/** Bytes of opened chunks kept: a few of the largest, and enough for several readers at once. */
const KEPT_BYTES_MAX = 32 * 1024 * 1024;

/**
 * Gives chunks by number: those used last from memory, the others by `load`, which is asked once
 * however many want the same chunk at the same time.
 */
export class ChunkCache {
  readonly #load: (chunk: number) => Promise<Bytes>;
  /** In the order of last use, oldest first. */
  readonly #kept = new Map<number, Promise<Bytes>>();
  readonly #sizes = new Map<number, number>();
  #bytes = 0;

  constructor(load: (chunk: number) => Promise<Bytes>) {
    this.#load = load;
  }

  /** The plain bytes of `chunk`: shared, not to be written. */
  get(chunk: number): Promise<Bytes> {
    const kept = this.#kept.get(chunk);
    if (kept !== undefined) {
      this.#kept.delete(chunk);
      this.#kept.set(chunk, kept);
      return kept;
    }
    const loading = this.#load(chunk);
    this.#kept.set(chunk, loading);
    loading.then(
      (bytes) => this.#admit(chunk, bytes.length),
      // A failure is not kept: the next reader asks again.
      () => this.#kept.delete(chunk),
    );
    return loading;
  }

  #admit(chunk: number, size: number): void {
    this.#sizes.set(chunk, size);
    this.#bytes += size;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= KEPT_BYTES_MAX) return;
      const oldestSize = this.#sizes.get(oldest);
      // Still loading: it will count when it has arrived.
      if (oldestSize === undefined) continue;
      this.#kept.delete(oldest);
      this.#sizes.delete(oldest);
      this.#bytes -= oldestSize;
    }
  }
}
