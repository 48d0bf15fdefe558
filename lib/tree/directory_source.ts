/**
 * A directory on this machine as a stream of entries, with exact names and all metadata.
 *
 * @module
 */

import { decodeByteString, displayByteString, sortByteStrings } from "../base/byte_string.ts";
import { Breather } from "../base/concurrency.ts";
import { type Failure, toFailure } from "../base/errors.ts";
import { LINK_TARGET_LENGTH_MAX } from "../base/limits.ts";
import { CString } from "../linux/c_string.ts";
import { DirectoryCursor, openRootDirectory } from "../linux/directory_cursor.ts";
import { DirectoryReader } from "../linux/directory_reader.ts";
import { systemError } from "../linux/errno.ts";
import { FileStatus } from "../linux/file_status.ts";
import { libc, O_CLOEXEC, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, SEEK_HOLE } from "../linux/libc.ts";
import { XattrAccess } from "../linux/xattr.ts";
import {
  type EntryKind,
  type EntryMetadata,
  kindOfMode,
  makeDevice,
  type Xattrs,
} from "./tree_entry.ts";

/** One entry as it lies on disk: its metadata, and what tells later whether it has changed. */
export interface ScannedEntry extends EntryMetadata {
  /** Name in its directory, a byte string; empty for the root. */
  readonly name: string;
  /** What it is. */
  readonly kind: EntryKind;
  /** Where a symbolic link points, a byte string. */
  readonly linkTarget?: string;
  /** Extended attributes, where there are any. */
  readonly xattrs?: Xattrs;
  /** Device that the inode is on. */
  readonly device: number;
  /** Inode number on that device. */
  readonly inode: number;
  /** How many names the inode has. */
  readonly linkCount: number;
  /** Whether a file has holes: ranges that take no space and read as zeros. */
  readonly hasHoles: boolean;
  /** Whole seconds of the inode's last change. */
  readonly ctime: number;
  /** Nanoseconds to add to `ctime`. */
  readonly ctimeNsec: number;
}

/** A directory and what is in it. */
export interface ScannedDirectory {
  /** Path from the root, empty for the root: a byte string. */
  readonly path: string;
  /** The directory's own metadata. */
  readonly self: ScannedEntry;
  /** What is in it, sorted by name bytes. */
  readonly entries: readonly ScannedEntry[];
}

/** How to walk. */
export interface ScanOptions {
  /** Tells which entries to leave out; a directory left out is not entered. */
  readonly exclude?: (path: string, kind: EntryKind) => boolean;
  /**
   * Whether to stay on the root's file system: directories where others are mounted stay empty.
   * @default {false}
   */
  readonly oneFileSystem?: boolean;
  /** Told of everything that could not be read; the walk goes on without it, or ends if this throws. */
  readonly onFailure: (failure: Failure, error: unknown) => void;
  /** Stops the walk. */
  readonly signal?: AbortSignal;
}

/**
 * Walks the directory `root`: each directory before those in it, all entries of a directory
 * together, sorted by name bytes, so that equal trees give equal streams.
 *
 * @throws {SystemError} when the root itself cannot be read.
 */
export async function* scanDirectory(
  root: string,
  options: ScanOptions,
): AsyncGenerator<ScannedDirectory> {
  const rootFd = openRootDirectory(root);
  const cursor = new DirectoryCursor(rootFd);
  try {
    const scanner = new Scanner(options);
    const breather = new Breather(options.signal);
    const self = scanner.scanRoot(rootFd, root);
    const waiting: { path: string; self: ScannedEntry }[] = [{ path: "", self }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const elsewhere = options.oneFileSystem === true && next.self.device !== self.device;
      let entries: ScannedEntry[] = [];
      try {
        if (!elsewhere) entries = scanner.scanEntries(cursor.enter(next.path), next.path);
      } catch (error) {
        if (next.path === "") throw error;
        options.onFailure(toFailure(displayByteString(next.path), error), error);
      }
      yield { path: next.path, self: next.self, entries };
      for (let i = entries.length - 1; i >= 0; i--) {
        const entry = entries[i]!;
        if (entry.kind !== "directory") continue;
        waiting.push({ path: joinPath(next.path, entry.name), self: entry });
      }
      if (breather.due) await breather.breathe();
    }
  } finally {
    cursor[Symbol.dispose]();
    libc().close(rootFd);
  }
}

/** `name` in the directory `path`, which is empty for the root. */
export function joinPath(path: string, name: string): string {
  return path === "" ? name : `${path}/${name}`;
}

/** Reads entries of open directories through buffers that it reuses. */
class Scanner {
  readonly #options: ScanOptions;
  readonly #reader = new DirectoryReader();
  readonly #status = new FileStatus();
  readonly #xattrs = new XattrAccess();
  readonly #name = new CString();
  readonly #target = new Uint8Array(LINK_TARGET_LENGTH_MAX + 1);

  constructor(options: ScanOptions) {
    this.#options = options;
  }

  scanRoot(fd: number, path: string): ScannedEntry {
    if (!this.#status.of(fd)) throw systemError("read the attributes of", path);
    return this.#entry(fd, "", "directory");
  }

  scanEntries(fd: number, path: string): ScannedEntry[] {
    const names = sortByteStrings(this.#reader.names(fd, path));
    const entries: ScannedEntry[] = [];
    for (const name of names) {
      const entryPath = joinPath(path, name);
      try {
        if (!this.#status.at(fd, name)) throw systemError("read the attributes of", entryPath);
        const kind = kindOfMode(this.#status.mode);
        if (kind === undefined) throw systemError("understand the file type of", entryPath, 22);
        if (this.#options.exclude?.(entryPath, kind)) continue;
        entries.push(this.#entry(fd, name, kind));
      } catch (error) {
        this.#options.onFailure(toFailure(displayByteString(entryPath), error), error);
      }
    }
    return entries;
  }

  #entry(directoryFd: number, name: string, kind: EntryKind): ScannedEntry {
    const status = this.#status;
    const xattrs = this.#xattrs.readAll(directoryFd, name);
    const linkTarget = kind === "symlink" ? this.#readLink(directoryFd, name) : undefined;
    const isDevice = kind === "char-device" || kind === "block-device";
    return {
      name,
      kind,
      mode: status.mode,
      uid: status.uid,
      gid: status.gid,
      size: kind === "file" || kind === "symlink" ? status.size : 0,
      mtime: status.mtime,
      mtimeNsec: status.mtimeNsec,
      rdev: isDevice ? makeDevice(status.rdevMajor, status.rdevMinor) : 0,
      device: status.device,
      inode: status.inode,
      linkCount: status.linkCount,
      hasHoles: kind === "file" && status.allocatedBytes < status.size &&
        this.#hasHoles(directoryFd, name, status.size),
      ctime: status.ctime,
      ctimeNsec: status.ctimeNsec,
      ...(linkTarget === undefined ? {} : { linkTarget }),
      ...(xattrs === undefined ? {} : { xattrs }),
    };
  }

  /** A file that takes less space than its size has holes, or lies compressed: lseek(2) tells. */
  #hasHoles(directoryFd: number, name: string, size: number): boolean {
    const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    const fd = libc().openat(directoryFd, this.#name.of(name), flags, 0);
    // Whoever reads the content will find and report that the file cannot be opened.
    if (fd < 0) return false;
    const hole = Number(libc().lseek(fd, 0, SEEK_HOLE));
    libc().close(fd);
    return hole >= 0 && hole < size;
  }

  #readLink(directoryFd: number, name: string): string {
    const length = libc().readlinkat(
      directoryFd,
      this.#name.of(name),
      this.#target,
      this.#target.length,
    );
    if (length < 0) throw systemError("read the link", name);
    return decodeByteString(this.#target.subarray(0, length));
  }
}
