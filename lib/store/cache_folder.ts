/**
 * The folder of a cache: which folders may be one, and the lock that those who change it hold.
 *
 * The marker is a `CACHEDIR.TAG` (https://bford.info/cachedir/), so that backups leave the cache out,
 * with a line that says whose cache it is. It is also the file that is locked, with flock(2), which
 * the kernel gives back when a process dies.
 *
 * @module
 */

import { StoreDeniedError, StoreUnavailableError } from "../base/errors.ts";
import { libc } from "../linux/libc.ts";
import { directoryUrl } from "./directory_url.ts";
import { localFault } from "./local_fault.ts";

const MARKER = "CACHEDIR.TAG";
const SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55";
const OWN_LINE = "# This folder is a block cache of myfs, version 1.";
const MARKER_TEXT = `${SIGNATURE}\n${OWN_LINE}\n# It may be deleted at any time.\n`;
const FOLDER_MODE = 0o700;
/** Longest time between two attempts to get the lock. */
const ATTEMPT_MS_MAX = 10;

/**
 * Makes sure that the folder at `path`, if there is one, is the user's own and holds nothing but a
 * cache.
 *
 * @throws {StoreDeniedError} when it belongs to somebody else, everyone may write to it, or it holds
 *   something else.
 * @throws {StoreUnavailableError} when it is not a directory, or cannot be looked at.
 */
export function checkCacheFolder(path: string): void {
  const url = directoryUrl(path);
  const refuse = (reason: string, hint: string): StoreDeniedError =>
    new StoreDeniedError(url, `Cannot use ${path} as a cache: ${reason}`, { hint });
  try {
    const status = Deno.statSync(path);
    if (!status.isDirectory) {
      throw new StoreUnavailableError(url, `Cannot use ${path} as a cache: it is not a directory`, {
        hint: "Name a folder that is empty, or does not exist yet.",
      });
    }
    if (status.uid !== libc().geteuid()) {
      throw refuse(
        `it belongs to user ${status.uid}`,
        "Name a folder of your own, or run as the user that it belongs to.",
      );
    }
    if (((status.mode ?? 0) & 0o002) !== 0) {
      throw refuse("everyone may write to it", `Run: chmod o-w ${path}, or name another folder.`);
    }
    const marker = readMarker(path);
    if (marker !== undefined && marker.startsWith(SIGNATURE) && marker.includes(OWN_LINE)) return;
    const others = Array.from(Deno.readDirSync(path), ({ name }) => name)
      // Empty when its maker died, or is about to write it.
      .filter((name) => name !== MARKER || (marker !== undefined && marker !== ""));
    if (others.length > 0) {
      throw refuse(
        `it holds something that is not a cache of this version (${others[0]})`,
        "Name a folder that is empty, or does not exist yet.",
      );
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw localFault(url, `use ${path} as a cache`, error);
  }
}

/** A folder that is a cache, open for those who change it. */
export class CacheFolder implements Disposable {
  /** Absolute path. */
  readonly path: string;
  readonly #marker: Deno.FsFile;
  readonly #inode: number | null;
  #held = false;
  #closed = false;

  /**
   * Opens the folder at `path`, which {@link checkCacheFolder} found to be in order, and makes it
   * where it is missing.
   *
   * @throws the runtime's error when it cannot be made or opened.
   */
  constructor(path: string) {
    this.path = path;
    if (!readMarker(path)) {
      Deno.mkdirSync(path, { recursive: true, mode: FOLDER_MODE });
      Deno.writeTextFileSync(`${path}/${MARKER}`, MARKER_TEXT, { mode: 0o600 });
    }
    this.#marker = Deno.openSync(`${path}/${MARKER}`);
    this.#inode = this.#marker.statSync().ino;
  }

  /** Whether the folder at its path is still the one that is open. */
  isCurrent(): boolean {
    try {
      return Deno.statSync(`${this.path}/${MARKER}`).ino === this.#inode;
    } catch {
      return false;
    }
  }

  /** The lock, which no other process and no other call here has until it is disposed of. */
  tryLock(): Disposable | undefined {
    if (this.#held || this.#closed || !this.#marker.tryLockSync(true)) return undefined;
    this.#held = true;
    return {
      [Symbol.dispose]: () => {
        if (!this.#held) return;
        this.#held = false;
        if (!this.#closed) this.#marker.unlockSync();
      },
    };
  }

  /**
   * Waits for the lock: by asking again and again, because waiting in the kernel takes a thread of
   * the runtime for as long as another process likes.
   *
   * @returns undefined when it cannot be had in `waitMs`.
   * @throws the signal's reason when it is aborted.
   */
  async lock(waitMs: number, signal?: AbortSignal): Promise<Disposable | undefined> {
    const endMs = performance.now() + waitMs;
    for (let attempt = 1;; attempt++) {
      signal?.throwIfAborted();
      const lock = this.tryLock();
      if (lock !== undefined || this.#closed || performance.now() >= endMs) return lock;
      const pauseMs = Math.random() * Math.min(ATTEMPT_MS_MAX, 2 * attempt);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** Lets go of the folder, and of the lock. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#marker.close();
  }
}

/** Text of the marker; undefined where there is none. */
function readMarker(path: string): string | undefined {
  try {
    // A FIFO in its place would wait for a writer for ever.
    if (!Deno.lstatSync(`${path}/${MARKER}`).isFile) return "not a file";
    return Deno.readTextFileSync(`${path}/${MARKER}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
