/**
 * Entries of directories in the `rfs` profile, found by its indexes on names and parents.
 *
 * @module
 */

import { compareByteStrings } from "../base/byte_string.ts";
import type { DirectoryTables } from "./directory_tables.ts";
import type { Inode } from "./flist_record.ts";
import type { ForeignDatabase, SqliteRow } from "./foreign_database.ts";
import { inodeFromRow, inodeLabel, inodeQuery } from "./inode_rows.ts";

/** Entries of a directory asked for at first; each further time it is eight times as many. */
const CHILDREN_FIRST = 4096;

/** The directories of the `rfs` profile. */
export class RfsDirectories implements DirectoryTables {
  readonly #database: ForeignDatabase;
  readonly #inodeQuery: string;
  readonly #childQuery: string;

  constructor(database: ForeignDatabase) {
    this.#database = database;
    this.#inodeQuery = inodeQuery("rfs");
    // There is an index on parents and mostly one on names. Names are the better choice, for a
    // directory may have a hundred thousand entries; the plus keeps SQLite from the other one.
    const parent = hasNameIndex(database) ? "+i.parent" : "i.parent";
    this.#childQuery = `${this.#inodeQuery} i.name = ? AND ${parent} = ? LIMIT 2`;
  }

  child(parent: number, name: string): Inode | undefined {
    // Names are text, which has no other bytes than those of Unicode.
    if (!name.isWellFormed()) return undefined;
    const [row, second] = this.#database.all(this.#childQuery, name, parent);
    if (row === undefined) return undefined;
    const inode = this.#childFromRow(parent, row);
    if (inode.name !== name) throw this.#misplaced(inode);
    if (second !== undefined) throw this.#database.fault(twice(inode));
    return inode;
  }

  *children(parent: number): Generator<Inode> {
    const query = `${this.#inodeQuery} i.parent = ?`;
    let last: Inode | undefined;
    for (let limit = CHILDREN_FIRST;; limit *= 8) {
      const rows = last === undefined
        ? this.#database.all(`${query} ORDER BY i.name LIMIT ${limit}`, parent)
        : this.#database.all(
          `${query} AND i.name > ? ORDER BY i.name LIMIT ${limit}`,
          parent,
          last.name,
        );
      for (const row of rows) {
        const inode = this.#childFromRow(parent, row);
        if (last !== undefined) {
          const order = compareByteStrings(last.name, inode.name);
          if (order === 0) throw this.#database.fault(twice(inode));
          if (order > 0) throw this.#misplaced(inode);
        }
        last = inode;
        yield inode;
      }
      if (rows.length < limit) return;
    }
  }

  childrenAfter(parent: number, ino: number, limit: number): Inode[] {
    // Within one parent, the index has rows in the order of their numbers.
    const rows = this.#database.all(
      `${this.#inodeQuery} i.parent = ? AND i.ino > ? ORDER BY i.ino LIMIT ${limit}`,
      parent,
      ino,
    );
    return rows.map((row) => {
      const inode = this.#childFromRow(parent, row);
      if (inode.ino <= ino) throw this.#misplaced(inode);
      return inode;
    });
  }

  #childFromRow(parent: number, row: SqliteRow): Inode {
    const inode = inodeFromRow(this.#database, row);
    if (inode.parent !== parent) throw this.#misplaced(inode);
    return inode;
  }

  #misplaced(inode: Inode): Error {
    return this.#database.fault(
      `${inodeLabel(inode.ino, inode.name)}: the index has it where it does not belong`,
    );
  }
}

function hasNameIndex(database: ForeignDatabase): boolean {
  const rows = database.all(
    `SELECT 1 FROM pragma_index_list('inode') l, pragma_index_info(l.name) c
     WHERE c.name = 'name'`,
  );
  return rows.length > 0;
}

function twice(inode: Inode): string {
  return `${inodeLabel(inode.ino, inode.name)}: directory ${inode.parent} has its name twice`;
}
