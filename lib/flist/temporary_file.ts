/**
 * A file written under a temporary name, which appears under its own name at once and whole, or not
 * at all.
 *
 * @module
 */

import { basename, dirname, resolve } from "node:path";
import { displayByteString } from "../base/byte_string.ts";
import { SystemError } from "../base/errors.ts";
import { toHex } from "../base/bytes.ts";
import { fileError } from "./file_failures.ts";

/** What follows the name of the target. */
const SUFFIX_PATTERN = /^\.[0-9a-f]{8}\.tmp$/;

/** A file this old that nobody has locked was left by a process that was killed, in milliseconds. */
const LEFT_BEHIND_MS_MIN = 60_000;

/**
 * An empty file beside the one it is to become. Disposing of it removes it unless it became one. As
 * long as it lives it is locked (flock(2)), which tells it from one that a killed process has left.
 */
export class TemporaryFile implements Disposable {
  /** Absolute path: that of the target, eight random hexadecimal digits, and `.tmp`. */
  readonly path: string;
  readonly #target: string;
  readonly #file: Deno.FsFile;
  #pending = true;

  private constructor(target: string, path: string, file: Deno.FsFile) {
    this.#target = target;
    this.path = path;
    this.#file = file;
  }

  /**
   * Makes an empty file beside `target`, which need not exist, and removes those for the same target
   * that killed processes have left.
   *
   * @throws {SystemError} when it cannot be made, or `target` is a directory.
   */
  static beside(target: string): TemporaryFile {
    const absolute = resolve(target);
    const path = `${absolute}.${toHex(crypto.getRandomValues(new Uint8Array(4)))}.tmp`;
    try {
      if (isDirectory(absolute)) {
        // Told now, and not when the work is done and the file is to be renamed.
        throw new SystemError("write", displayByteString(target), "EISDIR", "it is a directory");
      }
      removeLeftBehind(absolute);
      const file = Deno.openSync(path, { write: true, createNew: true });
      file.tryLockSync(true);
      return new TemporaryFile(absolute, path, file);
    } catch (error) {
      throw fileError("write", target, error);
    }
  }

  /**
   * Gives the file its own name, in place of whatever had it, when all its bytes are on disk. A
   * power failure leaves the old file or the new one.
   *
   * @throws {SystemError} when the disk or the directory refuses.
   */
  replaceTarget(): void {
    try {
      syncPath(this.path);
      Deno.renameSync(this.path, this.#target);
      this.#pending = false;
      this.#file.close();
      syncPath(dirname(this.#target));
    } catch (error) {
      throw fileError("write", this.#target, error);
    }
  }

  /** Removes the file unless it has its own name by now. */
  [Symbol.dispose](): void {
    if (!this.#pending) return;
    this.#pending = false;
    this.#file.close();
    try {
      Deno.removeSync(this.path);
    } catch {
      // The error that leads here tells more than one about a file that is in nobody's way.
    }
  }
}

function removeLeftBehind(target: string): void {
  const [folder, name] = [dirname(target), basename(target)];
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync(folder)];
  } catch {
    // One may write to a folder that one may not list; one that is not there is told of soon.
    return;
  }
  for (const entry of entries) {
    if (!entry.isFile || !entry.name.startsWith(name)) continue;
    if (!SUFFIX_PATTERN.test(entry.name.slice(name.length))) continue;
    const path = `${folder}/${entry.name}`;
    try {
      using file = Deno.openSync(path);
      const { mtime } = file.statSync();
      // A young one may belong to somebody who is about to lock it.
      if (mtime === null || Date.now() - mtime.getTime() < LEFT_BEHIND_MS_MIN) continue;
      if (file.tryLockSync(true)) Deno.removeSync(path);
    } catch {
      // Somebody else's, or gone meanwhile: in nobody's way.
    }
  }
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function syncPath(path: string): void {
  using file = Deno.openSync(path);
  file.syncSync();
}
