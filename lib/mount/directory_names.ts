/**
 * Names of directories that programs look into, for the directories that were looked into last.
 *
 * @module
 */

import { RecentMap } from "../base/recent_map.ts";
import type { FlistReader, Inode } from "../flist/flist_reader.ts";

/** Most entries that are remembered, and most directories: some 2 MB. */
const ENTRIES_MAX = 8192;
const DIRECTORIES_MAX = 2048;

/** A directory of fewer entries is read whole, which takes no longer than one search. */
const WHOLE_MAX = 32;

/** Entries read ahead in a larger one, where names are looked up in their order. */
const AHEAD = 128;

/** How many entries a program may leave out and still be taken to go on in their order. */
const GAP_MAX = 8;

interface KnownDirectory {
  readonly entries: ReadonlyMap<string, Inode>;
  /** Whether that is all of them. */
  readonly isWhole: boolean;
  /** Number of the entry that was found last. */
  last: number;
}

/**
 * Finds entries by their names, as `FlistReader.child` does. A search takes some 40 µs, and programs
 * mostly open one file of a directory after the other: then most names are known.
 */
export class DirectoryNames {
  readonly #flist: FlistReader;
  readonly #directories = new RecentMap<number, KnownDirectory>({
    countMax: DIRECTORIES_MAX,
    weightMax: ENTRIES_MAX,
    weigh: ({ entries }) => entries.size,
  });

  constructor(flist: FlistReader) {
    this.#flist = flist;
  }

  /**
   * The entry of `directory` that has the byte string `name`.
   *
   * @throws {FlistFormatError} when the flist breaks a rule there.
   */
  find(directory: number, name: string): Inode | undefined {
    const known = this.#known(directory);
    const inode = known.entries.get(name);
    if (inode !== undefined) known.last = inode.ino;
    if (inode !== undefined || known.isWhole) return inode;
    const found = this.#flist.child(directory, name);
    if (found === undefined) return undefined;
    const isNext = found.ino > known.last && found.ino <= known.last + 1 + GAP_MAX;
    known.last = found.ino;
    if (isNext) {
      const entries = byName(this.#flist.childrenAfter(directory, found.ino, AHEAD));
      this.#directories.set(directory, { ...known, entries });
    }
    return found;
  }

  #known(directory: number): KnownDirectory {
    const known = this.#directories.get(directory);
    if (known !== undefined) return known;
    const first = this.#flist.childrenAfter(directory, 0, WHOLE_MAX);
    const fresh = { entries: byName(first), isWhole: first.length < WHOLE_MAX, last: 0 };
    this.#directories.set(directory, fresh);
    return fresh;
  }
}

function byName(inodes: readonly Inode[]): ReadonlyMap<string, Inode> {
  return new Map(inodes.map((inode) => [inode.name, inode]));
}
