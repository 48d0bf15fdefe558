/**
 * Replies to reads that were put off (`LATER` of `file_system.ts`), written by whoever has the bytes.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { type WriteOutcome, writeToDevice } from "./device_file.ts";
import { READ_SIZE_MAX } from "./init.ts";
import { OUT_HEADER } from "./wire_structs.ts";

/** Writes replies through one buffer. Each thread that writes any has its own. */
export class LateReplies {
  readonly #reply: Bytes = new Uint8Array(OUT_HEADER.size + READ_SIZE_MAX);
  readonly #words = new Int32Array(this.#reply.buffer);

  /** Where the bytes of the next answer go: up to 1 MiB. */
  readonly content: Uint8Array = this.#reply.subarray(OUT_HEADER.size);

  /**
   * Answers a read with the first `length` bytes of {@link LateReplies.content}.
   *
   * @param fd The device, or any clone of it.
   */
  answer(fd: number, uniqueLow: number, uniqueHigh: number, length: number): WriteOutcome {
    return this.#write(fd, uniqueLow, uniqueHigh, 0, length);
  }

  /** Answers a read with an error such as EIO (positive). */
  fail(fd: number, uniqueLow: number, uniqueHigh: number, error: number): WriteOutcome {
    return this.#write(fd, uniqueLow, uniqueHigh, -error, 0);
  }

  #write(
    fd: number,
    uniqueLow: number,
    uniqueHigh: number,
    error: number,
    length: number,
  ): WriteOutcome {
    const size = OUT_HEADER.size + length;
    this.#words[OUT_HEADER.at.len / 4] = size;
    this.#words[OUT_HEADER.at.error / 4] = error;
    this.#words[OUT_HEADER.at.unique / 4] = uniqueLow;
    this.#words[OUT_HEADER.at.unique / 4 + 1] = uniqueHigh;
    return writeToDevice(fd, this.#reply, size);
  }
}
