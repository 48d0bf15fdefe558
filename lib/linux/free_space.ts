/**
 * How much room a file system has, with statvfs(3).
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { CString } from "./c_string.ts";
import { systemError } from "./errno.ts";
import { libc } from "./libc.ts";

/** Size of `struct statvfs` of glibc on 64-bit systems, and the offsets of its fields. */
const STATVFS_SIZE = 112;
const FRAGMENT_SIZE_AT = 8;
const BLOCKS_AT = 16;
const AVAILABLE_AT = 32;

const name = new CString();
const bytes: Bytes = new Uint8Array(STATVFS_SIZE);
const view = new DataView(bytes.buffer);

/** Room on a file system, in bytes. */
export interface FileSystemSpace {
  /** What this user may still write. */
  readonly freeBytes: number;
  /** Size of the file system. */
  readonly totalBytes: number;
}

/**
 * Room on the file system that `path` lies on.
 *
 * @throws {SystemError} when there is nothing at `path`, or it may not be asked.
 */
export function fileSystemSpace(path: string): FileSystemSpace {
  if (libc().statvfs(name.of(path), bytes) !== 0) {
    throw systemError("look for free space at", path);
  }
  const fragment = Number(view.getBigUint64(FRAGMENT_SIZE_AT, true));
  return {
    freeBytes: Number(view.getBigUint64(AVAILABLE_AT, true)) * fragment,
    totalBytes: Number(view.getBigUint64(BLOCKS_AT, true)) * fragment,
  };
}
