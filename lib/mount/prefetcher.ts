/**
 * Fills the cache of a mount in the background.
 *
 * @module
 */

import { forEachBounded } from "../base/concurrency.ts";
import type { BlockId } from "../block/block_ref.ts";
import type { FlistReader } from "../flist/flist_reader.ts";
import { TokenBucket } from "../store/wrappers/token_bucket.ts";
import type { LateStore } from "./late_store.ts";

/** Blocks under way at once: few, so that programs come first. */
const BLOCKS_AT_ONCE = 4;

/** Failures in a row after which it gives up: the store is gone, and programs will tell. */
const FAILURES_MAX = 16;

/** Which blocks to fetch ahead: all, or these in their order. */
export type Prefetch = "all" | readonly BlockId[];

/** What was fetched ahead so far. */
export interface PrefetchStatistics {
  /** Whether it goes on. */
  readonly running: boolean;
  /** Blocks that came, from the store or because the cache had them. */
  readonly blocks: number;
  /** Bytes of these blocks. */
  readonly blockBytes: number;
  /** Blocks that could not be had. */
  readonly failed: number;
}

/** What a {@link Prefetcher} works with. */
export interface PrefetcherOptions {
  readonly flist: FlistReader;
  readonly store: LateStore;
  readonly what: Prefetch;
  /** Most bytes of blocks a second. */
  readonly bytesPerSecond: number;
}

interface WantedBlock {
  readonly id: BlockId;
  readonly storedSize: number;
}

/** Asks the store for blocks, which puts them in the cache around it, until all are there. */
export class Prefetcher implements AsyncDisposable {
  readonly #options: PrefetcherOptions;
  readonly #ending = new AbortController();
  readonly #done: Promise<void>;
  #running = true;
  #blocks = 0;
  #blockBytes = 0;
  #failed = 0;
  #failedInRow = 0;

  constructor(options: PrefetcherOptions) {
    this.#options = options;
    this.#done = this.#run().catch(() => {}).finally(() => this.#running = false);
  }

  /** What it has done so far. */
  get statistics(): PrefetchStatistics {
    return {
      running: this.#running,
      blocks: this.#blocks,
      blockBytes: this.#blockBytes,
      failed: this.#failed,
    };
  }

  /** Settles when it has ended, for whatever reason. */
  get finished(): Promise<void> {
    return this.#done;
  }

  /** Ends it, and waits for that. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new DOMException("The mount ends", "AbortError"));
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    const bucket = new TokenBucket(this.#options.bytesPerSecond);
    await forEachBounded(this.#wanted(), BLOCKS_AT_ONCE, async ({ id, storedSize }) => {
      await bucket.take(storedSize, signal);
      try {
        const store = await this.#options.store.get();
        const block = await store.get(id, { signal });
        this.#blocks++;
        this.#blockBytes += block.length;
        this.#failedInRow = 0;
      } catch (error) {
        signal.throwIfAborted();
        this.#failed++;
        // One that is missing is no reason to leave out the others; a program that needs it is told.
        if (++this.#failedInRow >= FAILURES_MAX) throw error;
      }
    });
  }

  /** What the flist does not name is none of its image's, whatever a list says. */
  *#wanted(): Iterable<WantedBlock> {
    const { flist, what } = this.#options;
    if (what === "all") {
      for (const { ref } of flist.chunks()) {
        yield { id: ref.id, storedSize: ref.storedSize ?? ref.size };
      }
      return;
    }
    const sizes = new Map<BlockId, number>(what.map((id) => [id, 0]));
    for (const { ref } of flist.chunks()) {
      if (sizes.has(ref.id)) sizes.set(ref.id, Math.max(1, ref.storedSize ?? ref.size));
    }
    for (const [id, storedSize] of sizes) if (storedSize > 0) yield { id, storedSize };
  }
}
