/**
 * The order of entries that the `myfs` profile asks for: a directory's entries one after the other,
 * sorted by the bytes of their names, so that a range of numbers and a binary search find them.
 *
 * @module
 */

import { compareByteStrings } from "../base/byte_string.ts";
import type { EntryRange } from "./directory_tables.ts";

/** The directories that entries were written to. */
export class WrittenDirectories {
  readonly #finished: EntryRange[] = [];
  readonly #inos = new Set<number>();
  #ino = 0;
  #first = 0;
  #last = 0;
  #name = "";

  /**
   * What keeps an entry from being the next: undefined where nothing does.
   *
   * @throws {TypeError} when entries come in the wrong order.
   */
  orderFault(parent: number, name: string): string | undefined {
    if (parent !== this.#ino) {
      if (!this.#inos.has(parent)) return undefined;
      throw new TypeError(
        `Cannot add an entry to directory ${parent} of the flist: ` +
          `those of directory ${this.#ino} have begun since`,
      );
    }
    const order = compareByteStrings(this.#name, name);
    if (order < 0) return undefined;
    if (order === 0) return `directory ${parent} has an entry of that name`;
    throw new TypeError(
      `Cannot add an entry to directory ${parent} of the flist: names are not in the order of ` +
        "their bytes",
    );
  }

  /** Takes an entry. Those of one directory have ascending numbers. */
  add(parent: number, ino: number, name: string): void {
    if (parent !== this.#ino) {
      this.#finish();
      this.#inos.add(parent);
      this.#ino = parent;
      this.#first = ino;
    }
    this.#last = ino;
    this.#name = name;
  }

  /** Where the entries of each directory that has any are, in the order of the directories. */
  ranges(): readonly EntryRange[] {
    this.#finish();
    return this.#finished.sort((left, right) => left.ino - right.ino);
  }

  #finish(): void {
    if (this.#ino === 0) return;
    this.#finished.push({ ino: this.#ino, first: this.#first, last: this.#last });
    this.#ino = 0;
  }
}
