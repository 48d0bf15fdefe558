/**
 * What long work reports when it is done.
 *
 * @module
 */

import { displayByteString } from "../base/byte_string.ts";

/** Something that a profile, a system or a user's rights could not keep. */
export interface Loss {
  /** What was not kept, such as `owner` or `extended attribute`. */
  readonly what: string;
  /** On how many entries. */
  readonly count: number;
  /** The first of them, escaped for display. */
  readonly examples: readonly string[];
}

/** Entries of a tree by kind. */
export interface EntryCounts {
  /** Regular files, each inode once. */
  readonly files: number;
  /** Directories, the root among them. */
  readonly directories: number;
  /** Symbolic links. */
  readonly symlinks: number;
  /** FIFOs, sockets and devices. */
  readonly specials: number;
  /** Further names of inodes that have been counted. */
  readonly hardLinks: number;
}

const EXAMPLES_MAX = 5;

/** Counts losses by what was lost. */
export class LossCounter {
  readonly #losses = new Map<string, { count: number; examples: string[] }>();

  /** Notes that `what` was not kept for the entry at `path`, a byte string. */
  add(what: string, path: string): void {
    let loss = this.#losses.get(what);
    if (loss === undefined) this.#losses.set(what, loss = { count: 0, examples: [] });
    loss.count++;
    if (loss.examples.length < EXAMPLES_MAX) {
      loss.examples.push(path === "" ? "." : displayByteString(path));
    }
  }

  /** Everything noted, in the order of first occurrence. */
  list(): Loss[] {
    return [...this.#losses].map(([what, loss]) => ({ what, ...loss }));
  }
}
