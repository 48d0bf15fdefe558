/**
 * Answers to reads whose content has to be fetched first.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { StoreUnavailableError } from "../base/errors.ts";
import type { BlockRef } from "../block/block_ref.ts";
import type { FlistReader } from "../flist/flist_reader.ts";
import { EINTR, EIO } from "../linux/errno.ts";
import type { LateRead } from "./device_messages.ts";
import { ExtentCache, type FileExtents } from "./file_extents.ts";
import type { LateStore } from "./late_store.ts";
import { MOUNT_COUNTER, type MountCounters } from "./mount_counters.ts";
import type { SharedChunks } from "./shared_chunks.ts";

/** Most chunks that are fetched ahead of a program that reads one after the other. */
const CHUNKS_AHEAD_MAX = 48;

/** About how many bytes they have: a quarter of what is kept. */
const BYTES_AHEAD = 8 * 1024 * 1024;

/** Chunks under way at once beyond which none is fetched ahead. */
const FETCHES_MAX_FOR_AHEAD = 64;

/** How many chunks are remembered as fetched, to tell who reads one after the other. */
const REMEMBERED_MAX = 1024;

/** Most chunks whose first use is remembered: 16 MiB of numbers. */
const FIRST_USES_MAX = 256 * 1024;

/** Writes answers; `LateReplies` of lib/fuse is one. */
export interface ReplyWriter {
  /** Where the bytes of the next answer go. */
  readonly content: Uint8Array;
  /** Answers with the first `length` bytes of the content. */
  answer(fd: number, uniqueLow: number, uniqueHigh: number, length: number): unknown;
  /** Answers with an error number. */
  fail(fd: number, uniqueLow: number, uniqueHigh: number, error: number): unknown;
}

/** What a {@link LateReader} works with. */
export interface LateReaderOptions {
  readonly flist: FlistReader;
  /** Opens a block, which it may use up; the caller owns the chunk. */
  readonly open: (ref: BlockRef, block: Bytes) => Promise<Bytes>;
  readonly chunks: SharedChunks;
  readonly counters: MountCounters;
  readonly store: LateStore;
  readonly replies: ReplyWriter;
  /** Longest that a read waits for the store, in milliseconds. */
  readonly deadlineMs: number;
  /** Told why a read failed. */
  readonly onFault: (error: unknown) => void;
}

/** A read that nobody has answered yet. */
interface Waiting {
  readonly fd: number;
  readonly read: LateRead;
}

/**
 * Fetches chunks, each once however many reads want it, and answers the reads. A read fails at the
 * deadline, whatever the store does, and the next one asks the store anew.
 */
export class LateReader {
  readonly #options: LateReaderOptions;
  readonly #extents: ExtentCache;
  readonly #waiting = new Map<string, Waiting>();
  readonly #fetches = new Map<number, Promise<Bytes>>();
  readonly #fetched = new Set<number>();
  readonly #firstUses = new Set<number>();
  readonly #ending = new AbortController();
  /** The last chunk that was fetched ahead of the last who read one after the other. */
  #aheadEnd = 0;

  constructor(options: LateReaderOptions) {
    this.#options = options;
    this.#extents = new ExtentCache(options.flist);
  }

  /** How many reads wait. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** The chunks that programs used, in the order of first use; the first 262,144 of them. */
  get firstUses(): Iterable<number> {
    return this.#firstUses;
  }

  /**
   * Answers a read, in time.
   *
   * @param fd The descriptor that the request came from: the kernel takes the answer there alone.
   */
  async read(fd: number, read: LateRead): Promise<void> {
    const { counters, replies, onFault } = this.#options;
    if (this.#ending.signal.aborted) return;
    const key = keyOf(read.uniqueLow, read.uniqueHigh);
    const waiting: Waiting = { fd, read };
    this.#waiting.set(key, waiting);
    counters.add(MOUNT_COUNTER.readsWaited, 1);
    try {
      const file = this.#extents.get(read.ino);
      if (file === undefined) throw new RangeError(`There is no file with inode ${read.ino}`);
      const plain = await this.#fetchAll(file, read);
      if (this.#waiting.get(key) !== waiting) return;
      this.#fill(file, read, plain);
      counters.add(MOUNT_COUNTER.bytesRead, read.length);
      replies.answer(fd, read.uniqueLow, read.uniqueHigh, read.length);
    } catch (error) {
      if (this.#waiting.get(key) !== waiting) return;
      replies.fail(fd, read.uniqueLow, read.uniqueHigh, EIO);
      counters.add(MOUNT_COUNTER.errors, 1);
      onFault(error);
    } finally {
      if (this.#waiting.get(key) === waiting) this.#waiting.delete(key);
    }
  }

  /** A chunk that was fetched is of use: where that was ahead of the program, the next ones follow. */
  used(chunk: number): void {
    this.#noteUse(chunk);
    if (this.#fetched.has(chunk - 1)) this.#fetchAfter(chunk, this.#countAhead(chunk));
  }

  /** A program no longer waits for its read, which ends at once. What is being fetched goes on. */
  interrupt(uniqueLow: number, uniqueHigh: number): void {
    const key = keyOf(uniqueLow, uniqueHigh);
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return;
    this.#waiting.delete(key);
    this.#options.replies.fail(waiting.fd, uniqueLow, uniqueHigh, EINTR);
  }

  /**
   * Ends what is under way. Reads that wait fail before this returns: nothing is written to their
   * descriptors afterwards, whose numbers may soon be another file's.
   */
  close(): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#ending.abort(new DOMException("The mount ends", "AbortError"));
    for (const { fd, read: { uniqueLow, uniqueHigh } } of waiting) {
      this.#options.replies.fail(fd, uniqueLow, uniqueHigh, EIO);
    }
  }

  async #fetchAll(file: FileExtents, read: LateRead): Promise<ReadonlyMap<number, Bytes>> {
    const wanted = new Set(
      file.pieces(read.offset, read.length).map(({ chunk }) => chunk),
    );
    wanted.forEach((chunk) => this.#noteUse(chunk));
    const pairs = Array.from(wanted, async (chunk) => [chunk, await this.#get(chunk)] as const);
    this.#fetchAhead(file, read, wanted);
    return new Map(await Promise.all(pairs));
  }

  /** The plain bytes of a chunk. */
  #get(chunk: number): Promise<Bytes> {
    const known = this.#fetches.get(chunk);
    if (known !== undefined) return known;
    const fetch = this.#fetch(chunk).finally(() => this.#fetches.delete(chunk));
    this.#fetches.set(chunk, fetch);
    return fetch;
  }

  async #fetch(chunk: number): Promise<Bytes> {
    const { flist, open, chunks, counters, store, deadlineMs } = this.#options;
    const ref = flist.chunk(chunk);
    // It may have come since the device thread looked for it.
    if (chunks.has(chunk)) {
      const kept = new Uint8Array(ref.size);
      if (chunks.copy(chunk, 0, ref.size, kept, 0)) return kept;
    }
    const deadline = new AbortController();
    const { promise: ended, reject: end } = Promise.withResolvers<never>();
    ended.catch(() => {});
    const stop = (reason: unknown): void => {
      deadline.abort(reason);
      end(reason);
    };
    const onEnding = (): void => stop(this.#ending.signal.reason);
    if (this.#ending.signal.aborted) throw this.#ending.signal.reason;
    this.#ending.signal.addEventListener("abort", onEnding, { once: true });
    let url = "";
    const timer = setTimeout(() => stop(tooLate(ref.id, url, deadlineMs)), deadlineMs);
    try {
      const fetched = (async () => {
        const opened = await store.get();
        url = opened.url;
        return await opened.get(ref.id, { signal: deadline.signal });
      })();
      // The store may not heed its signal in time.
      fetched.catch(() => {});
      const block = await Promise.race([fetched, ended]);
      const blockSize = block.length;
      const opened = open(ref, block);
      opened.catch(() => {});
      const plain = await Promise.race([opened, ended]);
      counters.add(MOUNT_COUNTER.chunksOpened, 1);
      counters.add(MOUNT_COUNTER.blockBytes, blockSize);
      chunks.put(chunk, plain);
      this.#remember(chunk);
      return plain;
    } finally {
      clearTimeout(timer);
      this.#ending.signal.removeEventListener("abort", onEnding);
    }
  }

  /** Where chunks are read one after the other, fetches the next ones. */
  #fetchAhead(file: FileExtents, read: LateRead, wanted: ReadonlySet<number>): void {
    const [first] = wanted;
    const last = [...wanted].at(-1);
    if (first === undefined || last === undefined) return;
    if (!this.#fetched.has(first - 1) && !this.#fetched.has(first) && wanted.size === 1) return;
    const count = this.#countAhead(last);
    const inFile = file.chunksAfter(read.offset + read.length, count);
    for (const chunk of inFile) this.#getAhead(chunk);
    // Small files lie together, in the order in which they are mostly read.
    if (inFile.length < count) this.#fetchAfter(inFile.at(-1) ?? last, count - inFile.length);
  }

  /** Fetches `count` chunks after `chunk`; those that were fetched a moment ago are left out. */
  #fetchAfter(chunk: number, count: number): void {
    const end = chunk + count;
    const known = this.#aheadEnd > chunk && this.#aheadEnd <= end + count ? this.#aheadEnd : chunk;
    // Some at a time: looking costs, too.
    if (end - known < count / 4) return;
    this.#aheadEnd = end;
    for (let next = known + 1; next <= end; next++) this.#getAhead(next);
  }

  #getAhead(chunk: number): void {
    if (this.#fetches.size >= FETCHES_MAX_FOR_AHEAD) return;
    if (this.#fetches.has(chunk) || this.#options.chunks.has(chunk)) return;
    // Whoever needs the chunk will try again and be told what is wrong.
    this.#get(chunk).catch(() => {});
  }

  /** How many chunks to fetch ahead where they are as large as `chunk`. */
  #countAhead(chunk: number): number {
    const { size } = this.#options.flist.chunk(chunk);
    return Math.max(2, Math.min(CHUNKS_AHEAD_MAX, Math.floor(BYTES_AHEAD / size)));
  }

  #noteUse(chunk: number): void {
    if (this.#firstUses.size < FIRST_USES_MAX) this.#firstUses.add(chunk);
  }

  #remember(chunk: number): void {
    this.#fetched.delete(chunk);
    this.#fetched.add(chunk);
    if (this.#fetched.size <= REMEMBERED_MAX) return;
    const [oldest] = this.#fetched;
    this.#fetched.delete(oldest!);
  }

  #fill(file: FileExtents, read: LateRead, plain: ReadonlyMap<number, Bytes>): void {
    const { content } = this.#options.replies;
    content.fill(0, 0, read.length);
    for (const { chunk, from, to, at } of file.pieces(read.offset, read.length)) {
      content.set(plain.get(chunk)!.subarray(from, to), at);
    }
  }
}

function keyOf(uniqueLow: number, uniqueHigh: number): string {
  return `${uniqueHigh}:${uniqueLow}`;
}

function tooLate(id: string, url: string, deadlineMs: number): Error {
  const store = url === "" ? "the store" : url;
  return new StoreUnavailableError(
    store,
    `Cannot read block ${id}: ${store} did not give it within ${deadlineMs / 1000} s`,
    { retryable: true },
  );
}
