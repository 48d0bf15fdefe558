/**
 * Where a pack takes its entries from.
 *
 * @module
 */

import type { ScannedEntry, ScanOptions } from "../tree/directory_source.ts";

/** One entry to be packed. */
export interface PackEntry extends ScannedEntry {
  /**
   * First name in the base of the file that has this one's content, which is then not read from the
   * source. Its size is this one's.
   */
  readonly baseIno?: number;
  /** Number under which the file's content has been packed already: see `ContentFeed`. */
  readonly content?: number;
}

/** A directory and what is in it. */
export interface PackDirectory {
  /** Path from the root, empty for the root: a byte string. */
  readonly path: string;
  /** The directory's own metadata. */
  readonly self: PackEntry;
  /** What is in it, sorted by name bytes. */
  readonly entries: readonly PackEntry[];
}

/** How to walk a source. */
export interface PackWalkOptions extends ScanOptions {
  /** Told of what the walk cannot show as it is, with the path of the entry. */
  readonly onLoss: (what: string, path: string) => void;
}

/** A tree whose files lie in a directory on this machine, as far as their content is not known. */
export interface PackSource {
  /**
   * The directory: a file that is to be read lies below it, at the entry's path. Undefined where no
   * file is to be read.
   */
  readonly root: string | undefined;
  /** All directories, each before those in it: see `scanDirectory`. */
  directories(options: PackWalkOptions): AsyncIterable<PackDirectory>;
}
