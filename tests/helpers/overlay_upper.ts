/**
 * Upper directories of overlays made by hand, without the rights of root where the marks are those of
 * `user.overlay.`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openRootDirectory } from "../../lib/linux/directory_cursor.ts";
import { CString } from "../../lib/linux/c_string.ts";
import { AT_FDCWD, libc } from "../../lib/linux/libc.ts";
import { XattrAccess } from "../../lib/linux/xattr.ts";

const CHARACTER_DEVICE = 0o020000;

/** Makes a whiteout as the kernel does: a character device 0/0, which any user may make. */
export function makeWhiteout(path: string): void {
  assert.equal(libc().mknodat(AT_FDCWD, new CString().of(path), CHARACTER_DEVICE, 0), 0, path);
}

/** Sets the attribute `name` of the entry at `path`. */
export function setXattr(path: string, name: string, value: string): void {
  const slash = path.lastIndexOf("/");
  const fd = openRootDirectory(path.slice(0, slash));
  const bytes = new TextEncoder().encode(value);
  const error = new XattrAccess().write(fd, path.slice(slash + 1), name, bytes);
  libc().close(fd);
  assert.equal(error, 0, `${name} of ${path}`);
}

/** Sets marks of an overlay that is mounted with `userxattr`, such as `{ opaque: "y" }`. */
export function setMarks(path: string, marks: Readonly<Record<string, string>>): void {
  for (const [mark, value] of Object.entries(marks)) {
    setXattr(path, `user.overlay.${mark}`, value);
  }
}
