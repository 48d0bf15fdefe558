/**
 * Digests that the worker threads of one pack share, in memory that all of them see.
 *
 * Two questions are asked of them. Has a file of this content been seen *earlier in walk order*?
 * Its answer decides what goes into a bundle, so it must not depend on which thread was faster:
 * {@link FileDigests} is read and written only by the thread whose turn it is. Is some thread
 * already sealing this chunk? Its answer changes nothing but who does the work: {@link ChunkClaims}
 * is open to all at any time.
 *
 * @module
 */

import type { StopFlag } from "./stop_flag.ts";

const DIGEST_SIZE = 32;

/** Lists that entries are spread over by their digest: short up to a few million entries. */
const LIST_COUNT = 2 ** 18;
/** An entry: its value, the entry before it in its list, and the digest. */
const VALUE_AT = 0;
const NEXT_AT = 1;
const DIGEST_AT = 8;
const ENTRY_SIZE = DIGEST_AT + DIGEST_SIZE;
const ENTRY_WORDS = ENTRY_SIZE / Int32Array.BYTES_PER_ELEMENT;
/** Memory for entries grows by this much, so that it is as large as the tree asks for. */
const GROWTH_SIZE = ENTRY_SIZE * 8192;
/** Address space for entries, 16 million of them; beyond it contents count as new. */
const ENTRIES_SIZE_MAX = ENTRY_SIZE * 2 ** 24;

/** Plain data that lets another thread use the same table. */
export interface SharedTable {
  readonly lists: SharedArrayBuffer;
  readonly entries: SharedArrayBuffer;
}

/** A hash table that only grows. Entry numbers start at 1; digests are random: they are the hash. */
class DigestTable {
  readonly table: SharedTable;
  /** The number of entries, then the newest entry of each list. */
  readonly #lists: Int32Array<SharedArrayBuffer>;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #bytes: Uint8Array<SharedArrayBuffer>;

  constructor(table?: SharedTable) {
    this.table = table ?? {
      lists: new SharedArrayBuffer((1 + LIST_COUNT) * Int32Array.BYTES_PER_ELEMENT),
      entries: new SharedArrayBuffer(GROWTH_SIZE, { maxByteLength: ENTRIES_SIZE_MAX }),
    };
    this.#lists = new Int32Array(this.table.lists);
    // Views without a length follow the memory as it grows, in every thread.
    this.#words = new Int32Array(this.table.entries);
    this.#bytes = new Uint8Array(this.table.entries);
  }

  listOf(digests: Uint8Array, at: number): number {
    return 1 + (digests[at]! | digests[at + 1]! << 8 | (digests[at + 2]! & 3) << 16);
  }

  newest(list: number): number {
    return Atomics.load(this.#lists, list);
  }

  /** The entry with the digest among `entry` and those before it, down to `end`; or 0. */
  find(digests: Uint8Array, at: number, entry: number, end: number): number {
    for (; entry !== end; entry = this.#words[entry * ENTRY_WORDS + NEXT_AT]!) {
      if (this.#matches(entry, digests, at)) return entry;
    }
    return 0;
  }

  value(entry: number): number {
    return this.#words[entry * ENTRY_WORDS + VALUE_AT]!;
  }

  /** A new entry that is in no list yet, or 0 where there is no room. */
  create(digests: Uint8Array, at: number, value: number): number {
    const entry = Atomics.add(this.#lists, 0, 1) + 1;
    const end = (entry + 1) * ENTRY_SIZE;
    if (end > ENTRIES_SIZE_MAX) return 0;
    while (end > this.table.entries.byteLength) {
      try {
        this.table.entries.grow(Math.min(end + GROWTH_SIZE, ENTRIES_SIZE_MAX));
      } catch {
        // Another thread has made it larger than that meanwhile.
      }
    }
    this.#words[entry * ENTRY_WORDS + VALUE_AT] = value;
    const start = entry * ENTRY_SIZE + DIGEST_AT;
    for (let i = 0; i < DIGEST_SIZE; i++) this.#bytes[start + i] = digests[at + i]!;
    return entry;
  }

  /** Puts `entry` in front of `next` in `list`; false when another thread was faster. */
  publish(list: number, entry: number, next: number): boolean {
    this.#words[entry * ENTRY_WORDS + NEXT_AT] = next;
    return Atomics.compareExchange(this.#lists, list, next, entry) === next;
  }

  #matches(entry: number, digests: Uint8Array, at: number): boolean {
    const start = entry * ENTRY_SIZE + DIGEST_AT;
    for (let i = 0; i < DIGEST_SIZE; i++) {
      if (this.#bytes[start + i] !== digests[at + i]) return false;
    }
    return true;
  }
}

/** Which file first had a content. Used by one thread at a time. */
export class FileDigests {
  readonly #digests: DigestTable;

  /** @param table That of another thread's object; without it, a new and empty one. */
  constructor(table?: SharedTable) {
    this.#digests = new DigestTable(table);
  }

  /** What to hand to another thread. */
  get table(): SharedTable {
    return this.#digests.table;
  }

  /** The value first given for the digest at `digests[at, at + 32)`: `value` itself when it is new. */
  firstValue(digests: Uint8Array, at: number, value: number): number {
    const list = this.#digests.listOf(digests, at);
    const newest = this.#digests.newest(list);
    const known = this.#digests.find(digests, at, newest, 0);
    if (known !== 0) return this.#digests.value(known);
    const entry = this.#digests.create(digests, at, value);
    if (entry !== 0) this.#digests.publish(list, entry, newest);
    return value;
  }
}

/** Which chunks some thread has taken on. Safe to use by many threads at once. */
export class ChunkClaims {
  readonly #digests: DigestTable;

  /** @param table That of another thread's object; without it, a new and empty one. */
  constructor(table?: SharedTable) {
    this.#digests = new DigestTable(table);
  }

  /** What to hand to another thread. */
  get table(): SharedTable {
    return this.#digests.table;
  }

  /** Claims the chunk with key `digest` (32 bytes); false when it has been claimed before. */
  claim(digest: Uint8Array): boolean {
    const list = this.#digests.listOf(digest, 0);
    let entry = 0;
    let seen = 0;
    while (true) {
      const newest = this.#digests.newest(list);
      // What was seen the time before need not be looked at again.
      if (this.#digests.find(digest, 0, newest, seen) !== 0) return false;
      if (entry === 0) entry = this.#digests.create(digest, 0, 1);
      // Without room a chunk may be sealed twice, which changes nothing: equal chunks seal equally.
      if (entry === 0 || this.#digests.publish(list, entry, newest)) return true;
      seen = newest;
    }
  }
}

/** Lets threads do one step of numbered tasks in the tasks' order. */
export class Turns {
  /** What to hand to another thread. */
  readonly memory: SharedArrayBuffer;
  readonly #next: Int32Array<SharedArrayBuffer>;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#next = new Int32Array(memory);
  }

  /** Turns that begin with task 0. */
  static create(): Turns {
    return new Turns(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  }

  /**
   * Runs `step` when all tasks before `turn` have had theirs. Blocks the thread: for workers only.
   * The turn passes on even when `step` throws.
   *
   * @throws {StoppedError} when asked to stop while waiting.
   */
  take(turn: number, stop: StopFlag, step: () => void): void {
    let next = Atomics.load(this.#next, 0);
    while (next !== turn) {
      stop.waitWhile(this.#next, next);
      next = Atomics.load(this.#next, 0);
    }
    try {
      step();
    } finally {
      Atomics.store(this.#next, 0, turn + 1);
      Atomics.notify(this.#next, 0);
    }
  }
}
