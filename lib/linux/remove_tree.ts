/**
 * Removes trees that may be of any depth.
 *
 * @module
 */

import { CString } from "./c_string.ts";
import { DirectoryReader } from "./directory_reader.ts";
import { AT_REMOVEDIR, libc, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from "./libc.ts";

const OPEN_DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/**
 * Removes `name` (a byte string) in the open directory `parentFd` with all that is in it, following
 * no link.
 *
 * Directories in it are moved up beside each other before they are emptied, so that neither the
 * stack nor the number of open files grows with the depth: a tree of another's making may be too
 * deep for both.
 *
 * @returns Whether it was there and is gone. What cannot be removed stays, with the way to it.
 */
export function removeTree(parentFd: number, name: string): boolean {
  const names = new CString();
  const places = new CString();
  const topFd = libc().openat(parentFd, names.of(name), OPEN_DIRECTORY, 0);
  if (topFd < 0) return libc().unlinkat(parentFd, names.of(name), 0) === 0;
  try {
    const reader = new DirectoryReader();
    const prefix = crypto.randomUUID();
    let moved = 0;
    const waiting = reader.names(topFd, name);
    for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
      if (libc().unlinkat(topFd, names.of(entry), 0) === 0) continue;
      const fd = libc().openat(topFd, names.of(entry), OPEN_DIRECTORY, 0);
      if (fd < 0) continue;
      try {
        for (const child of reader.names(fd, entry)) {
          if (libc().unlinkat(fd, names.of(child), 0) === 0) continue;
          const place = `${prefix}-${moved++}`;
          const done = libc().renameat(fd, names.of(child), topFd, places.of(place)) === 0;
          if (done) waiting.push(place);
        }
      } finally {
        libc().close(fd);
      }
      libc().unlinkat(topFd, names.of(entry), AT_REMOVEDIR);
    }
  } catch {
    // A directory that cannot be read: what is in it stays.
  } finally {
    libc().close(topFd);
  }
  return libc().unlinkat(parentFd, names.of(name), AT_REMOVEDIR) === 0;
}
