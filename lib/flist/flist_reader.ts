/**
 * Reads a flist of either profile, and of whatever origin.
 *
 * @module
 */

import { decodeByteString, encodeByteString } from "../base/byte_string.ts";
import { compareBytes } from "../base/bytes.ts";
import type { BlockRef } from "../block/block_ref.ts";
import type { Profile } from "../block/profile.ts";
import type { Xattrs } from "../tree/tree_entry.ts";
import { FILE_SIZE } from "./content_rows.ts";
import type { ContentTables } from "./content_tables.ts";
import type { DirectoryTables } from "./directory_tables.ts";
import {
  routeFault,
  ROUTES_MAX,
  tagFault,
  TAGS_MAX,
  TEXT_LENGTH_MAX,
  xattrsFault,
} from "./entry_rules.ts";
import type {
  ChunkRecord,
  DigestRecord,
  Extent,
  ExtentRecord,
  FlistCounts,
  Inode,
  Route,
} from "./flist_record.ts";
import { validateFlist, type ValidateOptions } from "./flist_validation.ts";
import { ForeignDatabase, type SqliteValue } from "./foreign_database.ts";
import { inodeFromRow, inodeQuery, labelInode } from "./inode_rows.ts";
import { MyfsContent } from "./myfs_content.ts";
import { MyfsDirectories } from "./myfs_directories.ts";
import { RfsContent } from "./rfs_content.ts";
import { RfsDirectories } from "./rfs_directories.ts";
import { FORMAT_TAG, formatTagValue } from "./schema.ts";

export type { ValidateOptions } from "./flist_validation.ts";
export type {
  ChunkRecord,
  DigestRecord,
  Extent,
  ExtentRecord,
  FlistCounts,
  Inode,
  Route,
} from "./flist_record.ts";

/** Extended attributes asked for at a time: 4 MiB of them at most. */
const XATTR_ROWS = 64;

const NO_XATTRS: Xattrs = new Map();

/**
 * An open flist. Each record is checked before it is handed out (types, ranges, names, order), so
 * that a hostile flist cannot make a reader loop or leave a tree; {@link validate} checks in
 * addition what takes a look at everything.
 *
 * All methods throw `FlistFormatError` where the flist breaks a rule of its format, and `TypeError`
 * after it was disposed of. Iterables are lazy, may be left early and may run side by side.
 *
 * @example
 * ```ts ignore
 * using flist = FlistReader.open("tree.fl");
 * for (const inode of flist.inodes()) console.log(inode.ino, inode.name);
 * ```
 */
export class FlistReader implements Disposable {
  readonly #database: ForeignDatabase;
  readonly #content: ContentTables;
  readonly #directories: DirectoryTables;
  readonly #inodeQuery: string;

  private constructor(database: ForeignDatabase) {
    this.#database = database;
    const myfs = database.profile === "myfs";
    this.#content = myfs ? new MyfsContent(database) : new RfsContent(database);
    this.#directories = myfs ? new MyfsDirectories(database) : new RfsDirectories(database);
    this.#inodeQuery = inodeQuery(database.profile);
  }

  /**
   * Opens the flist at `path`, of whichever profile it is.
   *
   * @throws {FlistNotFoundError} when there is no such file.
   * @throws {FlistFormatError} when it is not a flist, damaged, or of a newer version.
   * @throws {SystemError} when it may not be read.
   */
  static open(path: string): FlistReader {
    const database = ForeignDatabase.open(path);
    try {
      if (database.profile === "myfs") checkFormatTag(database);
      return new FlistReader(database);
    } catch (error) {
      database[Symbol.dispose]();
      throw error;
    }
  }

  /** Path as it was given. */
  get path(): string {
    return this.#database.path;
  }

  /** How its blocks are made, and which schema it has. */
  get profile(): Profile {
    return this.#database.profile;
  }

  /** Version of the profile's format. */
  get version(): number {
    return this.#database.version;
  }

  /** Tags that users set, by key. */
  tags(): Map<string, string> {
    return readTags(this.#database);
  }

  /** Where the blocks are, in the order they were added. */
  routes(): Route[] {
    return readRoutes(this.#database);
  }

  /** How many rows of each kind there are. Takes a moment: they are counted. */
  counts(): FlistCounts {
    const myfs = this.profile === "myfs";
    const count = (table: string): number => myfs ? this.#database.count(table) : 0;
    return {
      inodes: this.#database.count("inode"),
      chunks: this.#content.chunkCount(),
      extents: this.#content.extentCount(),
      digests: this.#content.digestCount(),
      xattrs: count("xattr"),
      hardLinks: count("hardlink"),
    };
  }

  /** The inode with the number `ino`. */
  inode(ino: number): Inode | undefined {
    const row = this.#database.get(`${this.#inodeQuery} i.ino = ?`, ino);
    return row === undefined ? undefined : inodeFromRow(this.#database, row);
  }

  /** The entry of the directory `parent` that has the byte string `name`. */
  child(parent: number, name: string): Inode | undefined {
    return this.#directories.child(parent, name);
  }

  /** The entries of the directory `parent`, sorted by the bytes of their names. */
  children(parent: number): Generator<Inode> {
    return this.#directories.children(parent);
  }

  /**
   * Up to `limit` entries of the directory `parent` in the order of their numbers, from the first
   * after the number `ino` on (0 for the start): for those who read a directory page by page.
   */
  childrenAfter(parent: number, ino: number, limit: number): Inode[] {
    return this.#directories.childrenAfter(parent, ino, limit);
  }

  /** All inodes in the order of their numbers: parents before their children. */
  *inodes(): Generator<Inode> {
    for (const row of this.#database.scan(this.#inodeQuery, "i.ino")) {
      yield inodeFromRow(this.#database, row);
    }
  }

  /** Extended attributes of an inode, sorted by the bytes of their names. Empty where none. */
  xattrs(ino: number): Xattrs {
    if (this.profile === "rfs") return NO_XATTRS;
    const file = this.#firstName(ino);
    const xattrs = new Map<string, Uint8Array>();
    const fault = (reason: string) =>
      this.#database.fault(`${labelInode(this.#database, file)}: ${reason}`);
    const query = "SELECT name, value FROM xattr WHERE ino = ?";
    let last: Uint8Array | undefined;
    for (;;) {
      const rows = last === undefined
        ? this.#database.all(`${query} ORDER BY name LIMIT ${XATTR_ROWS}`, file)
        : this.#database.all(`${query} AND name > ? ORDER BY name LIMIT ${XATTR_ROWS}`, file, last);
      for (const [name, value] of rows) {
        if (!(name instanceof Uint8Array) || !(value instanceof Uint8Array)) {
          throw fault("an extended attribute is not bytes");
        }
        if (last !== undefined && compareBytes(last, name) >= 0) {
          throw fault("its extended attributes are out of order");
        }
        last = name;
        xattrs.set(decodeByteString(name), value);
      }
      const wrong = xattrsFault(xattrs);
      if (wrong !== undefined) throw fault(wrong);
      if (rows.length < XATTR_ROWS) return xattrs;
    }
  }

  /** Inodes that have extended attributes, so that a full scan asks for those alone. */
  xattrOwners(): Set<number> {
    const owners = new Set<number>();
    if (this.profile === "rfs") return owners;
    for (let last = -1;;) {
      // One step of the index for each owner, however many attributes it has.
      const row = this.#database.get(
        "SELECT ino FROM xattr WHERE ino > ? ORDER BY ino LIMIT 1",
        last,
      );
      if (row === undefined) return owners;
      const ino = row[0];
      if (typeof ino !== "number" || ino <= last) {
        throw this.#database.fault("its extended attributes are out of order");
      }
      owners.add(ino);
      last = ino;
    }
  }

  /** Inodes that have further names, which are hard links to them. */
  linkedInodes(): Set<number> {
    return new Set(this.#hardLinks().map(({ target }) => target));
  }

  /** How many names each inode has that has several. */
  linkCounts(): Map<number, number> {
    const counts = new Map<number, number>();
    for (const { target } of this.#hardLinks()) counts.set(target, (counts.get(target) ?? 1) + 1);
    return counts;
  }

  /** Whether any inode has an extended attribute, or one of that name (a byte string). */
  hasXattr(name?: string): boolean {
    if (this.profile === "rfs") return false;
    const row = name === undefined
      ? this.#database.get("SELECT 1 FROM xattr LIMIT 1")
      : this.#database.get("SELECT 1 FROM xattr WHERE name = ? LIMIT 1", encodeByteString(name));
    return row !== undefined;
  }

  /**
   * How many inodes there are, not counting further names, and how many bytes the files among them
   * have. Takes a moment for a large flist: all rows are looked at.
   */
  totals(): { readonly inodes: number; readonly fileBytes: number } {
    const further = this.profile === "rfs"
      ? ""
      : "WHERE NOT EXISTS (SELECT 1 FROM hardlink h WHERE h.ino = i.ino)";
    const row = this.#database.get(
      `SELECT count(*), total(size) FROM (SELECT ${FILE_SIZE} AS size FROM inode i ${further}
       LIMIT ${this.#database.fileSize})`,
    );
    return { inodes: row![0] as number, fileBytes: row![1] as number };
  }

  /** BLAKE3-256 of a file's content, where it is known. */
  digest(ino: number): Uint8Array | undefined {
    const file = this.#firstName(ino);
    return this.#content.digest(file);
  }

  /** All digests, in the order of their inodes. */
  digests(): Iterable<DigestRecord> {
    return this.#content.digests();
  }

  /**
   * Where a file's content lies, in file order. Bytes that no extent covers are zeros. Of a hard
   * link: the extents of its first name. Empty for what is not a regular file.
   */
  extents(ino: number): Extent[] {
    const inode = this.inode(this.#firstName(ino));
    return inode?.kind === "file" ? this.#content.extents(inode) : [];
  }

  /** As {@link extents}, of a regular file that was read before and is no further name. */
  extentsOf(file: Inode): Extent[] {
    return this.#content.extents(file);
  }

  /** All extents ordered by chunk, then inode, then place in the file: what to do with a chunk. */
  extentsByChunk(): Iterable<ExtentRecord> {
    return this.#content.extentsByChunk();
  }

  /**
   * Files that lack blocks, which only the `rfs` profile can have: their {@link extents} cannot be
   * told, and what {@link extentsByChunk} tells of them is not all.
   */
  incompleteFiles(): Set<number> {
    return new Set(this.#content.incompleteFiles());
  }

  /** What finds and opens a chunk's block. */
  chunk(chunk: number): BlockRef {
    return this.#content.chunk(chunk);
  }

  /** All chunks in the order of their numbers. */
  chunks(): Iterable<ChunkRecord> {
    return this.#content.chunks();
  }

  /**
   * Checks the whole flist against every rule of its format. Takes about three seconds and 80 MB for
   * a million files.
   *
   * @throws {FlistFormatError} naming the first fault found.
   */
  validate(options: ValidateOptions = {}): void {
    validateFlist(this, this.#database, this.#content, options);
  }

  /** Closes the file. Calling it again does nothing. */
  [Symbol.dispose](): void {
    this.#database[Symbol.dispose]();
  }

  /** All further names: their own numbers, and those of the inodes that they are names of. */
  *#hardLinks(): Generator<{ readonly ino: number; readonly target: number }> {
    if (this.profile === "rfs") return;
    for (
      const [ino, target] of this.#database.scan("SELECT ino, target FROM hardlink WHERE", "ino")
    ) {
      if (typeof target !== "number" || target >= (ino as number)) {
        throw this.#database.fault(
          `${labelInode(this.#database, ino as number)}: it is a hard link to no earlier inode`,
        );
      }
      yield { ino: ino as number, target };
    }
  }

  /** The first name of the file that `ino` is a name of. */
  #firstName(ino: number): number {
    if (this.profile === "rfs") return ino;
    const row = this.#database.get(
      `SELECT target, (SELECT 1 FROM hardlink t WHERE t.ino = h.target)
       FROM hardlink h WHERE ino = ?`,
      ino,
    );
    if (row === undefined) return ino;
    const [target, targetIsLink] = row;
    if (typeof target !== "number" || target >= ino) {
      throw this.#database.fault(
        `${labelInode(this.#database, ino)}: it is a hard link to no earlier inode`,
      );
    }
    if (targetIsLink !== null) {
      throw this.#database.fault(
        `${labelInode(this.#database, ino)}: it is a hard link to a hard link`,
      );
    }
    return target;
  }
}

/**
 * The tags of `database` that users set, by key.
 *
 * @throws {FlistFormatError} when one is not text or breaks a rule.
 */
export function readTags(database: ForeignDatabase): Map<string, string> {
  const tags = new Map<string, string>();
  const rows = database.all(
    `SELECT ${textColumns("key")}, ${textColumns("value")}
     FROM tag ORDER BY key LIMIT ${TAGS_MAX + 1}`,
  );
  if (rows.length > TAGS_MAX) throw database.fault(`it has more than ${TAGS_MAX} tags`);
  for (const [keyType, keyBytes, valueType, valueBytes] of rows) {
    const key = textOf(keyType, keyBytes);
    const value = textOf(valueType, valueBytes);
    if (key === undefined || value === undefined) throw database.fault("a tag is not text");
    const fault = tags.has(key) ? "it is there twice" : tagFault(key, value);
    if (fault !== undefined) throw database.fault(`tag ${JSON.stringify(key)}: ${fault}`);
    tags.set(key, value);
  }
  if (database.profile === "myfs") tags.delete(FORMAT_TAG);
  return tags;
}

/**
 * The routes of `database` in the order they were added.
 *
 * @throws {FlistFormatError} when one breaks a rule.
 */
export function readRoutes(database: ForeignDatabase): Route[] {
  const rows = database.all(
    `SELECT start, end, ${textColumns("url")} FROM route ORDER BY rowid
     LIMIT ${ROUTES_MAX + 1}`,
  );
  if (rows.length > ROUTES_MAX) throw database.fault(`it has more than ${ROUTES_MAX} routes`);
  return rows.map(([start, end, urlType, urlBytes], index) => {
    const url = textOf(urlType, urlBytes);
    if (typeof start !== "number" || typeof end !== "number" || url === undefined) {
      throw database.fault(`route ${index + 1} is not two numbers and a URL`);
    }
    const route = { start, end, url };
    const fault = routeFault(route);
    if (fault !== undefined) throw database.fault(`route ${index + 1}: ${fault}`);
    return route;
  });
}

/**
 * The columns that {@link textOf} takes. What is longer than any text may be is cut a little above
 * that, for the rule on its length to find it.
 */
function textColumns(column: string): string {
  const bytes = `CAST(${column} AS BLOB)`;
  return `typeof(${column}), CASE WHEN octet_length(${column}) > ${TEXT_LENGTH_MAX}
    THEN substr(${bytes}, 1, ${TEXT_LENGTH_MAX + 1}) ELSE ${bytes} END`;
}

/** Text from its bytes, because the binding would end it at a NUL and mend what is not UTF-8. */
function textOf(
  type: SqliteValue | undefined,
  bytes: SqliteValue | undefined,
): string | undefined {
  if (type !== "text" || !(bytes instanceof Uint8Array)) return undefined;
  const text = decodeByteString(bytes);
  return text.isWellFormed() ? text : undefined;
}

function checkFormatTag(database: ForeignDatabase): void {
  const row = database.get("SELECT value FROM tag WHERE key = ?", FORMAT_TAG);
  const expected = formatTagValue(database.version);
  if (row?.[0] !== expected) {
    throw database.fault(`its tag ${FORMAT_TAG} is not ${expected}, as its header says`);
  }
}
