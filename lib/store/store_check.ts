/**
 * Tries out a store: what it can do, which promises it keeps, and how fast it is.
 *
 * @module
 */

import { Breather } from "../base/concurrency.ts";
import { StoreUnavailableError } from "../base/errors.ts";
import type { ProgressListener } from "../base/progress.ts";
import { type BlockId, blockIdFromBytes } from "../block/block_ref.ts";
import { blake2b256 } from "../block/digest.ts";
import type { Profile } from "../block/profile.ts";
import { checkEitherDigest } from "./block_check.ts";
import { openStore } from "./open_store.ts";
import { blake3IdOf, type IdOf, randomBlock } from "./random_block.ts";
import { openScratch, type Scratch, ScratchStore } from "./scratch_store.ts";
import type { Store, StoreCallOptions } from "./store.ts";
import {
  attempt,
  type StoreAbilities,
  tryReading,
  tryWriting,
  untriedWriting,
  type WritingAbilities,
} from "./store_abilities.ts";
import { STORE_CONTRACT } from "./store_contract.ts";
import { STORE_READ_CONTRACT } from "./store_read_contract.ts";
import { measureSpeed, type SpeedFigure } from "./store_speed.ts";
import { parseStoreSpec } from "./store_url.ts";
import type { StoreTuning } from "./wrappers/leaf_wrappers.ts";

/** How to check a store. */
export interface CheckStoreOptions extends StoreCallOptions {
  /**
   * Ids of blocks that the store should have, of which a random sample is read. Without them, a
   * store that takes no blocks is checked with some of those that it lists.
   */
  readonly ids?: Iterable<BlockId>;
  /**
   * Whose digest names the blocks that are written: a server may refuse others.
   * @default {"myfs"}
   */
  readonly profile?: Profile;
  /**
   * Whether nothing is written, and only reading is checked.
   * @default {false}
   */
  readonly readOnly?: boolean;
  /**
   * Whether blocks are also written where they cannot be deleted. They stay: about 3,000 of them,
   * and 100 MB.
   * @default {false}
   */
  readonly leaveBlocks?: boolean;
  /**
   * Whether speed is measured.
   * @default {true}
   */
  readonly speed?: boolean;
  /**
   * Longest time for each figure of speed, in milliseconds.
   * @default {3000}
   */
  readonly speedLimitMs?: number;
  /** How much is asked of the store, where it is named and not given open, and how patiently. */
  readonly storeOptions?: StoreTuning;
  /** Told how far the check is: entries are promises and figures of speed. */
  readonly onProgress?: ProgressListener;
}

/** One promise of the contract. */
export interface StorePromise {
  /** Subject and behaviour, such as `get: gives back what was put`. */
  readonly name: string;
  /** Whether it was kept, or could not be tried. */
  readonly outcome: "kept" | "broken" | "skipped";
  /** What was seen instead, or why it was not tried. */
  readonly reason?: string;
}

/** What a check of a store found. */
export interface StoreCheckReport {
  /** The store, without secrets. */
  readonly store: string;
  /**
   * Where blocks were written: `"within"`, in an empty place within the store; `"among"`, beside the
   * blocks that it has, under ids of their own; `"none"`, nowhere.
   */
  readonly scratch: "within" | "among" | "none";
  /** What it can do. */
  readonly abilities: StoreAbilities;
  /** The contract, promise by promise. */
  readonly promises: readonly StorePromise[];
  /** How many of them are broken. */
  readonly brokenCount: number;
  /** How fast it is. */
  readonly speed: readonly SpeedFigure[];
  /** Blocks that were written and could not be deleted. */
  readonly blocksLeft: number;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
}

const SPEED_LIMIT_DEFAULT_MS = 3000;
/** Calls under way at once. */
const SPEED_CONCURRENCIES = [1, 16];
/** Bytes of a block, and how many are written and read for a figure. */
const SPEED_BLOCKS = [{ size: 512 * 1024, count: 64 }, { size: 4096, count: 512 }];
/** Blocks of the user's own that are read. */
const SAMPLE_COUNT = 128;
/** Bytes of the block with which it is found out what a store can do. */
const PROBE_SIZE = 1000;

/**
 * Checks a store against the contract that every store of myfs keeps (see `Store`), and measures it.
 * Blocks are written to an empty place within the store, a subdirectory or a key prefix, where its
 * kind has such; else beside those that it has, under the ids of random content. All of them are
 * removed in the end, also after an abort. A store that takes no blocks, or could not delete them
 * again, is checked as far as that goes without writing.
 *
 * @param store A URL such as `dir:///srv/blocks`, a range in front of which means nothing; or any
 *   implementation of `Store`, which stays open.
 * @throws {StoreUnavailableError} {StoreDeniedError} when it cannot be asked at all, or goes away.
 *
 * @example
 * ```ts
 * import { checkStore, MemoryStore } from "myfs";
 *
 * await using store = new MemoryStore();
 * const { brokenCount, abilities } = await checkStore(store, { speed: false });
 * console.assert(brokenCount === 0 && abilities.write.answer === "yes");
 * ```
 */
export async function checkStore(
  store: string | Store,
  options: CheckStoreOptions = {},
): Promise<StoreCheckReport> {
  const { signal } = options;
  await using stack = new AsyncDisposableStack();
  const place = typeof store === "string" ? parseStoreSpec(store).url : store;
  const open = { ...options.storeOptions, ...(signal === undefined ? {} : { signal }) };
  const opened = typeof place === "string" ? stack.use(await openStore([place], open)) : place;
  // A wrapper through which the signal reaches every call; what is inside stays open.
  const own = new ScratchStore(opened, signal);
  return await new StoreTrial(own, options).run(() => openScratch(place, open));
}

class StoreTrial {
  readonly #startedMs = performance.now();
  readonly #store: Store;
  readonly #options: CheckStoreOptions;
  readonly #idOf: IdOf;
  /** A local store answers without giving way to anything else, Ctrl-C included. */
  readonly #breather: Breather;
  /** Id of no block. */
  readonly #strayId: BlockId;
  readonly #promises: StorePromise[] = [];
  readonly #speed: SpeedFigure[] = [];
  #blocksLeft = 0;

  /** @param store The store with the user's blocks. */
  constructor(store: Store, options: CheckStoreOptions) {
    this.#store = store;
    this.#options = options;
    this.#breather = new Breather(options.signal);
    this.#idOf = options.profile === "rfs"
      ? (block) => blockIdFromBytes(blake2b256(block))
      : blake3IdOf;
    this.#strayId = randomBlock(PROBE_SIZE, this.#idOf).id;
  }

  async run(open: () => Promise<Scratch>): Promise<StoreCheckReport> {
    // A store that cannot be asked at all ends the check here.
    await this.#store.has([this.#strayId]);
    const reading = await tryReading(this.#store, this.#strayId);
    const { kind, ...writing } = await this.#tryWriting(open);
    const abilities = { ...reading, ...writing };
    const refusal = this.#whyNotWrite(kind, abilities);

    const ids = await this.#sample(abilities, refusal !== undefined);
    await this.#checkReading(abilities, ids);
    if (refusal === undefined) {
      await inScratch(open, this.#left, async (scratch) => {
        await this.#checkWriting(scratch, abilities);
        if (this.#options.speed !== false) await this.#measureAll(scratch.store);
      });
    } else {
      for (const { name } of STORE_CONTRACT) {
        this.#note({ name, outcome: "skipped", reason: refusal });
      }
      if (this.#options.speed !== false) await this.#measureReading(this.#store, ids);
    }
    return {
      store: this.#store.url,
      scratch: kind,
      abilities,
      promises: this.#promises,
      brokenCount: this.#promises.filter(({ outcome }) => outcome === "broken").length,
      speed: this.#speed,
      blocksLeft: this.#blocksLeft,
      durationMs: Math.round(performance.now() - this.#startedMs),
    };
  }

  readonly #left = (count: number): void => {
    this.#blocksLeft += count;
  };

  async #tryWriting(
    open: () => Promise<Scratch>,
  ): Promise<WritingAbilities & { kind: StoreCheckReport["scratch"] }> {
    if (this.#options.readOnly === true) {
      return {
        kind: "none",
        ...untriedWriting({ answer: "untried", reason: "nothing was to be written" }),
      };
    }
    let kind: StoreCheckReport["scratch"] = "none";
    let found: WritingAbilities | undefined;
    const opened = await attempt(() =>
      inScratch(open, this.#left, async (scratch) => {
        found = await tryWriting(scratch.store, randomBlock(PROBE_SIZE, this.#idOf));
        if (found.write.answer === "yes") kind = scratch.kind;
      })
    );
    return { kind, ...(found ?? untriedWriting(opened)) };
  }

  /** Why the contract cannot be tried; undefined where it can. */
  #whyNotWrite(kind: StoreCheckReport["scratch"], abilities: StoreAbilities): string | undefined {
    if (kind === "none") return "nothing was written";
    if (abilities.delete.answer === "yes" || this.#options.leaveBlocks === true) return undefined;
    return "what is written could not be deleted again";
  }

  /** Ids of blocks to read: some of those named, else, where that is all that can be tried, listed. */
  async #sample(abilities: StoreAbilities, listed: boolean): Promise<readonly BlockId[]> {
    const { ids } = this.#options;
    if (abilities.read.answer !== "yes") return [];
    if (ids !== undefined) return sample(ids, SAMPLE_COUNT);
    const found: BlockId[] = [];
    if (!listed || abilities.list.answer !== "yes") return found;
    for await (const id of this.#store.list!()) if (found.push(id) === SAMPLE_COUNT) break;
    return found;
  }

  async #checkReading(
    abilities: StoreAbilities,
    ids: readonly BlockId[],
  ): Promise<void> {
    const strayId = this.#strayId;
    const context = { store: this.#store, ids, strayId, verify: checkEitherDigest };
    const wants = (needs: "list" | "ids" | undefined): string | undefined => {
      if (abilities.read.answer !== "yes") return abilities.read.reason;
      if (needs === "list" && abilities.list.answer !== "yes") return abilities.list.reason;
      return needs === "ids" && ids.length === 0
        ? "no block is known to be there: a flist can name some"
        : undefined;
    };
    for (const check of STORE_READ_CONTRACT) {
      await this.#try(check.name, wants(check.needs), () => check.run(context));
    }
  }

  async #checkWriting({ kind, store }: Scratch, abilities: StoreAbilities): Promise<void> {
    const context = { store, idOf: this.#idOf };
    for (const { name, needs, needsEmpty, run } of STORE_CONTRACT) {
      const lacking = needs === undefined ? undefined : abilities[needs].reason;
      const full = needsEmpty === true && kind === "among"
        ? "there is no empty place in this kind of store"
        : undefined;
      await this.#try(name, lacking ?? full, () => run(context));
    }
  }

  /** Sees whether a promise is kept, unless there is a reason not to. */
  async #try(name: string, obstacle: string | undefined, run: () => Promise<void>): Promise<void> {
    if (obstacle !== undefined) {
      return this.#note({ name, outcome: "skipped", reason: obstacle });
    }
    await this.#breather.breathe();
    try {
      await run();
      this.#note({ name, outcome: "kept" });
    } catch (error) {
      await this.#noteBroken(name, error);
    }
  }

  async #noteBroken(name: string, error: unknown): Promise<void> {
    this.#options.signal?.throwIfAborted();
    // A store that has gone away breaks every promise: that is not what the user wants to know.
    if (error instanceof StoreUnavailableError) await this.#store.has([this.#strayId]);
    const reason = error instanceof Error ? error.message : String(error);
    this.#note({ name, outcome: "broken", reason });
  }

  async #measureAll(store: Store): Promise<void> {
    for (const { size, count } of SPEED_BLOCKS) {
      for (const concurrency of SPEED_CONCURRENCIES) {
        const blocks = Array.from({ length: count }, () => randomBlock(size, this.#idOf));
        await this.#measure("put", concurrency, blocks, async ({ id, block }) => {
          await store.put(id, block);
          return block.length;
        });
        const found = await store.has(blocks.map(({ id }) => id));
        const ids = blocks.filter((_, index) => found[index]).map(({ id }) => id);
        await this.#measureGet(store, concurrency, ids);
        if (size === 4096) await this.#measureHas(store, concurrency, ids);
      }
    }
  }

  async #measureReading(store: Store, ids: readonly BlockId[]): Promise<void> {
    if (ids.length === 0) return;
    for (const concurrency of SPEED_CONCURRENCIES) {
      await this.#measureGet(store, concurrency, ids);
      await this.#measureHas(store, concurrency, ids);
    }
  }

  #measureGet(store: Store, concurrency: number, ids: readonly BlockId[]): Promise<void> {
    return this.#measure("get", concurrency, ids, async (id) => (await store.get(id)).length);
  }

  #measureHas(store: Store, concurrency: number, ids: readonly BlockId[]): Promise<void> {
    return this.#measure("has", concurrency, ids, async (id) => {
      await store.has([id]);
      return 0;
    });
  }

  async #measure<Item>(
    operation: SpeedFigure["operation"],
    concurrency: number,
    items: readonly Item[],
    call: (item: Item) => Promise<number>,
  ): Promise<void> {
    await this.#breather.breathe();
    const limitMs = this.#options.speedLimitMs ?? SPEED_LIMIT_DEFAULT_MS;
    try {
      this.#speed.push(await measureSpeed({ operation, concurrency, items, call, limitMs }));
      this.#tellProgress();
    } catch (error) {
      await this.#noteBroken(`${operation}: answers while many calls are made`, error);
    }
  }

  #note(promise: StorePromise): void {
    this.#promises.push(promise);
    this.#tellProgress();
  }

  #tellProgress(): void {
    const entries = this.#promises.length + this.#speed.length;
    this.#options.onProgress?.({ phase: "read", entries, bytes: 0 });
  }
}

/** Does a task in a scratch place, which is cleaned up in any case. */
async function inScratch(
  open: () => Promise<Scratch>,
  left: (blockCount: number) => void,
  task: (scratch: Scratch) => Promise<void>,
): Promise<void> {
  const scratch = await open();
  try {
    await task(scratch);
  } finally {
    left(await scratch.cleanUp());
  }
}

/** At most `count` of `items`, each as likely as any other (Vitter's algorithm R). */
function sample<Item>(items: Iterable<Item>, count: number): Item[] {
  const taken: Item[] = [];
  let seen = 0;
  for (const item of items) {
    if (taken.length < count) taken.push(item);
    else {
      const at = Math.floor(Math.random() * (seen + 1));
      if (at < count) taken[at] = item;
    }
    seen++;
  }
  return taken;
}
