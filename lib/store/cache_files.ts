/**
 * The blocks of a cache as files, in the layout of a directory store:
 * `<folder>/<first two hex digits>/<id in hex>`.
 *
 * A file's time of last use (atime) is the block's, to the second. It costs a microsecond to set, all
 * processes see it at once, and no kill loses it. To keep recency in the index instead would cost
 * each hit several microseconds, or need batches that are lost with their process.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { BLOCK_SIZE_MAX } from "../base/limits.ts";
import { type BlockId, parseBlockId } from "../block/block_ref.ts";
import { CString } from "../linux/c_string.ts";
import { DirectoryReader } from "../linux/directory_reader.ts";
import {
  EEXIST,
  EINTR,
  EISDIR,
  ELOOP,
  ENOENT,
  ENOTDIR,
  EPERM,
  systemError,
} from "../linux/errno.ts";
import { FileStatus } from "../linux/file_status.ts";
import {
  AT_FDCWD,
  errno,
  libc,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_NOATIME,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
} from "../linux/libc.ts";
import { formatPrefix, PREFIX_COUNT } from "./prefix_range.ts";

/** A block as its file shows it. */
export interface CachedFile {
  readonly id: BlockId;
  /** Length in bytes. */
  readonly size: number;
  /** When it was last used, in milliseconds since 1970. */
  readonly usedMs: number;
}

/** Tells one state of a file from others: whoever writes to the file changes it. */
export interface FileStamp {
  readonly inode: number;
  readonly size: number;
  readonly mtime: number;
  readonly mtimeNsec: number;
}

/** What lies in the place of a block. */
export type CachedRead =
  | { readonly kind: "block"; readonly block: Bytes; readonly stamp: FileStamp }
  | { readonly kind: "missing" }
  | { readonly kind: "damaged" };

const MISSING: CachedRead = { kind: "missing" };
const DAMAGED: CachedRead = { kind: "damaged" };

/** A use is noted when the last one that was noted is this long ago. */
const USE_RESOLUTION_MS = 1000;
/** The one file that may be under way: whoever writes holds the lock of the cache. */
const INCOMING = "incoming";
/** How a directory store names files under way, for somebody may use the folder as one. */
const STORE_TEMPORARY_PREFIX = ".tmp-";
/** A file of that name which is this old has no living writer. */
const STORE_TEMPORARY_AGE_MAX_MS = 60 * 60 * 1000;
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
/** In the place of nanoseconds: leave this time as it is (utimensat(2)). */
const UTIME_OMIT = 0x3ffffffe;

const blockName = /^[0-9a-f]{64}$/;

/** Reads and writes the files of one cache. It holds no handle. */
export class CacheFiles {
  /** Absolute path of the cache. */
  readonly folder: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly #name = new CString();
  readonly #otherName = new CString();
  readonly #status = new FileStatus();
  /** Two `struct timespec`: the times of last use and of writing. */
  readonly #times = new DataView(new ArrayBuffer(32));

  /** Opens nothing. */
  constructor(folder: string, now: () => number) {
    this.folder = folder;
    this.now = now;
  }

  /**
   * What is kept under `id`, not checked against it. The caller owns the bytes. Notes the use.
   *
   * @throws {SystemError} when the file cannot be read.
   */
  read(id: BlockId): CachedRead {
    const path = this.#pathOf(id);
    // Without waiting, for a FIFO in the place of a block would wait for its writer for ever.
    const flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    let fd = libc().openat(AT_FDCWD, this.#name.of(path), flags | O_NOATIME, 0);
    if (fd < 0 && errno() === EPERM) {
      // Only the owner of a file may leave its times alone.
      fd = libc().openat(AT_FDCWD, this.#name.of(path), flags, 0);
    }
    if (fd < 0) {
      const number = errno();
      if (number === ENOENT || number === ENOTDIR) return MISSING;
      if (number === ELOOP) return DAMAGED;
      throw systemError("read", path, number);
    }
    try {
      return this.#readOpen(fd, path);
    } finally {
      libc().close(fd);
    }
  }

  #readOpen(fd: number, path: string): CachedRead {
    const status = this.#status;
    if (!status.of(fd)) throw systemError("read", path);
    const { size } = status;
    if (!status.isFile || size < 1 || size > BLOCK_SIZE_MAX) return DAMAGED;
    const usedMs = this.#usedMs();
    const stamp = this.#stamp();
    const block = new Uint8Array(size);
    for (let length = 0; length < size;) {
      const rest = length === 0 ? block : block.subarray(length);
      const count = libc().read(fd, rest, size - length);
      if (count < 0 && errno() !== EINTR) throw systemError("read", path);
      if (count === 0) return DAMAGED;
      if (count > 0) length += count;
    }
    const now = this.now();
    // Where it cannot be set, as on a disk that is read only, nothing is ever evicted either.
    if (Math.abs(now - usedMs) >= USE_RESOLUTION_MS) libc().futimens(fd, this.#timesAt(now));
    return { kind: "block", block, stamp };
  }

  /** Size and time of last use of a block; undefined where there is none. */
  look(id: BlockId): CachedFile | undefined {
    if (!this.#status.at(AT_FDCWD, this.#pathOf(id))) return undefined;
    if (!this.#status.isFile) return undefined;
    return { id, size: this.#status.size, usedMs: this.#usedMs() };
  }

  /**
   * Writes a block, which appears at once and whole. Only for who holds the lock of the cache.
   *
   * @returns The stamp of its file.
   * @throws {SystemError} when the disk or the folder refuses; nothing is left then.
   */
  write(id: BlockId, block: Uint8Array<ArrayBuffer>): FileStamp {
    const temporary = `${this.folder}/${INCOMING}`;
    // What a killed writer left in its place goes.
    const flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
    const fd = libc().openat(AT_FDCWD, this.#name.of(temporary), flags, FILE_MODE);
    if (fd < 0) throw systemError("write", temporary);
    let stamp: FileStamp;
    try {
      try {
        for (let length = 0; length < block.length;) {
          const rest = length === 0 ? block : block.subarray(length);
          const count = libc().write(fd, rest, rest.length);
          if (count < 0 && errno() !== EINTR) throw systemError("write", temporary);
          if (count > 0) length += count;
        }
        // The clock of a file system may stand still for some milliseconds, in which a second write
        // would not show. Random nanoseconds make the stamp one that no write gives by itself.
        libc().futimens(fd, this.#timesAt(this.now(), Math.floor(Math.random() * 1e9)));
        if (!this.#status.of(fd)) throw systemError("write", temporary);
        stamp = this.#stamp();
      } finally {
        libc().close(fd);
      }
      this.#rename(temporary, id);
      return stamp;
    } catch (error) {
      libc().unlinkat(AT_FDCWD, this.#name.of(temporary), 0);
      throw error;
    }
  }

  #rename(temporary: string, id: BlockId): void {
    const path = this.#pathOf(id);
    const rename = (): boolean =>
      libc().renameat(
        AT_FDCWD,
        this.#name.of(temporary),
        AT_FDCWD,
        this.#otherName.of(path),
      ) === 0;
    if (rename()) return;
    if (errno() !== ENOENT) throw systemError("write", path);
    const directory = path.slice(0, path.lastIndexOf("/"));
    const made = libc().mkdirat(AT_FDCWD, this.#name.of(directory), DIRECTORY_MODE);
    if (made !== 0 && errno() !== EEXIST) throw systemError("make the directory", directory);
    if (!rename()) throw systemError("write", path);
  }

  /**
   * Removes a block; false where there was none.
   *
   * @throws {SystemError} when the folder refuses.
   */
  remove(id: BlockId): boolean {
    return this.#unlink(this.#pathOf(id));
  }

  /** All blocks, prefix by prefix. What is not a block is passed over. */
  *list(): Generator<CachedFile> {
    const reader = new DirectoryReader();
    for (let prefix = 0; prefix < PREFIX_COUNT; prefix++) {
      const digits = formatPrefix(prefix);
      const directory = `${this.folder}/${digits}`;
      for (const name of this.#namesIn(reader, directory)) {
        if (!blockName.test(name) || !name.startsWith(digits)) continue;
        const file = this.look(parseBlockId(name));
        if (file !== undefined) yield file;
      }
    }
  }

  /**
   * Removes files that killed writers left. Only for who holds the lock of the cache.
   *
   * @returns How many there were.
   */
  sweepTemporary(): number {
    let count = this.#unlink(`${this.folder}/${INCOMING}`) ? 1 : 0;
    const before = this.now() - STORE_TEMPORARY_AGE_MAX_MS;
    const reader = new DirectoryReader();
    for (let prefix = 0; prefix < PREFIX_COUNT; prefix++) {
      const directory = `${this.folder}/${formatPrefix(prefix)}`;
      for (const name of this.#namesIn(reader, directory)) {
        const path = `${directory}/${name}`;
        if (!name.startsWith(STORE_TEMPORARY_PREFIX)) continue;
        if (!this.#status.at(AT_FDCWD, path) || this.#status.mtime * 1000 > before) continue;
        if (this.#unlink(path)) count++;
      }
    }
    return count;
  }

  #namesIn(reader: DirectoryReader, directory: string): string[] {
    const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    const fd = libc().openat(AT_FDCWD, this.#name.of(directory), flags, 0);
    if (fd < 0) {
      if ([ENOENT, ENOTDIR, ELOOP].includes(errno())) return [];
      throw systemError("list", directory);
    }
    try {
      return reader.names(fd, directory);
    } finally {
      libc().close(fd);
    }
  }

  #unlink(path: string): boolean {
    if (libc().unlinkat(AT_FDCWD, this.#name.of(path), 0) === 0) return true;
    const number = errno();
    // A directory in the place of a file is nobody's block, and not ours to remove.
    if (number === ENOENT || number === ENOTDIR || number === EISDIR) return false;
    throw systemError("remove", path, number);
  }

  #pathOf(id: BlockId): string {
    return `${this.folder}/${id.slice(0, 2)}/${id}`;
  }

  #usedMs(): number {
    return this.#status.atime * 1000 + Math.floor(this.#status.atimeNsec / 1e6);
  }

  #stamp(): FileStamp {
    const { inode, size, mtime, mtimeNsec } = this.#status;
    return { inode, size, mtime, mtimeNsec };
  }

  /** Times for futimens(2): of last use, and of writing, which stays as it is by default. */
  #timesAt(ms: number, writtenNsec: number = UTIME_OMIT): Bytes {
    const seconds = BigInt(Math.floor(ms / 1000));
    this.#times.setBigInt64(0, seconds, true);
    this.#times.setUint32(8, (ms % 1000) * 1e6, true);
    this.#times.setBigInt64(16, seconds, true);
    this.#times.setUint32(24, writtenNsec, true);
    return new Uint8Array(this.#times.buffer);
  }
}
