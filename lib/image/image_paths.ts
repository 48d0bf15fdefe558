/**
 * Paths inside an image.
 *
 * @module
 */

import { displayByteString } from "../base/byte_string.ts";
import { PathNotFoundError, UnsafePathError } from "../base/errors.ts";
import type { FlistReader, Inode } from "../flist/flist_reader.ts";
import { ROOT_INO } from "../flist/flist_record.ts";

/**
 * The inode at `path`: names joined by `/`; slashes at the ends, doubled slashes and `.` count for
 * nothing, so that `/`, `.` and the empty path are the root. Links are not followed.
 *
 * @throws {PathNotFoundError} when there is none.
 * @throws {UnsafePathError} when the path has a `..`.
 */
export function resolveInode(flist: FlistReader, path: string): Inode {
  let inode = flist.inode(ROOT_INO);
  for (const name of path.split("/")) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      throw new UnsafePathError(displayByteString(path), "paths inside an image have no `..`");
    }
    inode = inode?.kind === "directory" ? flist.child(inode.ino, name) : undefined;
  }
  if (inode === undefined) throw new PathNotFoundError(displayByteString(path), flist.path);
  return inode;
}

/** `path` as {@link resolveInode} understands it, in its shortest form: empty for the root. */
export function normalizePath(path: string): string {
  return path.split("/").filter((name) => name !== "" && name !== ".").join("/");
}
