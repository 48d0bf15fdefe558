/**
 * The SQLite schema of both profiles, and the check that a file has exactly one of them. `FORMAT.md`
 * specifies them; the numbers in brackets are its sentences.
 *
 * @module
 */

import type { Profile } from "../block/profile.ts";

/** SQLite's application id of flists of the `myfs` profile: `myfs` in ASCII. [F11] */
export const MYFS_APPLICATION_ID = 0x6d796673;

/** Newest version of the `myfs` profile that this code reads, and the one it writes. [F12] */
export const MYFS_VERSION = 1;

/** The only version of the `rfs` profile. */
export const RFS_VERSION = 1;

/** Bytes in each piece of a file in the `rfs` profile but the last. [F52] */
export const RFS_PIECE_SIZE = 524_288;

/** Tag that repeats format and version for people and for tools that see tags only. [F13] */
export const FORMAT_TAG = "myfs.format";

/**
 * The reserved tag that says how the keys of chunks were made, where it was not by plain digest.
 * [F18]
 */
export const CHUNK_KEYS_TAG = "myfs.chunk-keys";

/** The value of {@link CHUNK_KEYS_TAG} where a domain secret went into keys. */
export const SECRET_CHUNK_KEYS = "secret";

/** The value of {@link FORMAT_TAG}. */
export function formatTagValue(version: number): string {
  return `myfs/${version}`;
}

/** Keys of tags that start so belong to the format: users may not set or delete them. [F14] */
export const RESERVED_TAG_PREFIX = "myfs.";

/** Bytes in a SQLite page of the flists that are written here. */
export const PAGE_SIZE = 4096;

/** SQL of one profile. */
export interface ProfileSchema {
  /** Statements that create the tables. */
  readonly tables: readonly string[];
  /** Statements that create the indexes: run when the rows are in, which makes full pages. */
  readonly indexes: readonly string[];
}

const MYFS_SCHEMA: ProfileSchema = {
  tables: [
    `CREATE TABLE inode(ino INTEGER PRIMARY KEY, parent INTEGER NOT NULL, name BLOB NOT NULL,
      size INTEGER NOT NULL, uid INTEGER NOT NULL, gid INTEGER NOT NULL, mode INTEGER NOT NULL,
      rdev INTEGER NOT NULL, mtime INTEGER NOT NULL, mtime_nsec INTEGER NOT NULL) STRICT`,
    `CREATE TABLE directory(ino INTEGER PRIMARY KEY, first INTEGER NOT NULL,
      last INTEGER NOT NULL) STRICT`,
    `CREATE TABLE extra(ino INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT`,
    `CREATE TABLE xattr(ino INTEGER NOT NULL, name BLOB NOT NULL, value BLOB NOT NULL,
      PRIMARY KEY(ino, name)) STRICT, WITHOUT ROWID`,
    `CREATE TABLE hardlink(ino INTEGER PRIMARY KEY, target INTEGER NOT NULL) STRICT`,
    `CREATE TABLE content(ino INTEGER PRIMARY KEY, digest BLOB, chunk INTEGER,
      chunk_offset INTEGER) STRICT`,
    `CREATE TABLE extent(ino INTEGER NOT NULL, file_offset INTEGER NOT NULL,
      chunk INTEGER NOT NULL, chunk_offset INTEGER NOT NULL, length INTEGER NOT NULL,
      PRIMARY KEY(ino, file_offset)) STRICT, WITHOUT ROWID`,
    `CREATE TABLE chunk(chunk INTEGER PRIMARY KEY, id BLOB NOT NULL, key BLOB NOT NULL,
      size INTEGER NOT NULL, stored_size INTEGER NOT NULL) STRICT`,
    `CREATE TABLE tag(key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID`,
    `CREATE TABLE route(start INTEGER NOT NULL, end INTEGER NOT NULL, url TEXT NOT NULL) STRICT`,
  ],
  indexes: [],
};

const RFS_SCHEMA: ProfileSchema = {
  tables: [
    `CREATE TABLE inode (ino INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER,
      name VARCHAR(255), size INTEGER, uid INTEGER, gid INTEGER, mode INTEGER, rdev INTEGER,
      ctime INTEGER, mtime INTEGER)`,
    `CREATE TABLE extra (ino INTEGER PRIMARY KEY, data VARCHAR(4096))`,
    `CREATE TABLE block (ino INTEGER, id VARCHAR(32), key VARCHAR(32))`,
    `CREATE TABLE tag (key VARCHAR(10) PRIMARY KEY, value VARCHAR(255))`,
    `CREATE TABLE route (start INTEGER, end INTEGER, url VARCHAR(2048))`,
  ],
  indexes: [
    `CREATE INDEX parents ON inode (parent)`,
    `CREATE INDEX names ON inode (name)`,
    `CREATE INDEX block_ino ON block (ino)`,
  ],
};

/** The schema of `profile`. */
export function schemaOf(profile: Profile): ProfileSchema {
  return profile === "myfs" ? MYFS_SCHEMA : RFS_SCHEMA;
}

/** Runs one query and gives its rows as arrays. */
export type Query = (sql: string) => readonly (readonly unknown[])[];

/**
 * What makes the schema of a database another than that of `profile`, or undefined where nothing
 * does. Whatever could run code of the file's author while it is read (views, triggers, virtual
 * tables, generated columns, indexes on expressions) is found here.
 */
export function schemaFault(profile: Profile, query: Query): string | undefined {
  return profile === "myfs" ? myfsSchemaFault(query) : rfsSchemaFault(query);
}

/** Our own schema is known to the letter, so its SQL is compared, which leaves no room. [F15] */
function myfsSchemaFault(query: Query): string | undefined {
  const expected = new Map<string, string>();
  for (const sql of MYFS_SCHEMA.tables) {
    const canonical = canonicalSql(sql);
    expected.set(/^create table (\w+)/.exec(canonical)![1]!, canonical);
  }
  for (const [type, name, sql] of query("SELECT type, name, sql FROM sqlite_schema")) {
    const wanted = expected.get(String(name));
    if (wanted === undefined) return `it has an unexpected ${type} "${name}"`;
    if (canonicalSql(String(sql)) !== wanted) return `its ${type} "${name}" is not as expected`;
    expected.delete(String(name));
  }
  const missing = [...expected.keys()][0];
  return missing === undefined ? undefined : `it has no table "${missing}"`;
}

/** `sql` in lower case, with a space only where two words would run together. */
function canonicalSql(sql: string): string {
  return sql.toLowerCase().replace(/\s+/g, " ").replace(/ ?([(),]) ?/g, "$1").trim();
}

/** Columns of the tables that rfs makes. The first of each list is the key where it is starred. */
const RFS_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  inode: [
    "*ino",
    "parent",
    "name",
    "size",
    "uid",
    "gid",
    "mode",
    "rdev",
    "ctime",
    "mtime",
  ],
  extra: ["*ino", "data"],
  block: ["ino", "id", "key"],
  tag: ["*key", "value"],
  route: ["start", "end", "url"],
};

/** Columns with an index of their own: those that must have one, and those that may. [F45] */
const RFS_INDEXES: Readonly<Record<string, readonly string[]>> = {
  inode: ["parent", "name"],
  block: ["ino"],
};
const RFS_INDEXES_NEEDED: readonly string[] = ["inode.parent", "block.ino"];

/** Several releases of rfs worded their SQL differently, so what it means is compared. [F44] */
function rfsSchemaFault(query: Query): string | undefined {
  const tables = new Set<string>();
  const listed = query(`SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main'`);
  for (const [name, type, withoutRowid] of listed) {
    const table = String(name);
    if (table === "sqlite_schema" || table === "sqlite_sequence") continue;
    if (type !== "table") return `it has an unexpected ${type} "${table}"`;
    const columns = RFS_COLUMNS[table];
    if (columns === undefined) return `it has an unexpected table "${table}"`;
    if (withoutRowid !== 0) return `its table "${table}" has no row numbers`;
    const fault = rfsColumnsFault(table, columns, query);
    if (fault !== undefined) return fault;
    tables.add(table);
  }
  const missing = Object.keys(RFS_COLUMNS).find((table) => !tables.has(table));
  if (missing !== undefined) return `it has no table "${missing}"`;
  // SQLite acts on the SQL alone, so what the column "type" says is not asked.
  for (const [name, sql] of query("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")) {
    const kind = /^create\s+(?:unique\s+)?(\w+)/i.exec(String(sql))?.[1]?.toLowerCase() ?? "object";
    if (kind !== "table" && kind !== "index") return `it has an unexpected ${kind} "${name}"`;
  }
  return rfsIndexesFault(query);
}

function rfsColumnsFault(
  table: string,
  columns: readonly string[],
  query: Query,
): string | undefined {
  const found = query(`SELECT name, type, pk, hidden FROM pragma_table_xinfo('${table}')`);
  const names = found.map(([name, , pk]) => `${pk === 0 ? "" : "*"}${name}`);
  if (names.join() !== columns.join()) {
    return `its table "${table}" has the columns ${names.join(", ")} instead of ` +
      columns.join(", ");
  }
  for (const [name, type, pk, hidden] of found) {
    if (hidden !== 0) return `column "${name}" of its table "${table}" is computed`;
    // Only a key declared so is the row number, which the order of inodes relies on.
    if (pk !== 0 && name === "ino" && String(type).toUpperCase() !== "INTEGER") {
      return `the key of its table "${table}" is not an integer`;
    }
  }
  return undefined;
}

function rfsIndexesFault(query: Query): string | undefined {
  const needed = new Set(RFS_INDEXES_NEEDED);
  for (const table of Object.keys(RFS_COLUMNS)) {
    const indexes = query(`SELECT name, origin, partial FROM pragma_index_list('${table}')`);
    for (const [name, origin, partial] of indexes) {
      if (origin === "pk") continue;
      const keys = query(
        `SELECT name, "desc", coll FROM pragma_index_xinfo('${quoteSql(String(name))}')
         WHERE key = 1`,
      );
      const [column, descending, collation] = keys[0] ?? [];
      const plain = keys.length === 1 && partial === 0 && descending === 0 &&
        collation === "BINARY";
      if (!plain || !RFS_INDEXES[table]?.includes(String(column))) {
        return `it has an unexpected index "${name}"`;
      }
      needed.delete(`${table}.${column}`);
    }
  }
  const missing = [...needed][0];
  return missing === undefined ? undefined : `it has no index on ${missing}`;
}

/** `text` for use between single quotes in SQL. */
export function quoteSql(text: string): string {
  return text.replaceAll("'", "''");
}
