/**
 * The blocks, pins and index of a cache as one thing, which keeps to its limits whatever happens. All
 * of it is for who holds the lock of the cache.
 *
 * A block is counted in the index before its file is written, and until after its file is removed. So
 * a process that dies leaves a block counted that is not there, never one there that is not counted.
 *
 * @module
 */

import { Breather } from "../base/concurrency.ts";
import type { BlockId } from "../block/block_ref.ts";
import { fileSystemSpace } from "../linux/free_space.ts";
import type { CachedFile, CacheFiles, FileStamp } from "./cache_files.ts";
import {
  type BlockTotal,
  CacheIndex,
  type CacheState,
  ForeignIndexError,
  spaceOf,
} from "./cache_index.ts";
import { type CachePin, CachePins } from "./cache_pins.ts";

/** Bounds of a cache. */
export interface CacheLimits {
  /** Most space that the blocks may take, in bytes; undefined for what was named last. */
  readonly sizeMax: number | undefined;
  /** Space that stays free on the file system, in bytes; undefined for a share of it. */
  readonly freeSpaceMin: number | undefined;
}

/**
 * What became of a block that was to be kept: the stamp of its new file, or that it was there, or
 * that there is no room to be made for it.
 */
export type StoreOutcome = FileStamp | "present" | "full";

/** Limit of a cache for which none was ever named. */
const SIZE_MAX_DEFAULT = 10 * 1024 ** 3;
/** Free space that is left by default: this much, or this share of a small file system. */
const FREE_SPACE_MIN_DEFAULT = 1024 ** 3;
const FREE_SHARE_DEFAULT = 0.05;
/** Entries whose place in the order is put right while room is made once, so that it stays short. */
const CORRECTIONS_MAX = 512;
/** Changes to the index that are made together. */
const CHANGES_AT_ONCE = 1000;
const INDEX = "index.sqlite";
/** Holds the limit that was named last, in bytes, as text. */
const LIMIT = "limit";

/** The contents of an open cache. */
export class CacheContents implements Disposable {
  readonly #files: CacheFiles;
  readonly #pins: CachePins;
  readonly #index: CacheIndex;
  readonly #freeSpaceMin: number;
  #evicted = 0;

  private constructor(files: CacheFiles, index: CacheIndex, freeSpaceMin: number) {
    this.#files = files;
    this.#pins = new CachePins(files.folder);
    this.#index = index;
    this.#freeSpaceMin = freeSpaceMin;
  }

  /**
   * Opens the contents; where the index is missing, damaged, or of before the system last started, it
   * is made again from the files.
   *
   * @throws {Error} of SQLite or of the system when the folder cannot be written.
   */
  static async open(files: CacheFiles, limits: CacheLimits): Promise<CacheContents> {
    const { totalBytes } = fileSystemSpace(files.folder);
    const freeSpaceMin = limits.freeSpaceMin ??
      Math.min(FREE_SPACE_MIN_DEFAULT, totalBytes * FREE_SHARE_DEFAULT);
    if (limits.sizeMax !== undefined) writeLimit(files.folder, limits.sizeMax);
    const sizeMax = limits.sizeMax ?? readLimit(files.folder) ?? SIZE_MAX_DEFAULT;
    const index = openIndex(files.folder, sizeMax);
    const contents = new CacheContents(files, index, freeSpaceMin);
    try {
      index.setBytesMax(sizeMax);
      if (index.boot !== bootId()) await contents.scan();
      await contents.trim();
      return contents;
    } catch (error) {
      contents[Symbol.dispose]();
      throw error;
    }
  }

  /** Whether the index is still the one that others use. */
  isCurrent(): boolean {
    return this.#index.isCurrent();
  }

  /** Blocks that were removed to make room. */
  get evicted(): number {
    return this.#evicted;
  }

  /** Space that stays free on the file system, in bytes. */
  get freeSpaceMin(): number {
    return this.#freeSpaceMin;
  }

  /** Totals and limit. */
  state(): CacheState {
    return this.#index.state();
  }

  /** How much of the cache has a pin. */
  pinned(): BlockTotal {
    return this.#index.total("pinned");
  }

  /** How much there is in all. */
  total(): BlockTotal {
    return this.#index.total("all");
  }

  /** Keeps a block, whose bytes have been checked. Removes those used least recently for it. */
  store(id: BlockId, block: Uint8Array<ArrayBuffer>): StoreOutcome {
    const index = this.#index;
    if (!index.knowsPins) this.#readPins();
    const size = block.length;
    const file = this.#files.look(id);
    const isThere = file?.size === size;
    if (!isThere && file !== undefined) this.#files.remove(id);
    const isCounted = index.transaction(() => {
      const known = index.sizeOf(id);
      if (isThere && known === size) return true;
      if (known !== undefined) index.remove(id, known);
      if (!this.#makeRoom(isThere ? 0 : spaceOf(size), spaceOf(size))) return false;
      index.add({ id, size, usedMs: file?.usedMs ?? this.#files.now() });
      return true;
    });
    if (!isCounted) {
      if (isThere) this.#files.remove(id);
      return "full";
    }
    if (isThere) return "present";
    try {
      return this.#files.write(id, block);
    } catch (error) {
      index.transaction(() => index.remove(id, size));
      throw error;
    }
  }

  /** Removes blocks until all limits are kept, as far as pins allow. */
  async trim(): Promise<void> {
    const breather = new Breather();
    if (!this.#index.knowsPins) this.#readPins();
    while (
      !this.#index.transaction(() => this.#makeRoom(0, 0, CHANGES_AT_ONCE)) && this.#evictable()
    ) {
      if (breather.due) await breather.breathe();
    }
  }

  #evictable(): boolean {
    return this.#index.oldest() !== undefined;
  }

  /**
   * Removes the blocks used least recently until `space` more fits into the limit and `written` more
   * onto the disk.
   *
   * @returns whether it does.
   */
  #makeRoom(written: number, space: number, removalsMax = Infinity): boolean {
    const { bytes, bytesMax } = this.#index.state();
    if (space > bytesMax) return false;
    let excess = bytes + space - bytesMax;
    // Measured once: some file systems give space back long after the file is gone.
    let shortage = this.#freeSpaceMin + written - fileSystemSpace(this.#files.folder).freeBytes;
    let corrections = 0;
    for (let removals = 0; excess > 0 || shortage > 0;) {
      const victim = this.#index.oldest();
      if (victim === undefined || removals >= removalsMax) return false;
      const file = this.#files.look(victim.id);
      if (file !== undefined && file.usedMs > victim.usedMs && corrections++ < CORRECTIONS_MAX) {
        // Used since: the file knows.
        this.#index.setUsed(victim.id, file.usedMs);
        continue;
      }
      this.#remove(victim, file !== undefined);
      removals++;
      excess -= spaceOf(victim.size);
      if (file !== undefined) shortage -= spaceOf(file.size);
    }
    return true;
  }

  #remove({ id, size }: CachedFile, exists: boolean): void {
    if (exists) {
      this.#files.remove(id);
      this.#evicted++;
    }
    this.#index.remove(id, size);
  }

  /** Makes the index say what the files say. */
  async scan(signal?: AbortSignal): Promise<void> {
    const breather = new Breather(signal);
    this.#files.sweepTemporary();
    this.#pins.sweepTemporary();
    // Until it is complete the index says that it is not, for a process may die on the way.
    this.#index.transaction(() => this.#index.clear());
    this.#readPins();
    let batch: CachedFile[] = [];
    const add = (): void => {
      this.#index.transaction(() => batch.forEach((file) => this.#index.add(file)));
      batch = [];
    };
    for (const file of this.#files.list()) {
      batch.push(file);
      if (batch.length === CHANGES_AT_ONCE) add();
      if (breather.due) await breather.breathe();
    }
    add();
    this.#index.transaction(() => this.#index.setComplete(bootId()));
  }

  /** Pins blocks under a name, in place of those that it had before. */
  async pin(pin: CachePin): Promise<void> {
    this.#index.setKnowsPins(false);
    this.#pins.write(pin);
    this.#index.transaction(() => {
      this.#index.removePin(pin.name);
      this.#index.addPin(pin.name, pin.ids);
      this.#index.setKnowsPins(true);
    });
    await this.trim();
  }

  /** Takes a pin away; false where there was none. */
  async unpin(name: string): Promise<boolean> {
    this.#index.setKnowsPins(false);
    const removed = this.#pins.remove(name);
    this.#readPins();
    // Pins may have kept more than the limit allows.
    await this.trim();
    return removed;
  }

  /** All pins, and how much of each is there. */
  *pins(): Generator<CachePin & { readonly present: BlockTotal }> {
    if (!this.#index.knowsPins) this.#readPins();
    for (const pin of this.#pins.list()) {
      yield { ...pin, present: this.totalOfPin(pin.name) };
    }
  }

  /** How much of what has the pin `name` is there. */
  totalOfPin(name: string): BlockTotal {
    return this.#index.totalOfPin(name);
  }

  /** Removes all blocks that have no pin. */
  async clear(signal?: AbortSignal): Promise<BlockTotal> {
    await this.scan(signal);
    const breather = new Breather(signal);
    let blocks = 0;
    let bytes = 0;
    const removeSome = (): number =>
      this.#index.transaction(() => {
        for (let count = 0; count < CHANGES_AT_ONCE; count++) {
          const victim = this.#index.oldest();
          if (victim === undefined) return count;
          this.#files.remove(victim.id);
          this.#index.remove(victim.id, victim.size);
          blocks++;
          bytes += spaceOf(victim.size);
        }
        return CHANGES_AT_ONCE;
      });
    while (removeSome() > 0) if (breather.due) await breather.breathe();
    return { blocks, bytes };
  }

  #readPins(): void {
    this.#index.transaction(() => {
      this.#index.clearPins();
      for (const { name, ids } of this.#pins.list()) this.#index.addPin(name, ids);
      this.#index.setKnowsPins(true);
    });
  }

  /** Closes the index. */
  [Symbol.dispose](): void {
    this.#index[Symbol.dispose]();
  }
}

/** Opens the index, and makes a new one in place of one that cannot be read. */
function openIndex(folder: string, sizeMax: number): CacheIndex {
  const path = `${folder}/${INDEX}`;
  try {
    return new CacheIndex(path, sizeMax);
  } catch (error) {
    if (!isIndexDamage(error)) throw error;
    removeIndex(folder);
    return new CacheIndex(path, sizeMax);
  }
}

/** Whether a failure comes from what the index holds, and not from the disk or its permissions. */
export function isIndexDamage(error: unknown): boolean {
  if (error instanceof ForeignIndexError) return true;
  return error instanceof Error && "code" in error && error.code === "ERR_SQLITE_ERROR" &&
    !/\bfull\b|read-?only|I\/O error|unable to open|locked/.test(error.message);
}

/** Removes the index of the cache in `folder`, which is made again when it is next needed. */
export function removeIndex(folder: string): void {
  for (const suffix of ["", "-journal", "-wal", "-shm"]) {
    try {
      Deno.removeSync(`${folder}/${INDEX}${suffix}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

function writeLimit(folder: string, sizeMax: number): void {
  const path = `${folder}/${LIMIT}`;
  Deno.writeTextFileSync(`${path}.new`, `${sizeMax}\n`, { mode: 0o600 });
  Deno.renameSync(`${path}.new`, path);
}

function readLimit(folder: string): number | undefined {
  try {
    const text = Deno.readTextFileSync(`${folder}/${LIMIT}`).trim();
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

let boot: string | undefined;

/** Names this run of the system: after a power cut, files and index may be of different times. */
function bootId(): string {
  if (boot !== undefined) return boot;
  try {
    boot = Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
  } catch {
    // Without it an index counts as good as long as it can be read.
    boot = "unknown";
  }
  return boot;
}
