/**
 * Entries of directories in the `myfs` profile: the table `directory` says which inode numbers they
 * have, in the order of their names.
 *
 * @module
 */

import { compareByteStrings, encodeByteString } from "../base/byte_string.ts";
import type { DirectoryTables, EntryRange } from "./directory_tables.ts";
import type { Inode } from "./flist_record.ts";
import {
  type ForeignDatabase,
  shown,
  type SqliteRow,
  type SqliteValue,
} from "./foreign_database.ts";
import { inodeFromRow, inodeLabel, inodeQuery } from "./inode_rows.ts";

/** Entries of a directory asked for at first; each further time it is eight times as many. */
const CHILDREN_FIRST = 256;

/** Most entries asked for at a time. */
const CHILDREN_MOST = 16384;

const RANGE_COLUMNS = "SELECT ino, first, last FROM directory WHERE";

/**
 * A binary search among the numbers ?1 to ?2 for the entry with the lowest name that is not below
 * ?3, in one statement, because a call costs as much as some steps. Each step halves the numbers, so
 * that it ends whatever is in the table. Every entry it meets must be in directory ?4 and have a name
 * between those met around it; the search stops with the number of one that is not. The binding
 * passes numbers as REAL, whose halves are none.
 */
const SEARCH = `WITH RECURSIVE search(low, high, found, below, above, faulty) AS (
    SELECT CAST(?1 AS INTEGER), CAST(?2 AS INTEGER), NULL, NULL, NULL, NULL
    UNION ALL
    SELECT iif(e.name < ?3, e.ino + 1, low), iif(e.name < ?3, high, (low + high) / 2 - 1),
      iif(e.name >= ?3, e.ino, found), iif(e.name < ?3, e.name, below),
      iif(e.name >= ?3, e.name, above),
      iif(e.parent <> ?4 OR e.name <= below OR e.name >= above, e.ino, NULL)
    FROM search LEFT JOIN inode e ON e.ino = (SELECT ino FROM inode
      WHERE ino >= (low + high) / 2 AND ino <= high ORDER BY ino LIMIT 1)
    WHERE low <= high AND faulty IS NULL
  ) SELECT found, faulty FROM search WHERE low > high OR faulty IS NOT NULL LIMIT 1`;

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
    const found = this.#database.get(SEARCH, range.first, range.last, wanted, parent);
    const [ino, faulty] = found ?? [];
    if (faulty !== null && faulty !== undefined) throw this.#searchFault(faulty, parent);
    if (ino === null || ino === undefined) return undefined;
    const row = this.#database.get(`${this.#inodeQuery} i.ino = ?`, ino);
    if (row === undefined) throw this.#database.fault(`its inode ${shown(ino)} comes and goes`);
    const inode = inodeFromRow(this.#database, row);
    if (inode.parent !== parent) throw this.#stray(inode, parent);
    return inode.name === name ? inode : undefined;
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

  childrenAfter(parent: number, ino: number, limit: number): Inode[] {
    const range = this.#rangeOf(parent);
    if (range === undefined || ino >= range.last) return [];
    const first = Math.max(range.first, ino + 1);
    const rows = this.#database.all(
      `${this.#inodeQuery} i.ino >= ? AND i.ino <= ? ORDER BY i.ino LIMIT ${limit}`,
      first,
      range.last,
    );
    return rows.map((row) => {
      const inode = inodeFromRow(this.#database, row);
      if (inode.ino < first || inode.parent !== parent) throw this.#stray(inode, parent);
      return inode;
    });
  }

  #rangeOf(directory: number): EntryRange | undefined {
    const row = this.#database.get(`${RANGE_COLUMNS} ino = ?`, directory);
    return row === undefined ? undefined : rangeFromRow(this.#database, row);
  }

  /** What is wrong with an entry that a search met. */
  #searchFault(ino: SqliteValue, directory: number): Error {
    const row = this.#database.get(`${this.#inodeQuery} i.ino = ?`, ino);
    if (row === undefined) return this.#database.fault(`its inode ${shown(ino)} comes and goes`);
    const inode = inodeFromRow(this.#database, row);
    return inode.parent === directory
      ? this.#disordered(inode.ino, inode.name, directory)
      : this.#stray(inode, directory);
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
