/**
 * A directory in the making, inside the directory that it will become a part of.
 *
 * @module
 */

import { displayByteString } from "../base/byte_string.ts";
import { type Failure, toFailure } from "../base/errors.ts";
import { CString } from "../linux/c_string.ts";
import { DirectoryCursor, openRootDirectory } from "../linux/directory_cursor.ts";
import { DirectoryReader } from "../linux/directory_reader.ts";
import { asSystemError, EEXIST, EISDIR, ENOTDIR, ENOTEMPTY, systemError } from "../linux/errno.ts";
import { FileStatus } from "../linux/file_status.ts";
import { errno, libc } from "../linux/libc.ts";
import { removeTree } from "../linux/remove_tree.ts";
import { XattrAccess } from "../linux/xattr.ts";
import { DirectorySink, type DirectorySinkOptions } from "../tree/directory_sink.ts";
import { joinPath } from "../tree/directory_source.ts";
import { kindOfMode } from "../tree/tree_entry.ts";

/** What staging directories are called; whoever finds one may remove it when no unpack runs. */
const NAME_PREFIX = ".myfs-unpack-";

/** An ACL without entries (version 2 of linux/posix_acl_xattr.h): setting it removes the ACL. */
const EMPTY_ACL = Uint8Array.of(2, 0, 0, 0);

/** A new directory in `target` that is removed again unless it is published. */
export class StagingDirectory implements Disposable {
  /** Absolute path of the staging directory. */
  readonly path: string;
  readonly #target: string;
  readonly #name: string;
  readonly #targetIsNew: boolean;
  readonly #targetFd: number;
  readonly #stagingFd: number;

  private constructor(target: string, name: string, targetIsNew: boolean) {
    this.#target = target;
    this.#name = name;
    this.#targetIsNew = targetIsNew;
    this.path = `${target}/${name}`;
    this.#targetFd = openRootDirectory(target);
    this.#stagingFd = openRootDirectory(this.path);
    // What the target gives to everything made in it is not part of the tree. Fails where there is
    // no such thing.
    new XattrAccess().write(this.#stagingFd, ".", "system.posix_acl_default", EMPTY_ACL);
  }

  /**
   * Makes a staging directory in `target`, and `target` with its parents where they are missing.
   *
   * @throws {SystemError} when `target` is no directory or cannot be written.
   */
  static async create(target: string): Promise<StagingDirectory> {
    let isNew = false;
    try {
      await Deno.lstat(target);
    } catch {
      isNew = true;
    }
    const name = `${NAME_PREFIX}${crypto.randomUUID().slice(0, 8)}`;
    try {
      await Deno.mkdir(target, { recursive: true });
      const absolute = await Deno.realPath(target);
      await Deno.mkdir(`${absolute}/${name}`, { mode: 0o700 });
      return new StagingDirectory(absolute, name, isNew);
    } catch (error) {
      // mkdir(2) says of a file in the way only that it exists.
      if (error instanceof Deno.errors.AlreadyExists) {
        throw systemError("write into", target, ENOTDIR);
      }
      throw asSystemError("write into", target, error);
    }
  }

  /** A sink into the staging directory. */
  sink(options: DirectorySinkOptions): DirectorySink {
    return new DirectorySink(this.#stagingFd, options);
  }

  /** A sink into the target, for what has been published. */
  targetSink(options: DirectorySinkOptions): DirectorySink {
    return new DirectorySink(this.#targetFd, options);
  }

  /**
   * Moves everything into the target. Directories that exist there are kept and receive what is new;
   * other entries take the place of entries that exist. What is in the way is told and left out.
   * The staging directory itself is gone after, so that the target's time can be set.
   *
   * @param onFailure Told of each path (a byte string) that, with all below it, stays out.
   */
  publish(onFailure: (path: string, failure: Failure) => void): void {
    const leaveOut = (path: string, error: unknown): void =>
      onFailure(path, toFailure(displayByteString(path), error));
    using from = new DirectoryCursor(this.#stagingFd);
    using to = new DirectoryCursor(this.#targetFd);
    const reader = new DirectoryReader();
    const status = new FileStatus();
    const fromName = new CString();
    const toName = new CString();
    const waiting = [""];
    for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
      try {
        to.enter(directory);
      } catch (error) {
        // There before, and closed to us.
        leaveOut(directory, error);
        continue;
      }
      for (const name of reader.names(from.enter(directory), directory).sort()) {
        const path = joinPath(directory, name);
        const fromFd = from.enter(directory);
        const toFd = to.enter(directory);
        const moved = libc().renameat(fromFd, fromName.of(name), toFd, toName.of(name));
        if (moved === 0) continue;
        const number = errno();
        const bothAreDirectories = status.at(toFd, name) && isDirectory(status) &&
          status.at(fromFd, name) && isDirectory(status);
        if (IN_THE_WAY.has(number) && bothAreDirectories) waiting.push(path);
        else leaveOut(path, systemError("replace", path, number));
      }
    }
    removeTree(this.#targetFd, this.#name);
  }

  /** Removes the staging directory with what is left in it, unless that has been done. */
  [Symbol.dispose](): void {
    const unpublished = removeTree(this.#targetFd, this.#name);
    libc().close(this.#stagingFd);
    libc().close(this.#targetFd);
    // A target that this unpack made and put nothing into is not left behind.
    if (unpublished && this.#targetIsNew) removeEmpty(this.#target);
  }
}

function removeEmpty(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // Someone else has put something into it.
  }
}

/** Errors of rename(2) when a directory is where the new entry goes. */
const IN_THE_WAY = new Set([EEXIST, ENOTEMPTY, ENOTDIR, EISDIR]);

function isDirectory(status: FileStatus): boolean {
  return kindOfMode(status.mode) === "directory";
}
