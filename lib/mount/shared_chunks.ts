/**
 * Opened chunks in memory that all threads of a mount share: one of them opens a chunk, and all read
 * from it.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";

/** Memory for content, in bytes: a few of the largest chunks, and what several readers need at once. */
export const SHARED_CHUNKS_SIZE = 32 * 1024 * 1024;

/** Most chunks that are kept at a time, whatever their size. */
const ENTRIES_MAX = 2048;

/** Words of the head: the lock, how often anything changed, and where the next chunk goes. */
const LOCK = 0;
const CHANGES = 1;
const NEXT_ENTRY = 2;
const NEXT_BYTE = 3;
const HEAD_WORDS = 4;

/** Words of an entry: two for the chunk's number, its place and size in bytes, and its state. */
const CHUNK_LOW = 0;
const CHUNK_HIGH = 1;
const PLACE = 2;
const SIZE = 3;
const STATE = 4;
const ENTRY_WORDS = 5;

const FREE = 0;
/** A thread is opening the chunk. */
const CLAIMED = 1;
const PRESENT = 2;

const TWO_TO_32 = 0x1_0000_0000;

/** Longest that a thread waits for another to open a chunk before it does so itself. */
const CLAIM_PATIENCE_MS = 10_000;

/** What {@link SharedChunks.claim} found. */
export type ClaimOutcome = "present" | "claimed";

/**
 * A ring of bytes in which a new chunk takes the place of the oldest ones. That is enough of a cache:
 * the kernel keeps what was read, so a chunk is of use for its neighbours only, soon after.
 *
 * Every thread has an object of its own over the same memory. Content is copied under a lock that is
 * held for the length of one copy.
 */
export class SharedChunks {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  /** @param memory What {@link SharedChunks.allocate} gave. */
  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, HEAD_WORDS + ENTRIES_MAX * ENTRY_WORDS);
    this.#bytes = new Uint8Array(memory, this.#words.byteLength);
  }

  /** Memory for `sizeBytes` of chunks. It costs what has been used of it. */
  static allocate(sizeBytes: number = SHARED_CHUNKS_SIZE): SharedArrayBuffer {
    return new SharedArrayBuffer((HEAD_WORDS + ENTRIES_MAX * ENTRY_WORDS) * 4 + sizeBytes);
  }

  /**
   * Copies bytes `from` to `to` of a chunk to `at` in `target`, where the chunk is present.
   *
   * @returns Whether it was.
   */
  copy(chunk: number, from: number, to: number, target: Uint8Array, at: number): boolean {
    this.#lock();
    try {
      const entry = this.#find(chunk);
      if (entry < 0 || this.#words[entry + STATE] !== PRESENT) return false;
      const place = this.#words[entry + PLACE]!;
      target.set(this.#bytes.subarray(place + from, place + to), at);
      return true;
    } finally {
      this.#unlock();
    }
  }

  /** Whether a chunk is present, for the moment. */
  has(chunk: number): boolean {
    this.#lock();
    try {
      const entry = this.#find(chunk);
      return entry >= 0 && this.#words[entry + STATE] === PRESENT;
    } finally {
      this.#unlock();
    }
  }

  /**
   * Says that this thread is going to open a chunk, unless it is present. Where another thread is
   * about to, waits for it. Whoever gets `"claimed"` ends with {@link put} or {@link release}.
   */
  claim(chunk: number): ClaimOutcome {
    const deadline = performance.now() + CLAIM_PATIENCE_MS;
    for (;;) {
      this.#lock();
      const changes = Atomics.load(this.#words, CHANGES);
      const entry = this.#find(chunk);
      const state = entry < 0 ? FREE : this.#words[entry + STATE]!;
      if (state === FREE) this.#setEntry(this.#nextEntry(), chunk, CLAIMED, 0, 0);
      this.#unlock();
      if (state === PRESENT) return "present";
      const left = deadline - performance.now();
      if (state === FREE || left <= 0) return "claimed";
      Atomics.wait(this.#words, CHANGES, changes, left);
    }
  }

  /** Keeps the plain bytes of a chunk, and wakes those who wait for it. One too large is not kept. */
  put(chunk: number, plain: Bytes): void {
    this.#lock();
    const words = this.#words;
    let entry = this.#find(chunk);
    if (plain.length > this.#bytes.length) {
      if (entry >= 0) words[entry + STATE] = FREE;
    } else if (entry < 0 || words[entry + STATE] !== PRESENT) {
      let place = words[NEXT_BYTE]!;
      if (place + plain.length > this.#bytes.length) place = 0;
      this.#evict(place, place + plain.length);
      words[NEXT_BYTE] = place + plain.length;
      if (entry < 0) entry = this.#nextEntry();
      this.#bytes.set(plain, place);
      this.#setEntry(entry, chunk, PRESENT, place, plain.length);
    }
    this.#changed();
  }

  /** Gives up a claim: the chunk could not be opened. */
  release(chunk: number): void {
    this.#lock();
    const entry = this.#find(chunk);
    if (entry >= 0 && this.#words[entry + STATE] === CLAIMED) this.#words[entry + STATE] = FREE;
    this.#changed();
  }

  /** Bytes that the chunks take. */
  get usedBytes(): number {
    this.#lock();
    let sum = 0;
    for (let entry = HEAD_WORDS; entry < this.#words.length; entry += ENTRY_WORDS) {
      if (this.#words[entry + STATE] === PRESENT) sum += this.#words[entry + SIZE]!;
    }
    this.#unlock();
    return sum;
  }

  #find(chunk: number): number {
    const words = this.#words;
    const low = chunk | 0;
    const high = Math.floor(chunk / TWO_TO_32);
    for (let entry = HEAD_WORDS; entry < words.length; entry += ENTRY_WORDS) {
      if (
        words[entry + CHUNK_LOW] === low && words[entry + CHUNK_HIGH] === high &&
        words[entry + STATE] !== FREE
      ) return entry;
    }
    return -1;
  }

  #setEntry(entry: number, chunk: number, state: number, place: number, size: number): void {
    const words = this.#words;
    words[entry + CHUNK_LOW] = chunk | 0;
    words[entry + CHUNK_HIGH] = Math.floor(chunk / TWO_TO_32);
    words[entry + PLACE] = place;
    words[entry + SIZE] = size;
    words[entry + STATE] = state;
  }

  /** The entry to be used next: the one used longest ago that no thread is working for. */
  #nextEntry(): number {
    const words = this.#words;
    for (;;) {
      const index = words[NEXT_ENTRY]!;
      words[NEXT_ENTRY] = (index + 1) % ENTRIES_MAX;
      const entry = HEAD_WORDS + index * ENTRY_WORDS;
      // Far fewer threads than entries: a free one comes soon.
      if (words[entry + STATE] !== CLAIMED) return entry;
    }
  }

  /** Frees the entries whose bytes lie anywhere between `from` and `to`. */
  #evict(from: number, to: number): void {
    const words = this.#words;
    for (let entry = HEAD_WORDS; entry < words.length; entry += ENTRY_WORDS) {
      if (words[entry + STATE] !== PRESENT) continue;
      const place = words[entry + PLACE]!;
      if (place < to && place + words[entry + SIZE]! > from) words[entry + STATE] = FREE;
    }
  }

  #changed(): void {
    Atomics.add(this.#words, CHANGES, 1);
    this.#unlock();
    Atomics.notify(this.#words, CHANGES);
  }

  #lock(): void {
    while (Atomics.compareExchange(this.#words, LOCK, 0, 1) !== 0) {
      Atomics.wait(this.#words, LOCK, 1);
    }
  }

  #unlock(): void {
    Atomics.store(this.#words, LOCK, 0);
    Atomics.notify(this.#words, LOCK, 1);
  }
}
