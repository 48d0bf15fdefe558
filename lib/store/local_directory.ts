/**
 * One local directory of blocks: `<path>/<first two hex digits>/<id in hex>`, one file a block.
 * Blocks of older stores lie at `<path>/<id in hex>` and are read there.
 *
 * @module
 */

import { builtIn } from "../base/built_in.ts";
import { type Bytes, toHex } from "../base/bytes.ts";
import { BlockCorruptError } from "../base/errors.ts";
import { BLOCK_SIZE_MAX } from "../base/limits.ts";
import { type BlockId, parseBlockId } from "../block/block_ref.ts";
import { directoryUrl } from "./directory_url.ts";
import { FileSystemSync } from "./file_system_sync.ts";
import { localFault } from "./local_fault.ts";
import { formatPrefix, type PrefixRange } from "./prefix_range.ts";
import type { Durability, PutOptions, PutResult } from "./store.ts";

/** Files that are being written. No block id starts so, so listing passes over them. */
const TEMPORARY_PREFIX = ".tmp-";

const blockName = /^[0-9a-f]{64}$/;

/**
 * The blocks in one directory, synchronously. It holds no handle, and threads and processes may
 * each have their own on the same directory. All failures are store errors that name the directory.
 *
 * The calls are made thousands of times by workers, so the system calls are few: of the ways that
 * the runtime offers, `existsSync` is the cheapest to learn that a file is missing (1 µs; a thrown
 * NotFound costs 12), and open and read into an array of the right size the cheapest to read.
 */
export class LocalDirectory {
  /** `dir:///…` of the directory. */
  readonly url: string;
  /** Its absolute path. */
  readonly path: string;
  /** Whether each put waits for the disk. */
  readonly #syncsEach: boolean;
  /** Temporary names of this writer: random, so that no thread, process or machine shares them. */
  readonly #temporaryStem = TEMPORARY_PREFIX + toHex(crypto.getRandomValues(new Uint8Array(8)));
  #temporaryCount = 0;

  /**
   * Opens and creates nothing.
   *
   * @param path Absolute path.
   */
  constructor(path: string, durability: Durability = "end") {
    this.path = path;
    this.url = directoryUrl(path);
    this.#syncsEach = durability === "each" ||
      (durability === "end" && !FileSystemSync.isAvailable());
  }

  /** The block, or undefined where there is none. The caller owns the bytes. */
  read(id: BlockId): Bytes | undefined {
    try {
      return this.#readFile(id, this.#pathOf(id)) ?? this.#readFile(id, this.#flatPathOf(id)) ??
        this.#missing(id);
    } catch (error) {
      throw localFault(this.url, `read block ${id} from ${this.url}`, error);
    }
  }

  /** Whether the block is there. */
  has(id: BlockId): boolean {
    try {
      if (this.#sizeOf(id) !== undefined) return true;
      this.#missing(id);
      return false;
    } catch (error) {
      throw localFault(this.url, `look for block ${id} in ${this.url}`, error);
    }
  }

  /** Keeps a block. Its bytes are not held on to. */
  write(id: BlockId, block: Uint8Array, options: Pick<PutOptions, "replace"> = {}): PutResult {
    try {
      // Equal size, not mere existence: after a power cut a file system may show the final name
      // with content that never reached the disk, usually none at all, and that must not count as
      // the block. Comparing the bytes would read back every block that is already there.
      if (options.replace !== true && this.#sizeOf(id) === block.length) {
        if (this.#syncsEach) this.#syncExisting(id);
        return "present";
      }
      try {
        this.#writeFile(id, block);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
        // The first block of this prefix. Asking beforehand would cost every put something.
        this.#makeSubdirectory(id);
        this.#writeFile(id, block);
      }
      return "stored";
    } catch (error) {
      throw localFault(this.url, `store block ${id} in ${this.url}`, error);
    }
  }

  /** Removes the block in both layouts; tells whether it was there. */
  remove(id: BlockId): boolean {
    try {
      const removed = removeIfThere(this.#pathOf(id));
      if (removeIfThere(this.#flatPathOf(id)) || removed) return true;
      this.#missing(id);
      return false;
    } catch (error) {
      throw localFault(this.url, `delete block ${id} from ${this.url}`, error);
    }
  }

  /** The ids of the blocks in today's layout whose first byte is `prefix`. */
  listPrefix(prefix: number): BlockId[] {
    const digits = formatPrefix(prefix);
    return this.#blockNames(`${this.path}/${digits}`).filter((id) => id.startsWith(digits));
  }

  /** The ids of the blocks in the old flat layout; a store that never had it lists quickly. */
  listFlat(): BlockId[] {
    return this.#blockNames(this.path);
  }

  /**
   * Removes what killed writers left behind: temporary files that are older than a writer takes.
   *
   * @param olderThanMs Age in milliseconds since the last write, by this machine's clock.
   * @param range Which subdirectories to look at.
   * @returns How many files were removed.
   */
  sweepTemporary(olderThanMs: number, range: PrefixRange): number {
    const before = Date.now() - olderThanMs;
    let count = 0;
    for (let prefix = range.start; prefix <= range.end; prefix++) {
      const subdirectory = `${this.path}/${formatPrefix(prefix)}`;
      for (const name of this.#entries(subdirectory)) {
        if (!name.startsWith(TEMPORARY_PREFIX)) continue;
        const path = `${subdirectory}/${name}`;
        try {
          const modified = Deno.lstatSync(path).mtime;
          if (modified !== null && modified.getTime() <= before && removeIfThere(path)) count++;
        } catch (error) {
          // Its writer renamed it meanwhile.
          if (error instanceof Deno.errors.NotFound) continue;
          throw localFault(this.url, `remove ${path}`, error);
        }
      }
    }
    return count;
  }

  #subdirectoryOf(id: BlockId): string {
    return `${this.path}/${id.slice(0, 2)}`;
  }

  #pathOf(id: BlockId): string {
    return `${this.path}/${id.slice(0, 2)}/${id}`;
  }

  #flatPathOf(id: BlockId): string {
    return `${this.path}/${id}`;
  }

  #blockNames(path: string): BlockId[] {
    const ids: BlockId[] = [];
    for (const name of this.#entries(path)) if (blockName.test(name)) ids.push(parseBlockId(name));
    return ids;
  }

  /** Names in a directory, none where it does not exist unless it is the store's own. */
  *#entries(path: string): Iterable<string> {
    try {
      for (const entry of Deno.readDirSync(path)) yield entry.name;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound && path !== this.path) return;
      throw localFault(this.url, `list ${this.url}`, error);
    }
  }

  /** Size in bytes of the block's file; undefined where there is none or it is empty, so torn. */
  #sizeOf(id: BlockId): number | undefined {
    for (const path of [this.#pathOf(id), this.#flatPathOf(id)]) {
      const info = statIfThere(path);
      if (info !== undefined && info.isFile && info.size > 0) return info.size;
    }
    return undefined;
  }

  #readFile(id: BlockId, path: string): Bytes | undefined {
    // Before opening, for opening a FIFO in its place would wait for a writer for ever.
    const info = statIfThere(path);
    if (info === undefined || (info.isFile && info.size === 0)) return undefined;
    if (!info.isFile) throw new BlockCorruptError(id, `${path} is not a plain file`);
    if (info.size > BLOCK_SIZE_MAX) {
      throw new BlockCorruptError(
        id,
        `${path} has ${info.size} bytes, more than any block (${BLOCK_SIZE_MAX})`,
      );
    }
    const block = new Uint8Array(info.size);
    let length = 0;
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path);
    } catch (error) {
      // Deleted meanwhile.
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    try {
      while (length < block.length) {
        const count = file.readSync(length === 0 ? block : block.subarray(length));
        if (count === null) break;
        length += count;
      }
    } finally {
      file.close();
    }
    return length === block.length ? block : block.slice(0, length);
  }

  /**
   * Where no file was found: throws when that is because the directory itself cannot be reached,
   * so that an unmounted disk does not look like a store without blocks.
   */
  #missing(id: BlockId): undefined {
    const subdirectory = this.#subdirectoryOf(id);
    // With a final dot, because that needs the permission to search the directory.
    if (existsSync(`${subdirectory}/.`)) return undefined;
    if (existsSync(subdirectory)) Deno.statSync(`${subdirectory}/.`);
    if (!existsSync(`${this.path}/.`)) Deno.statSync(`${this.path}/.`);
    return undefined;
  }

  #writeFile(id: BlockId, block: Uint8Array): void {
    const subdirectory = this.#subdirectoryOf(id);
    const temporary = `${subdirectory}/${this.#temporaryStem}-${this.#temporaryCount++}`;
    const file = Deno.openSync(temporary, { write: true, createNew: true });
    try {
      try {
        let length = file.writeSync(block);
        while (length < block.length) length += file.writeSync(block.subarray(length));
        if (this.#syncsEach) file.syncDataSync();
      } finally {
        file.close();
      }
      Deno.renameSync(temporary, this.#pathOf(id));
    } catch (error) {
      try {
        Deno.removeSync(temporary);
      } catch {
        // What made the write fail may make this fail too; the sweep takes it later.
      }
      throw error;
    }
    if (this.#syncsEach) syncPath(subdirectory);
  }

  #makeSubdirectory(id: BlockId): void {
    try {
      Deno.mkdirSync(this.#subdirectoryOf(id));
    } catch (error) {
      // Another writer was first.
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
    if (this.#syncsEach) syncPath(this.path);
  }

  /** Somebody else wrote the block, who may not have waited for the disk. */
  #syncExisting(id: BlockId): void {
    const path = this.#pathOf(id);
    if (existsSync(path)) {
      syncPath(path);
      syncPath(this.#subdirectoryOf(id));
    } else {
      syncPath(this.#flatPathOf(id));
      syncPath(this.path);
    }
  }
}

let fileSystem: ReturnType<typeof builtIn<"node:fs">> | undefined;

function existsSync(path: string): boolean {
  fileSystem ??= builtIn("node:fs");
  return fileSystem.existsSync(path);
}

/** What is known about a file, through symbolic links; undefined where there is none. */
function statIfThere(path: string): Deno.FileInfo | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Removes a file; false where there is none. */
function removeIfThere(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    Deno.removeSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Waits until a file or the entries of a directory are on the disk (fsync(2)). */
function syncPath(path: string): void {
  const file = Deno.openSync(path);
  try {
    file.syncSync();
  } finally {
    file.close();
  }
}
