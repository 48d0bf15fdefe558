/**
 * What statx(2) says about an inode.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { CString, EMPTY_C_STRING } from "./c_string.ts";
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, libc } from "./libc.ts";

/** STATX_BASIC_STATS of statx(2). */
const BASIC_STATS = 0x7ff;
/** Size of `struct statx`. */
const STATX_SIZE = 256;

/**
 * The answer of the last successful call, as plain fields, so that a walk over a million files
 * makes no objects that it does not keep.
 */
export class FileStatus {
  readonly #bytes: Bytes = new Uint8Array(STATX_SIZE);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #name = new CString();

  /** Asks about `name` (a byte string) in the open directory `directoryFd`, without following it. */
  at(directoryFd: number, name: string): boolean {
    const flags = AT_SYMLINK_NOFOLLOW;
    return libc().statx(directoryFd, this.#name.of(name), flags, BASIC_STATS, this.#bytes) === 0;
  }

  /** Asks about the open file or directory `fd`. */
  of(fd: number): boolean {
    return libc().statx(fd, EMPTY_C_STRING, AT_EMPTY_PATH, BASIC_STATS, this.#bytes) === 0;
  }

  get linkCount(): number {
    return this.#view.getUint32(16, true);
  }
  get uid(): number {
    return this.#view.getUint32(20, true);
  }
  get gid(): number {
    return this.#view.getUint32(24, true);
  }
  get mode(): number {
    return this.#view.getUint16(28, true);
  }
  /** Whether it is a regular file. */
  get isFile(): boolean {
    return (this.mode & 0o170000) === 0o100000;
  }
  /** Inode number. Exact up to 2⁵³; beyond, two inodes of one device could look alike. */
  get inode(): number {
    return this.#uint64(32);
  }
  /** Size in bytes. */
  get size(): number {
    return this.#uint64(40);
  }
  /** Space on disk in bytes. */
  get allocatedBytes(): number {
    return this.#uint64(48) * 512;
  }
  /** Whole seconds of the last use of the content. */
  get atime(): number {
    return this.#int64(64);
  }
  get atimeNsec(): number {
    return this.#view.getUint32(72, true);
  }
  /** Whole seconds of the last change of the inode. */
  get ctime(): number {
    return this.#int64(96);
  }
  get ctimeNsec(): number {
    return this.#view.getUint32(104, true);
  }
  /** Whole seconds of the last change of the content. */
  get mtime(): number {
    return this.#int64(112);
  }
  get mtimeNsec(): number {
    return this.#view.getUint32(120, true);
  }
  get rdevMajor(): number {
    return this.#view.getUint32(128, true);
  }
  get rdevMinor(): number {
    return this.#view.getUint32(132, true);
  }
  /** The device the inode is on, as one number. */
  get device(): number {
    return this.#view.getUint32(136, true) * 0x1_0000_0000 + this.#view.getUint32(140, true);
  }

  #uint64(offset: number): number {
    return this.#view.getUint32(offset + 4, true) * 0x1_0000_0000 +
      this.#view.getUint32(offset, true);
  }

  #int64(offset: number): number {
    return this.#view.getInt32(offset + 4, true) * 0x1_0000_0000 +
      this.#view.getUint32(offset, true);
  }
}
