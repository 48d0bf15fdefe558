/**
 * Which files of a cache were checked a moment ago.
 *
 * To compare a block of 512 KiB with its id takes 80 µs, about as long as to read it when it is in the
 * system's memory. So a block that this process has checked within the last minute is not checked
 * again, unless its file was written to: what comes is the same memory.
 *
 * @module
 */

import type { BlockId } from "../block/block_ref.ts";
import type { FileStamp } from "./cache_files.ts";

/** How long a check counts. */
const VALID_MS = 60_000;
/** Smaller blocks are checked each time, which takes no longer than to look here. */
const SIZE_MIN = 16 * 1024;
/** Checks remembered; with blocks of 512 KiB, those of 8 GiB. */
const COUNT_MAX = 16_384;

interface Checked extends FileStamp {
  readonly atMs: number;
}

/** Remembers checks. */
export class CheckedBlocks {
  /** Oldest check first. */
  readonly #checked = new Map<BlockId, Checked>();

  /** Whether the file with this stamp was found to be the block, not long before `nowMs`. */
  has(id: BlockId, stamp: FileStamp, nowMs: number): boolean {
    const checked = this.#checked.get(id);
    return checked !== undefined && Math.abs(nowMs - checked.atMs) < VALID_MS &&
      checked.mtimeNsec === stamp.mtimeNsec && checked.mtime === stamp.mtime &&
      checked.inode === stamp.inode && checked.size === stamp.size;
  }

  /** Notes that the file with this stamp is the block. */
  add(id: BlockId, stamp: FileStamp, nowMs: number): void {
    if (stamp.size < SIZE_MIN) return;
    this.#checked.delete(id);
    this.#checked.set(id, { ...stamp, atMs: nowMs });
    if (this.#checked.size <= COUNT_MAX) return;
    for (const oldest of this.#checked.keys()) {
      this.#checked.delete(oldest);
      return;
    }
  }

  /** Forgets a block. */
  delete(id: BlockId): void {
    this.#checked.delete(id);
  }
}
