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

const DIGEST_SIZE = 32;
const SPARE_FACTOR = 2;

/** Plain data that lets another thread use the same table. */
export interface SharedTable {
  readonly states: SharedArrayBuffer;
  readonly digests: SharedArrayBuffer;
}

/** An open-addressing hash table with linear probing; digests are random, so they hash themselves. */
function newTable(entriesMax: number): SharedTable {
  const capacity = 2 ** Math.ceil(Math.log2(Math.max(16, entriesMax * SPARE_FACTOR)));
  return {
    states: new SharedArrayBuffer(capacity * Int32Array.BYTES_PER_ELEMENT),
    digests: new SharedArrayBuffer(capacity * DIGEST_SIZE),
  };
}

function firstSlot(digest: Uint8Array, at: number, mask: number): number {
  return (digest[at]! | digest[at + 1]! << 8 | digest[at + 2]! << 16 | digest[at + 3]! << 24) &
    mask;
}

function matches(table: Uint8Array, slot: number, digest: Uint8Array, at: number): boolean {
  const start = slot * DIGEST_SIZE;
  for (let i = 0; i < DIGEST_SIZE; i++) if (table[start + i] !== digest[at + i]) return false;
  return true;
}

/** Which file first had a content. Used by one thread at a time. */
export class FileDigests {
  /** What to hand to another thread. */
  readonly table: SharedTable;
  readonly #values: Int32Array<SharedArrayBuffer>;
  readonly #digests: Uint8Array<SharedArrayBuffer>;

  constructor(table: SharedTable) {
    this.table = table;
    this.#values = new Int32Array(table.states);
    this.#digests = new Uint8Array(table.digests);
  }

  /** An empty table for at most `entriesMax` contents. */
  static create(entriesMax: number): FileDigests {
    return new FileDigests(newTable(entriesMax));
  }

  /**
   * The value first given for the digest at `digests[at, at + 32)`: `value` itself when it is new.
   *
   * @param value Anything but 0.
   */
  firstValue(digests: Uint8Array, at: number, value: number): number {
    const mask = this.#values.length - 1;
    let slot = firstSlot(digests, at, mask);
    while (this.#values[slot] !== 0) {
      if (matches(this.#digests, slot, digests, at)) return this.#values[slot]!;
      slot = (slot + 1) & mask;
    }
    this.#values[slot] = value;
    this.#digests.set(digests.subarray(at, at + DIGEST_SIZE), slot * DIGEST_SIZE);
    return value;
  }
}

const EMPTY = 0;
const BEING_WRITTEN = 1;
const CLAIMED = 2;

/** Which chunks some thread has taken on. Safe to use by many threads at once. */
export class ChunkClaims {
  /** What to hand to another thread. */
  readonly table: SharedTable;
  readonly #states: Int32Array<SharedArrayBuffer>;
  readonly #digests: Uint8Array<SharedArrayBuffer>;

  constructor(table: SharedTable) {
    this.table = table;
    this.#states = new Int32Array(table.states);
    this.#digests = new Uint8Array(table.digests);
  }

  /** An empty table for at most `entriesMax` chunks. */
  static create(entriesMax: number): ChunkClaims {
    return new ChunkClaims(newTable(entriesMax));
  }

  /** Claims the chunk with key `digest` (32 bytes); false when it has been claimed before. */
  claim(digest: Uint8Array): boolean {
    const mask = this.#states.length - 1;
    let slot = firstSlot(digest, 0, mask);
    for (let probe = 0; probe <= mask; probe++) {
      const state = Atomics.compareExchange(this.#states, slot, EMPTY, BEING_WRITTEN);
      if (state === EMPTY) {
        this.#digests.set(digest, slot * DIGEST_SIZE);
        Atomics.store(this.#states, slot, CLAIMED);
        return true;
      }
      // The other thread writes 32 bytes: waiting for it takes less than asking to be woken.
      while (Atomics.load(this.#states, slot) === BEING_WRITTEN);
      if (matches(this.#digests, slot, digest, 0)) return false;
      slot = (slot + 1) & mask;
    }
    // A full table (a file with very many holes) costs only double work: equal chunks seal equally.
    return true;
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
   */
  take(turn: number, step: () => void): void {
    let next = Atomics.load(this.#next, 0);
    while (next !== turn) {
      Atomics.wait(this.#next, 0, next);
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
