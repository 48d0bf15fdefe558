/**
 * Entries of directories in the `myfs` profile: the table `directory` says which inode numbers they
 * have, in the order of their names.
 *
 * @module
 */

import { compareBytes } from "../base/bytes.ts";
import { compareByteStrings, decodeByteString, encodeByteString } from "../base/byte_string.ts";
import type { DirectoryTables, EntryRange } from "./directory_tables.ts";
import type { Inode } from "./flist_record.ts";
import { type ForeignDatabase, shown, type SqliteRow } from "./foreign_database.ts";
import { inodeFromRow, inodeLabel, inodeQuery } from "./inode_rows.ts";

/** Entries of a directory asked for at first; each further time it is eight times as many. */
const CHILDREN_FIRST = 256;

/** Most entries asked for at a time. */
const CHILDREN_MOST = 16384;

const RANGE_COLUMNS = "SELECT ino, first, last FROM directory WHERE";

/** The directories of the `myfs` profile. */
export class MyfsDirectories implements DirectoryTables {
  readonly #database: ForeignDatabase;
  readonly #inodeQuery: string;

  constructor(database: ForeignDatabase) {
    this.#database = database;
    this.#inodeQuery = inodeQuery("myfs");
  }

  child(parent: number, name: string): Inode | undefined {
    const range = this.#rangeOf(parent);
    if (range === undefined) return undefined;
    const wanted = encodeByteString(name);
    let { first, last } = range;
    let [below, above]: (Uint8Array | undefined)[] = [undefined, undefined];
    while (first <= last) {
      const middle = first + Math.floor((last - first) / 2);
      const row = this.#database.get(
        "SELECT ino, parent, name FROM inode WHERE ino >= ? AND ino <= ? ORDER BY ino LIMIT 1",
        middle,
        last,
      );
      if (row === undefined) {
        last = middle - 1;
        continue;
      }
      const [ino, found] = this.#probed(row, parent, middle, last);
      const isBetween = (below === undefined || compareBytes(below, found) < 0) &&
        (above === undefined || compareBytes(found, above) < 0);
      if (!isBetween) throw this.#disordered(ino, decodeByteString(found), parent);
      const order = compareBytes(found, wanted);
      if (order === 0) {
        return inodeFromRow(
          this.#database,
          this.#database.get(`${this.#inodeQuery} i.ino = ?`, ino)!,
        );
      }
      if (order < 0) {
        first = ino + 1;
        below = found;
      } else {
        last = middle - 1;
        above = found;
      }
    }
    return undefined;
  }

  *children(parent: number): Generator<Inode> {
    const range = this.#rangeOf(parent);
    if (range === undefined) return;
    let { first } = range;
    let name: string | undefined;
    for (let limit = CHILDREN_FIRST;; limit = Math.min(limit * 8, CHILDREN_MOST)) {
      const rows = this.#database.all(
        `${this.#inodeQuery} i.ino >= ? AND i.ino <= ? ORDER BY i.ino LIMIT ${limit}`,
        first,
        range.last,
      );
      for (const row of rows) {
        const inode = inodeFromRow(this.#database, row);
        if (inode.ino < first || inode.parent !== parent) throw this.#stray(inode, parent);
        if (name !== undefined && compareByteStrings(name, inode.name) >= 0) {
          throw this.#disordered(inode.ino, inode.name, parent);
        }
        first = inode.ino + 1;
        name = inode.name;
        yield inode;
      }
      if (rows.length < limit) return;
    }
  }

  #rangeOf(directory: number): EntryRange | undefined {
    const row = this.#database.get(`${RANGE_COLUMNS} ino = ?`, directory);
    return row === undefined ? undefined : rangeFromRow(this.#database, row);
  }

  /** Number and name of an entry that was found between `middle` and `last`. */
  #probed(
    [ino, parent, name]: SqliteRow,
    directory: number,
    middle: number,
    last: number,
  ): [ino: number, name: Uint8Array] {
    if (typeof ino !== "number" || ino < middle || ino > last) {
      throw this.#database.fault(`its rows are out of order (ino ${shown(ino)} after ${middle})`);
    }
    if (!(name instanceof Uint8Array)) {
      throw this.#database.fault(`inode ${ino}: its name is not a BLOB`);
    }
    if (parent !== directory) {
      throw this.#stray({ ino, name: decodeByteString(name) }, directory);
    }
    return [ino, name];
  }

  #stray({ ino, name }: Pick<Inode, "ino" | "name">, directory: number): Error {
    return this.#database.fault(strayEntry(inodeLabel(ino, name), directory));
  }

  #disordered(ino: number, name: string, directory: number): Error {
    return this.#database.fault(disorderedEntry(inodeLabel(ino, name), directory));
  }
}

/** What is wrong where a directory's numbers hold an entry of another. */
export function strayEntry(entry: string, directory: number): string {
  return `${entry}: it is among the entries of directory ${directory}, but not one of them`;
}

/** What is wrong where an entry does not follow the one before it. */
export function disorderedEntry(entry: string, directory: number): string {
  return `${entry}: directory ${directory} has its name twice, or not in order`;
}

/** All rows of the table, in the order of the directories. */
export function* entryRanges(database: ForeignDatabase): Generator<EntryRange> {
  for (const row of database.scan(RANGE_COLUMNS, "ino")) yield rangeFromRow(database, row);
}

function rangeFromRow(database: ForeignDatabase, row: SqliteRow): EntryRange {
  const [ino, first, last] = row;
  // Entries have higher numbers than their directory: so no walk through ranges comes back.
  if (
    !Number.isSafeInteger(ino) || !Number.isSafeInteger(first) || !Number.isSafeInteger(last) ||
    (first as number) <= (ino as number) || (last as number) < (first as number)
  ) {
    throw database.fault(
      `directory ${shown(ino)}: its entries cannot be ${shown(first)} to ${shown(last)}`,
    );
  }
  return { ino: ino as number, first: first as number, last: last as number };
}
