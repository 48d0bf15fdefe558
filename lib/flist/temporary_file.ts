/**
 * A file written under a temporary name, which appears under its own name at once and whole, or not
 * at all.
 *
 * @module
 */

import { dirname, resolve } from "node:path";
import { displayByteString } from "../base/byte_string.ts";
import { SystemError } from "../base/errors.ts";
import { toHex } from "../base/bytes.ts";
import { fileError } from "./file_failures.ts";

/** An empty file beside the one it is to become. Disposing of it removes it unless it became one. */
export class TemporaryFile implements Disposable {
  /** Absolute path: that of the target, eight random hexadecimal digits, and `.tmp`. */
  readonly path: string;
  readonly #target: string;
  #pending = true;

  private constructor(target: string, path: string) {
    this.#target = target;
    this.path = path;
  }

  /**
   * Makes an empty file beside `target`, which need not exist.
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
      Deno.openSync(path, { write: true, createNew: true }).close();
    } catch (error) {
      throw fileError("write", target, error);
    }
    return new TemporaryFile(absolute, path);
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
      syncPath(dirname(this.#target));
    } catch (error) {
      throw fileError("write", this.#target, error);
    }
  }

  /** Removes the file unless it has its own name by now. */
  [Symbol.dispose](): void {
    if (!this.#pending) return;
    this.#pending = false;
    try {
      Deno.removeSync(this.path);
    } catch {
      // The error that leads here tells more than one about a file that is in nobody's way.
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
