/**
 * What both profiles can tell about the entries of directories, however they find them.
 *
 * @module
 */

import type { Inode } from "./flist_record.ts";

/** Which inode numbers the entries of a directory have. Some of them may be missing. */
export interface EntryRange {
  /** Inode of the directory. */
  readonly ino: number;
  /** Lowest number. */
  readonly first: number;
  /** Highest number. */
  readonly last: number;
}

/** The entries of directories in one flist. Everything that is answered has been checked. */
export interface DirectoryTables {
  /** The entry of the directory `parent` that has the byte string `name`. */
  child(parent: number, name: string): Inode | undefined;
  /** The entries of the directory `parent`, sorted by the bytes of their names. */
  children(parent: number): Generator<Inode>;
  /**
   * Up to `limit` entries of the directory `parent` in the order of their numbers, from the first
   * after the number `ino` on. Takes no longer for the last entries of a directory than for the first.
   */
  childrenAfter(parent: number, ino: number, limit: number): Inode[];
}
