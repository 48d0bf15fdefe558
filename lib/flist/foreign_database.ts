/**
 * A SQLite file that anybody may have made, opened so that reading it is safe: read only, with
 * SQLite's defences on, only where its schema is exactly a flist's, and so that every fault found in
 * it is a {@link FlistFormatError} that names the file.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { absolutePath } from "../base/absolute_path.ts";
import { FlistFormatError } from "../base/errors.ts";
import type { Profile } from "../block/profile.ts";
import { isSqliteError, sqliteWriteError } from "./file_failures.ts";
import { MYFS_VERSION, RFS_VERSION, schemaFault } from "./schema.ts";
import { isMyfsHeader, readSqliteHeader } from "./sqlite_header.ts";

/** A value in a row. */
export type SqliteValue = number | string | Uint8Array | null;

/** A row, its columns in the order of the query. */
export type SqliteRow = readonly SqliteValue[];

/** What the binding's statements can do; the types that come with it lack `setReturnArrays`. */
interface Statement {
  all(...parameters: SqliteValue[]): unknown;
  get(...parameters: SqliteValue[]): unknown;
  run(...parameters: SqliteValue[]): { readonly changes: number | bigint };
  setReturnArrays(enabled: boolean): void;
}

/** Rows that a scan asks for at a time: ten times as fast as one by one. */
const SCAN_ROWS = 2048;

/** Less than any row number. */
const BEFORE_ALL = -1e300;

/**
 * Most bytes in a row or value: the largest value a flist may hold is an extended attribute's 64
 * KiB. Beyond it SQLite answers with an error instead of memory.
 */
const VALUE_SIZE_MAX = 1024 * 1024;

/**
 * What SQLite is told of a file it should not trust (https://sqlite.org/security.html). The last
 * line keeps the (shared) lock instead of taking it for every query, which then take a quarter of
 * the time.
 */
const DEFENCES = `
  PRAGMA trusted_schema = OFF;
  PRAGMA cell_size_check = ON;
  PRAGMA mmap_size = 0;
  PRAGMA temp_store = MEMORY;
  PRAGMA locking_mode = EXCLUSIVE;
`;

/** How to open a flist's database. */
export interface ForeignDatabaseOptions {
  /** Whether the file is to be written: a copy that nobody else reads. @default {false} */
  readonly writable?: boolean;
  /** Path that messages name instead of the file's own. @default {its own} */
  readonly shownPath?: string;
}

/**
 * A flist's database. Queries are prepared once; none stays open between calls. Limits stand in the
 * text of a query: as a parameter, SQLite would plan the query anew for each value.
 */
export class ForeignDatabase implements Disposable {
  /** Path that messages name. */
  readonly path: string;
  /** Which schema it has. */
  readonly profile: Profile;
  /** Version of the profile. */
  readonly version: number;
  /** Length of the file in bytes. */
  readonly fileSize: number;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, Statement>();
  #open = true;

  private constructor(
    path: string,
    database: DatabaseSync,
    facts: { readonly profile: Profile; readonly version: number; readonly fileSize: number },
  ) {
    this.path = path;
    this.profile = facts.profile;
    this.version = facts.version;
    this.fileSize = facts.fileSize;
    this.#database = database;
  }

  /**
   * Opens the flist at `path`.
   *
   * @throws {FlistNotFoundError} when there is no such file.
   * @throws {FlistFormatError} when it is not a flist, damaged, or of a newer version.
   * @throws {SystemError} when it may not be read.
   */
  static open(path: string, options: ForeignDatabaseOptions = {}): ForeignDatabase {
    const shownPath = options.shownPath ?? path;
    const header = readSqliteHeader(path);
    const profile = isMyfsHeader(header) ? "myfs" : "rfs";
    const version = profile === "myfs" ? header.userVersion : RFS_VERSION;
    if (profile === "myfs" && version > MYFS_VERSION) {
      throw new FlistFormatError(
        shownPath,
        `its format is myfs/${version}, newer than myfs/${MYFS_VERSION}, ` +
          "the newest that this program knows",
        { hint: "Use a newer myfs." },
      );
    }
    if (version < 1) throw new FlistFormatError(shownPath, `its format version is ${version}`);

    const writable = options.writable ?? false;
    const database = openSqlite(path, shownPath, writable);
    try {
      database.exec(DEFENCES);
      if (!writable) database.exec("PRAGMA query_only = ON");
      const opened = new ForeignDatabase(shownPath, database, {
        profile,
        version,
        fileSize: header.fileSize,
      });
      const fault = schemaFault(profile, (sql) => opened.all(sql));
      if (fault !== undefined) throw opened.fault(notFlist(profile, fault));
      return opened;
    } catch (error) {
      database.close();
      throw isSqliteError(error) ? sqliteFault(shownPath, error) : error;
    }
  }

  /** All rows that `sql` finds. For queries whose answer is known to be small. */
  all(sql: string, ...parameters: SqliteValue[]): SqliteRow[] {
    const statement = this.#prepare(sql);
    try {
      // The binding's iterate() ends quietly where SQLite fails; all() and get() throw.
      return statement.all(...parameters) as SqliteRow[];
    } catch (error) {
      throw isSqliteError(error) ? sqliteFault(this.path, error) : error;
    }
  }

  /** The first row that `sql` finds. */
  get(sql: string, ...parameters: SqliteValue[]): SqliteRow | undefined {
    const statement = this.#prepare(sql);
    try {
      return statement.get(...parameters) as SqliteRow | undefined;
    } catch (error) {
      throw isSqliteError(error) ? sqliteFault(this.path, error) : error;
    }
  }

  /**
   * All rows of a query of any length, some at a time, in the order of the row number `key`, which
   * must be the query's first column. `sql` must end where a condition may follow; its parameters
   * come last. Other queries may run in between.
   *
   * @throws {FlistFormatError} when row numbers do not ascend, as in a table that loops.
   */
  *scan(sql: string, key: string, ...parameters: SqliteValue[]): Generator<SqliteRow> {
    const query = `${sql} ${key} > ? ORDER BY ${key} LIMIT ${SCAN_ROWS}`;
    let last = BEFORE_ALL;
    for (;;) {
      const rows = this.all(query, ...parameters, last);
      for (const row of rows) {
        const number = row[0];
        if (typeof number !== "number" || number <= last) {
          throw this.fault(`its rows are out of order (${key} ${shown(number)} after ${last})`);
        }
        last = number;
        yield row;
      }
      if (rows.length < SCAN_ROWS) return;
    }
  }

  /** How many rows `table` has, or how many of them fulfil `condition`. */
  count(table: string, condition = "1"): number {
    // A row takes four bytes at least, so a table that seems to have more rows loops.
    const rowsMax = Math.floor(this.fileSize / 4);
    const row = this.get(
      `SELECT count(*), ifnull(sum(fits), 0)
       FROM (SELECT ${condition} AS fits FROM ${table} LIMIT ${rowsMax})`,
    );
    const [all, count] = row as [number, number];
    if (all >= rowsMax) throw this.fault(`its table "${table}" loops`);
    return count;
  }

  /** Runs statements that change a database opened as writable. */
  exec(sql: string): void {
    try {
      this.#database.exec(sql);
    } catch (error) {
      throw this.#writeError(error);
    }
  }

  /** Runs one statement that changes a database opened as writable. @returns rows changed. */
  run(sql: string, ...parameters: SqliteValue[]): number {
    const statement = this.#prepare(sql);
    try {
      return Number(statement.run(...parameters).changes);
    } catch (error) {
      throw this.#writeError(error);
    }
  }

  /** The error that says what is wrong with this flist. */
  fault(reason: string): FlistFormatError {
    return new FlistFormatError(this.path, reason);
  }

  /** Closes the file. Calling it again does nothing. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#statements.clear();
    this.#database.close();
  }

  #writeError(error: unknown): unknown {
    const failure = sqliteWriteError(this.path, error);
    return isSqliteError(failure) ? sqliteFault(this.path, failure) : failure;
  }

  #prepare(sql: string): Statement {
    if (!this.#open) throw new TypeError(`Cannot read flist ${this.path}: it has been closed`);
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      try {
        statement = this.#database.prepare(sql) as unknown as Statement;
      } catch (error) {
        throw isSqliteError(error) ? sqliteFault(this.path, error) : error;
      }
      statement.setReturnArrays(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

function openSqlite(path: string, shownPath: string, writable: boolean): DatabaseSync {
  const options = {
    readOnly: !writable,
    allowExtension: false,
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: false,
    defensive: true,
    limits: {
      length: VALUE_SIZE_MAX,
      sqlLength: 16 * 1024,
      column: 64,
      attach: 0,
      triggerDepth: 0,
    },
  };
  try {
    return new DatabaseSync(absolutePath(path), options);
  } catch (error) {
    throw isSqliteError(error) ? sqliteFault(shownPath, error) : error;
  }
}

/** A value that should be a number, for a message. */
export function shown(value: SqliteValue | undefined): string {
  if (value === null || value === undefined) return "missing";
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? "text instead of a number" : "a BLOB instead of a number";
}

function notFlist(profile: Profile, fault: string): string {
  return profile === "myfs" ? fault : `it is a SQLite file but not a flist: ${fault}`;
}

function sqliteFault(path: string, error: Error): FlistFormatError {
  // Reading writes only where a program that changed the file did not come to its end.
  if (error.message.includes("readonly database")) {
    return new FlistFormatError(path, `${path}-journal beside it holds unfinished changes`, {
      cause: error,
      hint:
        "Close the program that changes it, or open and close it once with the sqlite3 command.",
    });
  }
  return new FlistFormatError(path, `SQLite says: ${error.message}`, { cause: error });
}
