/**
 * `dir:///absolute/path`: blocks as files in a directory of this machine.
 *
 * @module
 */

import { absolutePath } from "../base/absolute_path.ts";
import type { Bytes } from "../base/bytes.ts";
import { Breather } from "../base/concurrency.ts";
import { StoreUnavailableError } from "../base/errors.ts";
import type { BlockId } from "../block/block_ref.ts";
import { directoryUrl } from "./directory_url.ts";
import { FileSystemSync } from "./file_system_sync.ts";
import { LocalBlocks } from "./local_blocks.ts";
import { localFault } from "./local_fault.ts";
import { FULL_RANGE, PREFIX_COUNT } from "./prefix_range.ts";
import { promised } from "./promised.ts";
import type {
  Durability,
  LocalPlacement,
  PutOptions,
  PutResult,
  Store,
  StoreCallOptions,
} from "./store.ts";

/** How to open a {@link DirectoryStore}. */
export interface DirectoryStoreOptions {
  /**
   * Opens for writing: makes the directory, and those above it, where they are missing.
   *
   * @default {false}
   */
  readonly create?: boolean;
  /** When blocks survive a power cut. @default {"end"} */
  readonly durability?: Durability;
  /**
   * Opens even where the directory cannot be reached: only the calls that need it fail then.
   *
   * @default {false}
   */
  readonly mayBeAway?: boolean;
}

/** A temporary file this old has no living writer: one takes milliseconds. */
const TEMPORARY_AGE_MAX_MS = 60 * 60 * 1000;

/**
 * Blocks in one directory, one file each; any number of processes and threads may share it.
 *
 * Its calls do their work before they return, as `LocalBlocks` does: on a local disk a block takes
 * less time than handing it to another thread and back.
 */
export class DirectoryStore implements Store {
  /** See {@link Store.url}. */
  readonly url: string;
  /** See {@link Store.local}. */
  readonly local: LocalPlacement;
  readonly #blocks: LocalBlocks;
  readonly #path: string;
  readonly #durability: Durability;
  /** Held from before the first write, so that no error of writing goes unseen. */
  readonly #fileSystem: FileSystemSync | undefined;

  private constructor(path: string, durability: Durability, writable: boolean) {
    this.#path = path;
    this.#durability = durability;
    this.url = directoryUrl(path);
    this.local = { directories: [{ ...FULL_RANGE, path, durability }] };
    this.#blocks = new LocalBlocks(this.local);
    this.#fileSystem = writable && this.#syncsAtEnd ? new FileSystemSync(path) : undefined;
  }

  /**
   * Opens the store in the directory at `path`, which may be a symbolic link to one.
   *
   * @throws {StoreUnavailableError} when it is missing (and neither `create` nor `mayBeAway` says
   *   otherwise), or is not a directory.
   * @throws {StoreDeniedError} when permissions stand in the way.
   */
  static async open(path: string, options: DirectoryStoreOptions = {}): Promise<DirectoryStore> {
    const absolute = absolutePath(path);
    const { create = false, durability = "end", mayBeAway = false } = options;
    try {
      if (create) await makeDirectory(absolute);
      // The final dot asks for a directory that may be searched.
      if (create || !mayBeAway) await Deno.stat(`${absolute}/.`);
      const store = new DirectoryStore(absolute, durability, create);
      if (create) store.#sweepSome();
      return store;
    } catch (error) {
      const url = directoryUrl(absolute);
      throw localFault(url, `open store ${url}`, error);
    }
  }

  /** See {@link Store.get}. */
  get(id: BlockId, options: StoreCallOptions = {}): Promise<Bytes> {
    return promised(options.signal, () => this.#blocks.get(id));
  }

  /** See {@link Store.put}. */
  put(id: BlockId, block: Uint8Array, options: PutOptions = {}): Promise<PutResult> {
    return promised(options.signal, () => this.#blocks.put(id, block, options));
  }

  /** See {@link Store.has}. */
  async has(ids: readonly BlockId[], options: StoreCallOptions = {}): Promise<boolean[]> {
    options.signal?.throwIfAborted();
    const breather = new Breather(options.signal);
    const found: boolean[] = [];
    for (const id of ids) {
      found.push(this.#blocks.has(id));
      if (breather.due) await breather.breathe();
    }
    return found;
  }

  /** See {@link Store.list}. */
  async *list(options: StoreCallOptions = {}): AsyncIterable<BlockId> {
    options.signal?.throwIfAborted();
    const breather = new Breather(options.signal);
    for (const id of this.#blocks.list()) {
      yield id;
      options.signal?.throwIfAborted();
      if (breather.due) await breather.breathe();
    }
  }

  /** See {@link Store.delete}. */
  delete(id: BlockId, options: StoreCallOptions = {}): Promise<boolean> {
    return promised(options.signal, () => this.#blocks.delete(id));
  }

  /**
   * With durability `"end"`, has the file system write out what it holds back. With `"each"` there
   * is nothing left to do, and `"none"` promises nothing.
   *
   * @throws {StoreUnavailableError} when the disk reported an error since the store was opened.
   */
  async flush(options: StoreCallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    if (!this.#syncsAtEnd) return;
    using opened = this.#fileSystem === undefined ? this.#openFileSystem() : undefined;
    const fileSystem = this.#fileSystem ?? opened!;
    if (await fileSystem.sync()) return;
    throw new StoreUnavailableError(
      this.url,
      `Cannot make the blocks in ${this.url} durable: the disk reported an error of writing`,
      { hint: "Check the disk and the system's log, then store the blocks again." },
    );
  }

  /**
   * Removes temporary files that killed writers left, and returns how many.
   *
   * @param olderThanMs Age in milliseconds.
   */
  sweepTemporary(olderThanMs: number = TEMPORARY_AGE_MAX_MS): number {
    return this.#blocks.sweepTemporary(olderThanMs);
  }

  /** Lets go of the directory. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#fileSystem?.[Symbol.dispose]();
    return Promise.resolve();
  }

  get #syncsAtEnd(): boolean {
    return this.#durability === "end" && FileSystemSync.isAvailable();
  }

  #openFileSystem(): FileSystemSync {
    try {
      return new FileSystemSync(this.#path);
    } catch (error) {
      throw localFault(this.url, `make the blocks in ${this.url} durable`, error);
    }
  }

  /**
   * Sweeps one subdirectory in 256. A killed thread leaves at most one file of one block's size, so
   * looking through a large store each time would cost more than it gains (0.1 s for 100,000
   * blocks, 0.4 s when they are not in memory), while this way none stays for ever in a store that
   * is used.
   */
  #sweepSome(): void {
    const prefix = Math.floor(Math.random() * PREFIX_COUNT);
    try {
      this.#blocks.sweepTemporary(TEMPORARY_AGE_MAX_MS, { start: prefix, end: prefix });
    } catch {
      // Another user's files, or a fault that the first put will meet and name. It is no reason not
      // to open the store.
    }
  }
}

/** Makes a directory and those above it, where they are missing. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (error) {
    // A file or a dangling link is in its place: looking into it says which.
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}
