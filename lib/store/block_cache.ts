/**
 * Blocks of stores elsewhere, kept in a folder of this machine.
 *
 * The folder has the layout of a directory store, and holds blocks as they were fetched: sealed. Any
 * number of processes may use one at the same time. Reading takes no lock and asks no index: it is
 * opening a file, and comparing what is in it with the id.
 *
 * @module
 */

import { absolutePath } from "../base/absolute_path.ts";
import type { Bytes } from "../base/bytes.ts";
import { Breather } from "../base/concurrency.ts";
import { BlockCorruptError, StoreUnavailableError } from "../base/errors.ts";
import type { ProgressListener } from "../base/progress.ts";
import type { BlockId } from "../block/block_ref.ts";
import { fileSystemSpace } from "../linux/free_space.ts";
import { type BlockCheck, checkEitherDigest } from "./block_check.ts";
import { assertBlockSize } from "./block_size.ts";
import {
  CacheContents,
  type CacheLimits,
  isIndexDamage,
  removeIndex,
  type StoreOutcome,
} from "./cache_contents.ts";
import { CacheFiles, type FileStamp } from "./cache_files.ts";
import { CacheFolder, checkCacheFolder } from "./cache_folder.ts";
import type { BlockTotal } from "./cache_index.ts";
import { CheckedBlocks } from "./checked_blocks.ts";
import { directoryUrl } from "./directory_url.ts";
import { localFault } from "./local_fault.ts";
import type { StoreCallOptions } from "./store.ts";

/** What a user should know about a cache that does less than it could. */
export interface CacheWarning {
  /**
   * `"unwritable"`: the folder cannot be written, so nothing new is kept; `"full"`: there is no room
   * for a block, and none that may be removed.
   */
  readonly reason: "unwritable" | "full";
  /** One sentence without a final period. */
  readonly message: string;
}

/** How to open a {@link BlockCache}. */
export interface BlockCacheOptions {
  /**
   * Most space that the blocks may take, in bytes, counted in whole pages of 4 KiB. It is kept at
   * every moment, and holds for all processes that use the cache.
   *
   * @default what was named last for this cache, or 10 GiB
   */
  readonly sizeMax?: number;
  /**
   * Space that is left free on the file system, in bytes: blocks are removed, or not kept, when
   * there is less.
   *
   * @default 5 % of the file system, at most 1 GiB
   */
  readonly freeSpaceMin?: number;
  /**
   * Throws `BlockCorruptError` for bytes that are not the block.
   *
   * @default takes what the digest of either profile names
   */
  readonly check?: BlockCheck;
  /** Told once for each reason. */
  readonly onWarning?: (warning: CacheWarning) => void;
  /** The clock, in milliseconds since 1970. @default {Date.now} */
  readonly now?: () => number;
}

/** What a cache did since it was opened. */
export interface CacheStatistics {
  /** Blocks that were there and right. */
  readonly hits: number;
  /** Blocks that were not there, damaged ones included. */
  readonly misses: number;
  /** Blocks that were found to be damaged, and removed. */
  readonly damaged: number;
  /** Blocks that were added. */
  readonly stored: number;
  /** Blocks that could not be kept. */
  readonly skipped: number;
  /** Blocks that this process removed to make room. */
  readonly evicted: number;
}

/** A named set of blocks that stay in the cache. */
export interface CachePinStatus {
  /** Its name, such as the path of a flist. */
  readonly name: string;
  /** How many blocks have it. */
  readonly blocks: number;
  /** How many of them are in the cache. */
  readonly blocksPresent: number;
  /** Space that those take, in bytes. */
  readonly bytesPresent: number;
}

/** What is in a cache. Space is in bytes of whole pages. */
export interface CacheStatus {
  /** Absolute path. */
  readonly folder: string;
  /** Blocks that are in it. */
  readonly blocks: number;
  /** Space that they take. */
  readonly bytes: number;
  /** Space that they may take. */
  readonly sizeMax: number;
  /** Blocks with a pin. */
  readonly blocksPinned: number;
  /** Space that they take. */
  readonly bytesPinned: number;
  /** Free space on the file system. */
  readonly freeBytes: number;
  /** Space that is left free on the file system. */
  readonly freeSpaceMin: number;
  /** The pins, in no order. */
  readonly pins: readonly CachePinStatus[];
}

/** How to work through a whole cache. */
export interface CacheWorkOptions extends StoreCallOptions {
  /** Told how far the work is: entries are blocks. */
  readonly onProgress?: ProgressListener;
}

/** What {@link BlockCache.verify} found. */
export interface CacheVerifyReport {
  /** Blocks that were looked at. */
  readonly blocks: number;
  /** Their bytes. */
  readonly bytes: number;
  /** Ids of those that were damaged, and are removed. */
  readonly damaged: readonly string[];
}

/** How long a block that was fetched waits for others who change the cache. */
const STORE_WAIT_MS = 500;
/** How long work on the whole cache waits for them. */
const WORK_WAIT_MS = 30_000;
/** How long nothing is written after the folder refused. */
const PAUSE_MS = 10_000;

interface Opened {
  readonly folder: CacheFolder;
  contents: CacheContents | undefined;
}

/**
 * A bounded set of blocks on the local disk, for `CachedStore`. It never fails a read: what it cannot
 * do is a miss, or a block that is not kept, and a warning.
 */
export class BlockCache implements AsyncDisposable {
  /** Absolute path of its folder, which a directory store can read too. */
  readonly folder: string;
  readonly #files: CacheFiles;
  /** The limit is named when the contents are first opened: after that another may name one. */
  #limits: CacheLimits;
  readonly #check: BlockCheck;
  readonly #checked = new CheckedBlocks();
  readonly #onWarning: ((warning: CacheWarning) => void) | undefined;
  readonly #warned = new Set<string>();
  readonly #counts = { hits: 0, misses: 0, damaged: 0, stored: 0, skipped: 0, evicted: 0 };
  #opened: Opened | undefined;
  #pausedUntilMs = -Infinity;
  #isClosed = false;

  /** Use {@link openBlockCache}. */
  constructor(folder: string, options: BlockCacheOptions) {
    this.folder = folder;
    this.#files = new CacheFiles(folder, options.now ?? Date.now);
    this.#limits = {
      sizeMax: wholeBytes(options.sizeMax, "the size of a cache"),
      freeSpaceMin: wholeBytes(options.freeSpaceMin, "free space"),
    };
    this.#check = options.check ?? checkEitherDigest;
    this.#onWarning = options.onWarning;
  }

  /** What it did since it was opened. */
  get statistics(): CacheStatistics {
    const evicted = this.#counts.evicted + (this.#opened?.contents?.evicted ?? 0);
    return { ...this.#counts, evicted };
  }

  /** A block, checked against its id; undefined where it is not there. The caller owns the bytes. */
  get(id: BlockId): Bytes | undefined {
    const block = this.#isClosed ? undefined : this.#read(id);
    this.#counts[block === undefined ? "misses" : "hits"]++;
    return block;
  }

  #read(id: BlockId): Bytes | undefined {
    try {
      const found = this.#files.read(id);
      if (found.kind === "missing") return undefined;
      if (found.kind === "block" && this.#isRight(id, found)) return found.block;
      this.#counts.damaged++;
      this.remove(id);
    } catch (error) {
      this.#degrade(error);
    }
    return undefined;
  }

  #isRight(id: BlockId, { block, stamp }: { block: Bytes; stamp: FileStamp }): boolean {
    const now = this.#files.now();
    if (this.#checked.has(id, stamp, now)) return true;
    try {
      this.#check(id, block);
      this.#checked.add(id, stamp, now);
      return true;
    } catch (error) {
      if (error instanceof BlockCorruptError) return false;
      throw error;
    }
  }

  /** Whether a block is there, as far as its file tells without being read. */
  has(id: BlockId): boolean {
    return !this.#isClosed && this.#files.look(id) !== undefined;
  }

  /**
   * Keeps a block, if there is room to be made for it.
   *
   * @returns whether it is there; `"skipped"` is no failure.
   * @throws {BlockCorruptError} when the bytes are not the block's.
   */
  async put(id: BlockId, block: Uint8Array): Promise<"stored" | "present" | "skipped"> {
    assertBlockSize(id, block);
    this.#check(id, block);
    const outcome = await this.#store(id, block as Uint8Array<ArrayBuffer>);
    if (outcome === "present") return outcome;
    if (outcome === undefined || outcome === "full") {
      this.#counts.skipped++;
      return "skipped";
    }
    this.#counts.stored++;
    this.#checked.add(id, outcome, this.#files.now());
    return "stored";
  }

  async #store(
    id: BlockId,
    block: Uint8Array<ArrayBuffer>,
  ): Promise<StoreOutcome | undefined> {
    if (this.#isClosed || this.#files.now() < this.#pausedUntilMs) return undefined;
    try {
      using lock = await this.#lock(STORE_WAIT_MS);
      if (lock === undefined) return undefined;
      const outcome = await this.#change((contents) => contents.store(id, block));
      if (outcome === "full") {
        this.#warn(
          "full",
          `The cache ${this.folder} has no room for a block of ${block.length} bytes: ` +
            "its limit, its pins or the free space of the disk leave none",
        );
      }
      return outcome;
    } catch (error) {
      this.#degrade(error);
      return undefined;
    }
  }

  /** Removes a block, pinned or not; tells whether it was there. */
  remove(id: BlockId): boolean {
    try {
      // Without the lock: the index counts it until it is fetched again or looked for.
      return !this.#isClosed && this.#files.remove(id);
    } catch (error) {
      this.#degrade(error);
      return false;
    }
  }

  /**
   * What is in it.
   *
   * @param options `scan`: whether to look at all files first (a second for 200,000 blocks), in case
   *   somebody else changed them; true by default.
   * @throws {StoreUnavailableError} or {StoreDeniedError} when it cannot be worked with.
   */
  async status(
    options: StoreCallOptions & { readonly scan?: boolean } = {},
  ): Promise<CacheStatus> {
    using _lock = await this.#lockForWork(options.signal);
    return await this.#work("look into", async (contents) => {
      if (options.scan !== false) await contents.scan(options.signal);
      const { blocks, bytes } = contents.total();
      const pinned = contents.pinned();
      return {
        folder: this.folder,
        blocks,
        bytes,
        sizeMax: contents.state().bytesMax,
        blocksPinned: pinned.blocks,
        bytesPinned: pinned.bytes,
        freeBytes: fileSystemSpace(this.folder).freeBytes,
        freeSpaceMin: contents.freeSpaceMin,
        pins: Array.from(contents.pins(), ({ name, ids, present }) => ({
          name,
          blocks: ids.length,
          blocksPresent: present.blocks,
          bytesPresent: present.bytes,
        })),
      };
    });
  }

  /**
   * Makes blocks stay, those that are there and those that will come, until {@link unpin}. A pin of
   * the same name is replaced.
   *
   * @param ids Each is counted once.
   */
  async pin(name: string, ids: Iterable<BlockId>): Promise<CachePinStatus> {
    const distinct = [...new Set(ids)];
    using _lock = await this.#lockForWork();
    return await this.#work("pin blocks in", async (contents) => {
      await contents.pin({ name, ids: distinct });
      const { blocks, bytes } = contents.totalOfPin(name);
      return { name, blocks: distinct.length, blocksPresent: blocks, bytesPresent: bytes };
    });
  }

  /** Takes a pin away, not its blocks; tells whether it was there. */
  async unpin(name: string): Promise<boolean> {
    using _lock = await this.#lockForWork();
    return await this.#work("unpin blocks in", (contents) => contents.unpin(name));
  }

  /**
   * Removes the blocks.
   *
   * @param options `pinned`: pins and pinned blocks too.
   * @returns What was removed.
   */
  async clear(
    options: StoreCallOptions & { readonly pinned?: boolean } = {},
  ): Promise<BlockTotal> {
    using _lock = await this.#lockForWork(options.signal);
    return await this.#work("clear", async (contents) => {
      if (options.pinned === true) {
        for (const { name } of [...contents.pins()]) await contents.unpin(name);
      }
      return await contents.clear(options.signal);
    });
  }

  /**
   * Compares the index with the files, removes what killed processes left, and removes blocks until
   * the limits are kept.
   *
   * @returns What was removed.
   */
  async prune(options: StoreCallOptions = {}): Promise<BlockTotal> {
    using _lock = await this.#lockForWork(options.signal);
    return await this.#work("prune", async (contents) => {
      await contents.scan(options.signal);
      const before = contents.total();
      await contents.trim();
      const after = contents.total();
      return { blocks: before.blocks - after.blocks, bytes: before.bytes - after.bytes };
    });
  }

  /** Checks every block against its id and removes those that are damaged. */
  async verify(options: CacheWorkOptions = {}): Promise<CacheVerifyReport> {
    const { signal, onProgress } = options;
    const breather = new Breather(signal);
    const damaged: string[] = [];
    let blocks = 0;
    let bytes = 0;
    // Without the lock, so that others go on meanwhile.
    const entriesTotal = (await this.status(options)).blocks;
    for (const { id, size } of this.#files.list()) {
      const before = this.#counts.damaged;
      this.#checked.delete(id);
      this.#read(id);
      if (this.#counts.damaged > before) damaged.push(id);
      blocks++;
      bytes += size;
      onProgress?.({ phase: "read", entries: blocks, entriesTotal, bytes });
      if (breather.due) await breather.breathe();
    }
    if (damaged.length > 0) await this.prune(options);
    return { blocks, bytes, damaged };
  }

  /**
   * Takes the lock of the folder, which is opened, or opened again where it was replaced.
   *
   * @returns undefined when others keep it for too long.
   */
  async #lock(waitMs: number, signal?: AbortSignal): Promise<Disposable | undefined> {
    while (!this.#isClosed) {
      const folder = (this.#opened ??= this.#openFolder()).folder;
      const lock = await folder.lock(waitMs, signal);
      if (lock === undefined) return undefined;
      if (folder === this.#opened?.folder && folder.isCurrent()) return lock;
      lock[Symbol.dispose]();
      if (folder === this.#opened?.folder) this.#close();
    }
    return undefined;
  }

  #openFolder(): Opened {
    checkCacheFolder(this.folder);
    return { folder: new CacheFolder(this.folder), contents: undefined };
  }

  async #lockForWork(signal?: AbortSignal): Promise<Disposable> {
    const url = directoryUrl(this.folder);
    let lock: Disposable | undefined;
    try {
      lock = await this.#lock(WORK_WAIT_MS, signal);
    } catch (error) {
      throw localFault(url, `open the cache ${this.folder}`, error);
    }
    if (lock !== undefined) return lock;
    if (this.#isClosed) {
      throw new StoreUnavailableError(url, `Cannot work on the cache ${this.folder}: it is closed`);
    }
    throw new StoreUnavailableError(
      url,
      `Cannot work on the cache ${this.folder}: another process keeps it locked`,
      { retryable: true, hint: "Wait until the other process is done, then try again." },
    );
  }

  /** Has `work` done on the contents, once more where the index turns out to be damaged. */
  async #change<Result>(
    work: (contents: CacheContents) => Result | Promise<Result>,
  ): Promise<Result> {
    const opened = this.#opened!;
    if (opened.contents?.isCurrent() === false) this.#closeContents(opened);
    try {
      opened.contents ??= await this.#openContents();
      return await work(opened.contents);
    } catch (error) {
      if (!isIndexDamage(error)) throw error;
      this.#closeContents(opened);
      removeIndex(this.folder);
      opened.contents = await this.#openContents();
      return await work(opened.contents);
    }
  }

  async #openContents(): Promise<CacheContents> {
    const contents = await CacheContents.open(this.#files, this.#limits);
    this.#limits = { ...this.#limits, sizeMax: undefined };
    return contents;
  }

  async #work<Result>(
    task: string,
    work: (contents: CacheContents) => Result | Promise<Result>,
  ): Promise<Result> {
    try {
      return await this.#change(work);
    } catch (error) {
      throw localFault(directoryUrl(this.folder), `${task} the cache ${this.folder}`, error);
    }
  }

  /** Opens everything now, so that what is wrong is known from the start. */
  async open(): Promise<this> {
    checkCacheFolder(this.folder);
    try {
      using lock = await this.#lock(STORE_WAIT_MS);
      if (lock !== undefined) await this.#change(() => {});
    } catch (error) {
      this.#degrade(error);
    }
    return this;
  }

  #degrade(error: unknown): void {
    this.#pausedUntilMs = this.#files.now() + PAUSE_MS;
    this.#close();
    const told = localFault(directoryUrl(this.folder), `use the cache ${this.folder}`, error);
    const reason = told instanceof Error ? told.message : String(told);
    this.#warn("unwritable", `The cache ${this.folder} keeps nothing new: ${reason}`);
  }

  #warn(reason: CacheWarning["reason"], message: string): void {
    if (this.#warned.has(reason)) return;
    this.#warned.add(reason);
    this.#onWarning?.({ reason, message });
  }

  #closeContents(opened: Opened): void {
    this.#counts.evicted += opened.contents?.evicted ?? 0;
    opened.contents?.[Symbol.dispose]();
    opened.contents = undefined;
  }

  #close(): void {
    const opened = this.#opened;
    if (opened === undefined) return;
    this.#opened = undefined;
    this.#closeContents(opened);
    opened.folder[Symbol.dispose]();
  }

  /** Lets go of the folder, when what is under way is done. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    using _lock = await this.#opened?.folder.lock(STORE_WAIT_MS);
    this.#close();
  }
}

/**
 * Opens the cache in `folder`, which is made, for its owner alone, where it is missing. One that is
 * larger than its limit is trimmed.
 *
 * A folder that cannot be made or written is no error: such a cache gives what it has, keeps nothing
 * new, and warns.
 *
 * @throws {StoreDeniedError} when the folder belongs to somebody else, everyone may write to it, or
 *   it holds something that is not a cache.
 * @throws {StoreUnavailableError} when it is not a directory.
 * @throws {RangeError} when a size is none.
 *
 * @example
 * ```ts
 * import { createBlockCodec, openBlockCache } from "myfs";
 *
 * const folder = await Deno.makeTempDir();
 * {
 *   await using cache = await openBlockCache(`${folder}/cache`, { sizeMax: 64 * 1024 ** 2 });
 *   const codec = createBlockCodec("myfs");
 *   const chunk = new TextEncoder().encode("hello");
 *   const { ref, block } = codec.seal(chunk, codec.keyOf(chunk));
 *   await cache.put(ref.id, block);
 *   console.assert(cache.get(ref.id)?.length === block.length);
 *   console.assert((await cache.status()).blocks === 1);
 * }
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function openBlockCache(
  folder: string,
  options: BlockCacheOptions = {},
): Promise<BlockCache> {
  return await new BlockCache(absolutePath(folder), options).open();
}

function wholeBytes(value: number | undefined, what: string): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) return value;
  throw new RangeError(`Cannot use ${value} as ${what}: it is a whole number of bytes`);
}
