/**
 * Gives the kernel the small files after one that a program has read, before it asks.
 *
 * @module
 */

import type { Extent, FlistReader, Inode } from "../flist/flist_reader.ts";
import { ContentPusher } from "../fuse/push_content.ts";
import { MOUNT_COUNTER, type MountCounters } from "./mount_counters.ts";
import { NEIGHBOURS_MAX, PUSHED_FILE_MAX } from "./read_sequence.ts";
import type { SharedChunks } from "./shared_chunks.ts";

/** What a {@link NeighbourPusher} works with. */
export interface NeighbourPusherOptions {
  readonly flist: FlistReader;
  readonly chunks: SharedChunks;
  readonly counters: MountCounters;
  /** The device, which stays open as long as anything is pushed. */
  readonly fd: number;
}

/**
 * Pushes what is in memory, and fetches nothing: what has to be waited for is better asked for. It
 * may wait for reads that are under way, so nobody who answers them may wait for it.
 */
export class NeighbourPusher {
  readonly #options: NeighbourPusherOptions;
  readonly #pusher = new ContentPusher();
  /** The file that was last read, and the last one after it that was looked at. */
  #from = 0;
  #to = 0;

  constructor(options: NeighbourPusherOptions) {
    this.#options = options;
  }

  /**
   * Pushes up to 64 files that follow `ino` in its directory, until one is not in memory or the
   * kernel does not know it. Does nothing where that has been done just now.
   *
   * @returns The chunks that they lie in.
   */
  pushAfter(ino: number): number[] {
    const used = new Set<number>();
    if (ino >= this.#from && ino < this.#to) return [];
    const { flist, fd, counters } = this.#options;
    const file = flist.inode(ino);
    if (file === undefined) return [];
    this.#from = this.#to = ino;
    for (const next of flist.childrenAfter(file.parent, ino, NEIGHBOURS_MAX)) {
      this.#to = next.ino;
      if (!isPushed(next)) continue;
      const extents = flist.extentsOf(next);
      if (!this.#copy(next.size, extents)) break;
      // Where it fails, nobody has listed the directory, or the mount is gone.
      if (this.#pusher.push(fd, next.ino, 0, next.size) !== "written") break;
      counters.add(MOUNT_COUNTER.bytesPushed, next.size);
      for (const { chunk } of extents) used.add(chunk);
    }
    return [...used];
  }

  /** Puts a file's content where it is pushed from; false where some of it is not in memory. */
  #copy(size: number, extents: readonly Extent[]): boolean {
    const { content } = this.#pusher;
    let filled = 0;
    for (const { fileOffset, chunk, chunkOffset, length } of extents) {
      content.fill(0, filled, fileOffset);
      const end = chunkOffset + length;
      if (!this.#options.chunks.copy(chunk, chunkOffset, end, content, fileOffset)) return false;
      filled = fileOffset + length;
    }
    content.fill(0, filled, size);
    return true;
  }
}

function isPushed({ kind, hardLinkTo, size }: Inode): boolean {
  return kind === "file" && hardLinkTo === undefined && size > 0 && size <= PUSHED_FILE_MAX;
}
