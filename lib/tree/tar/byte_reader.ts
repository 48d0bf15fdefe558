/**
 * Takes exact numbers of bytes from a stream that comes in pieces of any size.
 *
 * @module
 */

import type { Bytes } from "../../base/bytes.ts";

const NOTHING: Uint8Array = new Uint8Array(0);

/** Reads a stream piece by piece. Holds one piece at a time. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #piece: Uint8Array = NOTHING;
  #at = 0;
  #position = 0;

  /** @param source Pieces of any size, which may not change until the next is asked for. */
  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** How many bytes have been taken. */
  get position(): number {
    return this.#position;
  }

  /**
   * Up to `max` bytes that are there already, as a view of the piece they came in; empty when more
   * must come first: see {@link fill}.
   */
  take(max: number): Uint8Array {
    const taken = this.#piece.subarray(this.#at, this.#at + max);
    this.#at += taken.length;
    this.#position += taken.length;
    return taken;
  }

  /** Waits for bytes to {@link take}; false when the stream has ended. */
  async fill(): Promise<boolean> {
    while (this.#at >= this.#piece.length) {
      const next = await this.#source.next();
      if (next.done === true) return false;
      this.#piece = next.value;
      this.#at = 0;
    }
    return true;
  }

  /** Exactly `length` bytes, the caller's own, or fewer where the stream ends before. */
  async read(length: number): Promise<Bytes> {
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const part = this.take(length - filled);
      if (part.length === 0) {
        if (await this.fill()) continue;
        return bytes.subarray(0, filled);
      }
      bytes.set(part, filled);
      filled += part.length;
    }
    return bytes;
  }

  /** Passes over `length` bytes; answers how many there were. */
  async skip(length: number): Promise<number> {
    let left = length;
    while (left > 0) {
      const part = this.take(left);
      if (part.length === 0 && !await this.fill()) break;
      left -= part.length;
    }
    return length - left;
  }

  /** Reads to the end of the stream, whatever comes. */
  async drain(): Promise<void> {
    while (await this.fill()) this.take(Infinity);
  }

  /** Lets go of the stream. */
  async close(): Promise<void> {
    this.#piece = NOTHING;
    this.#at = 0;
    await this.#source.return?.();
  }
}
