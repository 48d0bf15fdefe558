/**
 * Content for the kernel's page cache that nobody has asked for yet.
 *
 * Small files lie together in one chunk. Whoever has opened the chunk for one of them can give the
 * kernel the others too: a program that reads them next finds them there and asks nothing. That
 * costs a third of what a request and its answer cost, and happens while the program does something
 * else.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { type WriteOutcome, writeToDevice } from "./device_file.ts";
import { READ_SIZE_MAX } from "./init.ts";
import { NOTIFY_STORE_OUT, OUT_HEADER, setUint64 } from "./wire_structs.ts";

/** Number of the notification. */
const STORE = 4;
const CONTENT_AT = OUT_HEADER.size + NOTIFY_STORE_OUT.size;
const BODY = OUT_HEADER.size / 4;

/**
 * Gives content to the kernel through one buffer. Each thread that does so has its own.
 *
 * The kernel waits for pages that it is reading just now. So a thread that answers requests, or that
 * others wait for to answer theirs, must not do this: two would wait for each other for good.
 */
export class ContentPusher {
  readonly #message: Bytes = new Uint8Array(CONTENT_AT + READ_SIZE_MAX);
  readonly #words = new Uint32Array(this.#message.buffer);

  /** Where the content goes before it is pushed: up to 1 MiB. */
  readonly content: Uint8Array = this.#message.subarray(CONTENT_AT);

  /**
   * Pushes the first `length` bytes of {@link ContentPusher.content} as those of the file `ino` from
   * `offset` on. The kernel keeps whole pages: the offset is a multiple of 4096, and so is the
   * length, unless the file ends there.
   *
   * @param fd The device, or any clone of it.
   * @returns "not awaited" when the kernel does not know the file, because nobody has looked at it.
   */
  push(fd: number, ino: number, offset: number, length: number): WriteOutcome {
    const size = CONTENT_AT + length;
    const words = this.#words;
    words[OUT_HEADER.at.len / 4] = size;
    words[OUT_HEADER.at.error / 4] = STORE;
    words[OUT_HEADER.at.unique / 4] = 0;
    words[OUT_HEADER.at.unique / 4 + 1] = 0;
    setUint64(words, BODY + NOTIFY_STORE_OUT.at.nodeid / 4, ino);
    setUint64(words, BODY + NOTIFY_STORE_OUT.at.offset / 4, offset);
    words[BODY + NOTIFY_STORE_OUT.at.size / 4] = length;
    words[BODY + NOTIFY_STORE_OUT.at.size / 4 + 1] = 0;
    return writeToDevice(fd, this.#message, size);
  }
}
