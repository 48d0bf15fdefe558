/**
 * Copies blocks between stores: the one way in which clones, replicas and moves are made.
 *
 * @module
 */

import { Breather, forEachBounded } from "../base/concurrency.ts";
import { BlockCorruptError, BlockNotFoundError, UnsupportedError } from "../base/errors.ts";
import type { BlockId } from "../block/block_ref.ts";
import { type BlockCheck, checkEitherDigest } from "./block_check.ts";
import { prefixOf } from "./prefix_range.ts";
import type { Store, StoreCallOptions } from "./store.ts";
import type { StoreRoute } from "./wrappers/routed_store.ts";

/** Why a block could not be had from the source. */
export type CopyFault = BlockNotFoundError | BlockCorruptError;

/** Totals so far. */
export interface CopyTotals {
  /** Blocks dealt with: the sum of all kinds below but the last two. */
  readonly blocks: number;
  /** Blocks that were written to at least one target. */
  readonly blocksCopied: number;
  /** Blocks that every target for them had already. */
  readonly blocksPresent: number;
  /** Blocks that lie in no target's range, and were left alone. */
  readonly blocksOutside: number;
  /** Blocks that the source does not have. */
  readonly blocksMissing: number;
  /** Blocks that are damaged at the source. */
  readonly blocksCorrupt: number;
  /** Copies that were found damaged in a target and written again. */
  readonly blocksRepaired: number;
  /** Blocks deleted from the source, in a move. */
  readonly blocksDeleted: number;
  /** Bytes of the blocks copied, each counted once however many targets got it. */
  readonly copiedBytes: number;
}

/** What to copy, from where to where. */
export interface CopyBlocksOptions extends StoreCallOptions {
  /** Ids of the blocks. One that comes twice is dealt with, and counted, twice. */
  readonly ids: Iterable<BlockId> | AsyncIterable<BlockId>;
  /** Has the blocks. */
  readonly source: Store;
  /**
   * Where they go: to every target whose range has the id. Each is asked for itself, so that a
   * replica without a block gets it although another has it.
   */
  readonly targets: readonly StoreRoute[];
  /** Checks each block before it is written. @default {what the digest of either profile names} */
  readonly verifyWith?: BlockCheck;
  /** Blocks under way at once, 1 to {@link COPY_CONCURRENCY_MAX}. @default {32} */
  readonly concurrencyMax?: number;
  /**
   * Whether blocks that a target has already are read there, and written again where they are
   * damaged.
   * @default {false}
   */
  readonly checkPresent?: boolean;
  /**
   * Whether a block is deleted from the source once every target for it has it: written, flushed,
   * read back and checked. Implies `checkPresent`.
   * @default {false}
   */
  readonly move?: boolean;
  /** Told of each block that is missing or damaged at the source. Without it, the first one ends the copy. */
  readonly onFault?: (fault: CopyFault) => void;
  /** Told the totals after each block. */
  readonly onProgress?: (totals: CopyTotals) => void;
}

/** Most blocks that can be under way at once. */
export const COPY_CONCURRENCY_MAX = 256;
const CONCURRENCY_DEFAULT = 32;
/** Ids that are asked for, and in a move made safe, at once. */
const IDS_A_BATCH = 1000;

/** A block, and the targets that are to get it. */
interface Work {
  readonly id: BlockId;
  /** Targets whose range has the id. */
  readonly covering: readonly StoreRoute[];
  /** Those of them that do not have the block. */
  readonly lacking: Set<StoreRoute>;
  /** Those of them that have something else in its place. */
  readonly damaged: Set<StoreRoute>;
}

/**
 * Copies blocks, each checked against its id before it is written. What a target has already is not
 * copied, so that a copy that was interrupted goes on where it stopped when it is made again.
 * Memory is bounded by `concurrencyMax` blocks and some thousand ids.
 *
 * @returns the totals, when all targets have been flushed.
 * @throws {CopyFault} for the first block that is missing or damaged at the source, unless there is
 *   `onFault`; and whatever else a store throws. What was copied until then stays.
 * @throws {RangeError} when `concurrencyMax` is out of range, {TypeError} when there is no target.
 * @throws {UnsupportedError} when blocks are to be moved out of a store that cannot delete.
 */
export async function copyBlocks(options: CopyBlocksOptions): Promise<CopyTotals> {
  const copy = new Copy(options);
  for await (const batch of oneAhead(copy.plan())) await copy.run(batch);
  await copy.flush();
  return copy.totals;
}

class Copy {
  readonly #options: CopyBlocksOptions;
  readonly #call: StoreCallOptions;
  readonly #verify: BlockCheck;
  readonly #concurrencyMax: number;
  /** Local stores answer without giving way to anything else, Ctrl-C and timers included. */
  readonly #breather: Breather;
  readonly #totals = {
    blocks: 0,
    blocksCopied: 0,
    blocksPresent: 0,
    blocksOutside: 0,
    blocksMissing: 0,
    blocksCorrupt: 0,
    blocksRepaired: 0,
    blocksDeleted: 0,
    copiedBytes: 0,
  };

  constructor(options: CopyBlocksOptions) {
    const { source, targets, move, signal, concurrencyMax = CONCURRENCY_DEFAULT } = options;
    if (
      !Number.isInteger(concurrencyMax) || concurrencyMax < 1 ||
      concurrencyMax > COPY_CONCURRENCY_MAX
    ) {
      throw new RangeError(
        `Cannot copy ${concurrencyMax} blocks at once: 1 to ${COPY_CONCURRENCY_MAX}`,
      );
    }
    if (targets.length === 0) throw new TypeError("Cannot copy blocks: there is no target");
    if (move === true && source.delete === undefined) {
      throw new UnsupportedError(
        `Cannot move blocks out of ${source.url}: this kind of store cannot delete`,
        { hint: "Copy them instead, which leaves the source as it is." },
      );
    }
    this.#options = options;
    this.#call = signal === undefined ? {} : { signal };
    this.#verify = options.verifyWith ?? checkEitherDigest;
    this.#concurrencyMax = concurrencyMax;
    this.#breather = new Breather(signal);
  }

  get totals(): CopyTotals {
    return { ...this.#totals };
  }

  /** What is to be done, batch by batch, found out by asking the targets. */
  async *plan(): AsyncGenerator<readonly Work[]> {
    const { ids, targets } = this.#options;
    for await (const batch of inBatches(ids, IDS_A_BATCH)) {
      this.#options.signal?.throwIfAborted();
      const works = batch.map((id): Work => ({
        id,
        covering: targets.filter(({ start, end }) => start <= prefixOf(id) && prefixOf(id) <= end),
        lacking: new Set(),
        damaged: new Set(),
      }));
      await Promise.all(targets.map(async (target) => {
        const covered = works.filter(({ covering }) => covering.includes(target));
        const present = await target.store.has(covered.map(({ id }) => id), this.#call);
        covered.forEach(({ lacking }, i) => present[i] || lacking.add(target));
      }));
      yield works;
    }
  }

  /** Does what a batch asks for. */
  async run(batch: readonly Work[]): Promise<void> {
    const { move, checkPresent = move } = this.#options;
    const failed = new Set<Work>();
    await forEachBounded(batch, this.#concurrencyMax, async (work) => {
      await this.#giveWay();
      if (checkPresent) await this.#findDamage(work);
      if (!await this.#copy(work)) failed.add(work);
      this.#tellProgress();
    });
    if (move) await this.#deleteMoved(batch.filter((work) => !failed.has(work)));
  }

  /** Has every target make what it got durable. */
  async flush(): Promise<void> {
    for (const { store } of this.#options.targets) await store.flush(this.#call);
  }

  /** Copies one block to where it is lacking or damaged; false when the source does not have it right. */
  async #copy({ id, covering, lacking, damaged }: Work): Promise<boolean> {
    const totals = this.#totals;
    if (lacking.size + damaged.size === 0) {
      totals.blocks++;
      if (covering.length === 0) totals.blocksOutside++;
      else totals.blocksPresent++;
      return true;
    }
    let block: Uint8Array;
    try {
      block = await this.#options.source.get(id, this.#call);
      this.#verify(id, block);
    } catch (error) {
      this.#noteFault(error);
      return false;
    }
    for (const { store } of lacking) await store.put(id, block, this.#call);
    for (const { store } of damaged) await store.put(id, block, { ...this.#call, replace: true });
    totals.blocks++;
    totals.blocksCopied++;
    totals.blocksRepaired += damaged.size;
    totals.copiedBytes += block.length;
    return true;
  }

  /** Counts a fault of the source; other errors, and faults that nobody wants to hear of, end the copy. */
  #noteFault(error: unknown): void {
    const { onFault } = this.#options;
    const isMissing = error instanceof BlockNotFoundError;
    if (onFault === undefined || !(isMissing || error instanceof BlockCorruptError)) throw error;
    onFault(error);
    this.#totals.blocks++;
    if (isMissing) this.#totals.blocksMissing++;
    else this.#totals.blocksCorrupt++;
  }

  /** Reads the block where it is said to be. */
  async #findDamage({ id, covering, lacking, damaged }: Work): Promise<void> {
    for (const target of covering) {
      if (lacking.has(target)) continue;
      try {
        await this.#readBack(id, target);
      } catch (error) {
        if (error instanceof BlockNotFoundError) lacking.add(target);
        else if (error instanceof BlockCorruptError) damaged.add(target);
        else throw error;
      }
    }
  }

  async #readBack(id: BlockId, { store }: StoreRoute): Promise<void> {
    this.#verify(id, await store.get(id, this.#call));
  }

  /** Deletes blocks from the source, once all that was just written is durable and was read back. */
  async #deleteMoved(works: readonly Work[]): Promise<void> {
    const { source } = this.#options;
    await this.flush();
    await forEachBounded(works, this.#concurrencyMax, async (work) => {
      if (work.covering.length === 0) return;
      await this.#giveWay();
      for (const target of [...work.lacking, ...work.damaged]) {
        await this.#readBack(work.id, target);
      }
      if (await source.delete!(work.id, this.#call)) this.#totals.blocksDeleted++;
      this.#tellProgress();
    });
  }

  /** @throws the signal's reason when it is aborted. */
  async #giveWay(): Promise<void> {
    this.#options.signal?.throwIfAborted();
    if (this.#breather.due) await this.#breather.breathe();
  }

  #tellProgress(): void {
    this.#options.onProgress?.(this.totals);
  }
}

/** `items` in groups of `count`; the last may be smaller. */
async function* inBatches<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  count: number,
): AsyncGenerator<Item[]> {
  let batch: Item[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < count) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** `items`, each made while the one before it is in use. */
async function* oneAhead<Item>(items: AsyncGenerator<Item>): AsyncGenerator<Item> {
  const ask = (): Promise<IteratorResult<Item>> => {
    const answer = items.next();
    // What goes wrong is thrown when the answer is awaited, which it may never be.
    answer.catch(() => {});
    return answer;
  };
  let next = ask();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done === true) return;
      next = ask();
      yield value;
    }
  } finally {
    await items.return(undefined);
  }
}
