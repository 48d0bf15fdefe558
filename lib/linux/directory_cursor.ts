/**
 * An open directory that moves through a tree.
 *
 * Every step opens one name relative to an open directory and never follows a symbolic link, so
 * that a path of any depth works (no PATH_MAX) and nothing that is swapped for a link meanwhile
 * leads out of the tree.
 *
 * @module
 */

import { CString } from "./c_string.ts";
import { systemError } from "./errno.ts";
import { AT_FDCWD, libc, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from "./libc.ts";

/** Directories held open on the way to the current one; others are reopened when needed. */
const HELD_DEPTH_MAX = 48;

interface Held {
  readonly path: string;
  readonly fd: number;
}

/** Moves from directory to directory below a root, keeping much of the way to the current one open. */
export class DirectoryCursor implements Disposable {
  readonly #rootFd: number;
  /** The way to the current directory: ancestors of each other, shallowest first. */
  readonly #held: Held[] = [];
  readonly #name = new CString();

  /** @param rootFd An open directory; the cursor does not close it. */
  constructor(rootFd: number) {
    this.#rootFd = rootFd;
  }

  /**
   * Descriptor of the directory at `path` below the root (names joined by `/`, empty for the root).
   * It belongs to the cursor and is valid until the next call.
   *
   * @throws {SystemError} when a directory on the way cannot be opened.
   */
  enter(path: string): number {
    if (path === "") return this.#rootFd;
    while (this.#held.length > 0) {
      const last = this.#held.at(-1)!;
      if (last.path === path) return last.fd;
      if (path.startsWith(last.path) && path[last.path.length] === "/") break;
      this.#held.pop();
      libc().close(last.fd);
    }
    const start = this.#held.at(-1);
    let fd = start?.fd ?? this.#rootFd;
    let at = start === undefined ? 0 : start.path.length + 1;
    while (true) {
      const slash = path.indexOf("/", at);
      const end = slash < 0 ? path.length : slash;
      const opened = libc().openat(
        fd,
        this.#name.of(path.slice(at, end)),
        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
        0,
      );
      if (opened < 0) throw systemError("open the directory", path.slice(0, end));
      if (this.#held.length >= HELD_DEPTH_MAX) this.#thinOut();
      this.#held.push({ path: path.slice(0, end), fd: opened });
      fd = opened;
      if (slash < 0) return fd;
      at = end + 1;
    }
  }

  /**
   * Closes every second directory of the upper half: few descriptors are held then on a very deep
   * way, and still none is far from one that is.
   */
  #thinOut(): void {
    for (let i = 1; i < this.#held.length / 2; i++) {
      const [{ fd }] = this.#held.splice(i, 1) as [Held];
      libc().close(fd);
    }
  }

  /** Closes what the cursor holds open. */
  [Symbol.dispose](): void {
    for (const { fd } of this.#held.splice(0)) libc().close(fd);
  }
}

/**
 * Opens the directory at `path`, following links as the shell would: this is how the user names a
 * root.
 *
 * @returns A descriptor that the caller closes.
 * @throws {SystemError} when it cannot be opened.
 */
export function openRootDirectory(path: string): number {
  const fd = libc().openat(
    AT_FDCWD,
    new CString().of(path),
    O_RDONLY | O_DIRECTORY | O_CLOEXEC,
    0,
  );
  if (fd < 0) throw systemError("open the directory", path);
  return fd;
}
