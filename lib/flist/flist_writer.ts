/**
 * Writes a flist of either profile.
 *
 * @module
 */

import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import {
  decodeByteString,
  displayByteString,
  encodeByteString,
  isValidUtf8,
} from "../base/byte_string.ts";
import { UnsupportedError } from "../base/errors.ts";
import { TREE_DEPTH_MAX } from "../base/limits.ts";
import { blockIdBytes, type BlockRef, DIGEST_SIZE } from "../block/block_ref.ts";
import type { Profile } from "../block/profile.ts";
import { type EntryMetadata, kindOfMode } from "../tree/tree_entry.ts";
import {
  chunkFault,
  linkTargetFault,
  metadataFault,
  nameFault,
  reservedTagFault,
  routeFault,
  ROUTES_MAX,
  tagFault,
  TAGS_MAX,
  xattrsFault,
} from "./entry_rules.ts";
import { sqliteWriteError } from "./file_failures.ts";
import { type Extent, type InodeRecord, type Route } from "./flist_record.ts";
import { ROOT_NAME } from "./inode_rows.ts";
import { RowBatch } from "./row_batch.ts";
import {
  CHUNK_KEYS_TAG,
  FORMAT_TAG,
  formatTagValue,
  MYFS_APPLICATION_ID,
  MYFS_VERSION,
  PAGE_SIZE,
  RFS_PIECE_SIZE,
  schemaOf,
  SECRET_CHUNK_KEYS,
} from "./schema.ts";
import { TemporaryFile } from "./temporary_file.ts";
import { WrittenContent } from "./written_content.ts";
import { WrittenDirectories } from "./written_directories.ts";
import { WrittenInodes } from "./written_inodes.ts";

export type { Extent, InodeRecord, Route } from "./flist_record.ts";

/** What a new flist is to be. */
export interface FlistWriterOptions {
  /** How its blocks are made, and which schema it gets. */
  readonly profile: Profile;
}

/**
 * Settings of the file that is being written: it has a temporary name and is thrown away if anything
 * fails, so it needs no journal on the disk; deleted rows are overwritten, so that nothing of a file that was
 * dropped stays; the cache holds 16 MiB.
 */
const SETTINGS = `
  PRAGMA page_size = ${PAGE_SIZE};
  PRAGMA encoding = 'UTF-8';
  PRAGMA auto_vacuum = NONE;
  PRAGMA journal_mode = MEMORY;
  PRAGMA synchronous = OFF;
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA secure_delete = ON;
  PRAGMA temp_store = MEMORY;
  PRAGMA cache_size = -6144;
`;

const METADATA_SET: Readonly<Record<Profile, string>> = {
  myfs: "size = ?, uid = ?, gid = ?, mode = ?, rdev = ?, mtime = ?, mtime_nsec = ?",
  rfs: "size = ?, uid = ?, gid = ?, mode = ?, rdev = ?, ctime = ?, mtime = ?",
};

/**
 * A flist in the making. It has a temporary name beside its own until {@link finish}, so that no
 * reader ever sees half of one; disposing of the writer before that leaves nothing.
 *
 * The same calls in the same order give the same file, byte for byte: there are no times or random
 * numbers in it.
 *
 * Wrong arguments are refused with `RangeError` at once, or by {@link finish} where they are wrong
 * only together. A full disk and the like are `SystemError`s.
 *
 * @example
 * ```ts ignore
 * using writer = FlistWriter.create("tree.fl", { profile: "myfs" });
 * const root = writer.addInode({ parent: 0, name: "", mode: 0o40755, ...metadata });
 * writer.addInode({ parent: root, name: "empty", mode: 0o100644, ...metadata });
 * writer.finish();
 * ```
 */
export class FlistWriter implements Disposable {
  /** How its blocks are made, and which schema it gets. */
  readonly profile: Profile;
  readonly #path: string;
  readonly #file: TemporaryFile;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #inodes = new WrittenInodes();
  readonly #inodeRows: RowBatch;
  /** Order and content of the `myfs` profile. */
  readonly #directories = new WrittenDirectories();
  readonly #content: WrittenContent;
  /** Content of the `rfs` profile. */
  readonly #blockRows: RowBatch;
  /** Sizes of the chunks by number. */
  readonly #chunkSizes: number[] = [0];
  /** The blocks that rows of the `rfs` profile repeat, by number. */
  readonly #rfsBlocks: (BlockRef | undefined)[] = [undefined];
  readonly #tags = new Set<string>();
  #routeCount = 0;
  #removedContent = false;
  #open = true;

  private constructor(path: string, profile: Profile, file: TemporaryFile, database: DatabaseSync) {
    this.#path = path;
    this.profile = profile;
    this.#file = file;
    this.#database = database;
    const prepare = (sql: string) => this.#statement(sql);
    this.#inodeRows = new RowBatch(prepare, "inode", 10);
    this.#blockRows = new RowBatch(prepare, "block", 3);
    this.#content = new WrittenContent(prepare, this.#inodes);
  }

  /**
   * Starts a flist that is to be at `path`. What is there stays until {@link finish}.
   *
   * @throws {SystemError} when nothing can be written there.
   */
  static create(path: string, options: FlistWriterOptions): FlistWriter {
    const { profile } = options;
    const file = TemporaryFile.beside(path);
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(file.path, {
        allowExtension: false,
        enableForeignKeyConstraints: false,
        enableDoubleQuotedStringLiterals: false,
      });
      database.exec(SETTINGS);
      if (profile === "myfs") {
        database.exec(`PRAGMA application_id = ${MYFS_APPLICATION_ID};
          PRAGMA user_version = ${MYFS_VERSION}`);
      }
      database.exec("BEGIN");
      for (const sql of schemaOf(profile).tables) database.exec(sql);
      const writer = new FlistWriter(path, profile, file, database);
      if (profile === "myfs") writer.#insertTag(FORMAT_TAG, formatTagValue(MYFS_VERSION));
      return writer;
    } catch (error) {
      database?.close();
      file[Symbol.dispose]();
      throw sqliteWriteError(path, error);
    }
  }

  /**
   * Adds an entry, parents before their children, the root (parent 0) first. Those of one directory
   * come one after the other, sorted by the bytes of their names; the `rfs` profile takes any order.
   *
   * A symbolic link's size is its target's and all but files have size 0, whatever the record says.
   * The `rfs` profile drops extended attributes and nanoseconds and makes hard links copies: see
   * `profileLosses`.
   *
   * @returns the number of the inode, counting from 1.
   * @throws {RangeError} when the record breaks a rule of the format.
   * @throws {TypeError} when the `myfs` profile gets entries in another order.
   * @throws {UnsupportedError} when the profile cannot represent the name.
   */
  addInode(record: InodeRecord): number {
    this.#expectOpen();
    const name = record.name === "" ? ROOT_NAME : record.name;
    const nameBytes = encodeByteString(name);
    const refuse = (reason: string) =>
      new RangeError(`Cannot add "${displayByteString(record.name)}" to the flist: ${reason}`);

    this.#checkPlace(record, nameBytes.length, refuse);
    const target = record.linkTarget === undefined
      ? undefined
      : encodeByteString(record.linkTarget);
    const metadata = normalized(record, target?.length ?? 0);
    const fault = metadataFault(metadata) ?? linkFault(record, target) ??
      (record.xattrs === undefined ? undefined : xattrsFault(record.xattrs));
    if (fault !== undefined) throw refuse(fault);
    const myfs = this.profile === "myfs";
    const misplaced = myfs ? this.#directories.orderFault(record.parent, name) : undefined;
    if (misplaced !== undefined) throw refuse(misplaced);

    const kind = kindOfMode(record.mode)!;
    const ino = this.#inodes.add(record.parent, kind, metadata.size);
    if (record.hardLinkTo !== undefined) this.#inodes.link(ino, record.hardLinkTo);
    if (myfs && ino > 1) this.#directories.add(record.parent, ino, name);
    const { size, uid, gid, mode, rdev, mtime } = metadata;
    // rfs has ctime before mtime. It gets the same value, for a flist to depend on the tree alone.
    const last = myfs ? metadata.mtimeNsec : mtime;
    const nameValue = myfs ? nameBytes : name;
    this.#write(() =>
      this.#inodeRows.add(ino, record.parent, nameValue, size, uid, gid, mode, rdev, mtime, last)
    );
    this.#addExtras(ino, record, target);
    return ino;
  }

  /**
   * Replaces the metadata of an inode, for a file that changed while it was read. The kind stays.
   *
   * @throws {RangeError} when there is no such inode, or the metadata is not right for it.
   */
  updateMetadata(ino: number, metadata: EntryMetadata): void {
    this.#expectOpen();
    const refuse = (reason: string) =>
      new RangeError(`Cannot update inode ${ino} of the flist: ${reason}`);
    this.#expectFirstName(ino, refuse);
    const kind = this.#inodes.kindOf(ino)!;
    if (kindOfMode(metadata.mode) !== kind) throw refuse(`it is a ${kind}`);
    const kept = normalized(metadata, kind === "symlink" ? this.#inodes.sizeOf(ino) : 0);
    const fault = metadataFault(kept);
    if (fault !== undefined) throw refuse(fault);
    const sizeBefore = this.#inodes.sizeOf(ino);
    if (this.profile === "myfs" && kept.size !== sizeBefore) {
      this.#write(() => this.#content.resize(ino, sizeBefore, kept.size));
    }
    this.#inodes.setSize(ino, kept.size);
    this.#write(() => this.#inodeRows.flush());
    const { size, uid, gid, mode, rdev, mtime } = kept;
    const last = this.profile === "myfs" ? kept.mtimeNsec : mtime;
    this.#run(
      `UPDATE inode SET ${METADATA_SET[this.profile]} WHERE ino = ?`,
      ...[size, uid, gid, mode, rdev, mtime, last, ino],
    );
  }

  /**
   * Takes back a file or other entry that has no children, with all that was said of it, and all
   * further names of it.
   *
   * @returns the inodes removed, `ino` first.
   * @throws {RangeError} when there is no such inode, or it is a directory.
   */
  removeInode(ino: number): readonly number[] {
    this.#expectOpen();
    const refuse = (reason: string) =>
      new RangeError(`Cannot remove inode ${ino} from the flist: ${reason}`);
    const kind = this.#inodes.kindOf(ino);
    if (kind === undefined) throw refuse("there is none");
    if (kind === "directory") throw refuse("it is a directory");
    const removed = [ino];
    for (const [link, target] of this.#inodes.hardLinks()) if (target === ino) removed.push(link);
    const myfs = this.profile === "myfs";
    const tables = myfs ? ["inode", "extra", "xattr", "hardlink"] : ["inode", "extra"];
    this.#write(() => this.#inodeRows.flush());
    if (!myfs) this.#removeBlocks(ino);
    else if (this.#write(() => this.#content.remove(ino))) this.#removedContent = true;
    for (const each of removed) {
      for (const table of tables) this.#run(`DELETE FROM ${table} WHERE ino = ?`, each);
      this.#inodes.remove(each);
    }
    return removed;
  }

  /**
   * Adds a chunk. A block that is used twice should be added once.
   *
   * @returns the chunk's number, counting from 1.
   * @throws {RangeError} when its sizes are out of range, or the `myfs` profile is not told the
   * stored size.
   */
  addChunk(ref: BlockRef): number {
    this.#expectOpen();
    const chunk = this.#chunkSizes.length;
    const fault = chunkFault(ref) ?? (this.profile === "rfs" ? rfsChunkFault(ref) : undefined);
    if (fault !== undefined) {
      throw new RangeError(`Cannot add chunk ${chunk} to the flist: ${fault}`);
    }
    if (this.profile === "rfs") {
      this.#rfsBlocks.push(ref);
    } else {
      if (ref.storedSize === undefined) {
        throw new RangeError(`Cannot add chunk ${chunk} to the flist: its stored size is not told`);
      }
      this.#run(
        "INSERT INTO chunk VALUES (?, ?, ?, ?, ?)",
        chunk,
        blockIdBytes(ref.id),
        ref.key.toBytes(),
        ref.size,
        ref.storedSize,
      );
    }
    this.#chunkSizes.push(ref.size);
    return chunk;
  }

  /**
   * Says where some bytes of a file lie. The extents of one file come in file order; several files
   * may be under way at once. In the `rfs` profile each extent is a whole chunk of 512 KiB, or less
   * at the end of the file, and there are no holes.
   *
   * @throws {RangeError} when the extent is not in the chunk or not behind the file's last.
   */
  addExtent(ino: number, extent: Extent): void {
    this.#expectOpen();
    const { fileOffset, chunk, chunkOffset, length } = extent;
    const refuse = (reason: string) =>
      new RangeError(
        `Cannot add an extent at ${fileOffset} to inode ${ino} of the flist: ${reason}`,
      );
    this.#expectFirstName(ino, refuse);
    if (this.#inodes.kindOf(ino) !== "file") throw refuse("it is not a file");
    const chunkSize = chunk > 0 ? this.#chunkSizes[chunk] : undefined;
    if (chunkSize === undefined) throw refuse(`there is no chunk ${chunk}`);
    if (!isCount(length) || length === 0 || !isCount(chunkOffset) || !isCount(fileOffset)) {
      throw refuse(`${length} bytes from ${chunkOffset} of the chunk are not an extent`);
    }
    if (chunkOffset + length > chunkSize) {
      throw refuse(`it ends at ${chunkOffset + length} in a chunk of ${chunkSize} bytes`);
    }
    const end = this.#inodes.endOf(ino);
    if (fileOffset < end) throw refuse(`the extent before ends at ${end}`);
    if (!Number.isSafeInteger(fileOffset + length)) throw refuse("files are not that large");
    if (this.profile === "rfs") {
      if (fileOffset !== end || fileOffset % RFS_PIECE_SIZE !== 0 || length !== chunkSize) {
        throw refuse("in the rfs profile each is one whole piece right behind the one before");
      }
      this.#insertBlock(ino, this.#rfsBlocks[chunk]!);
    } else {
      this.#write(() => this.#content.addExtent(ino, extent));
    }
    this.#inodes.cover(ino, fileOffset, length);
  }

  /**
   * Says what a file's content hashes to. Ignored by the `rfs` profile, which has no place for it.
   *
   * @param digest BLAKE3-256 of the content, 32 bytes.
   * @throws {RangeError} when it is not 32 bytes or `ino` is not a file.
   */
  setDigest(ino: number, digest: Uint8Array): void {
    this.#expectOpen();
    const refuse = (reason: string) =>
      new RangeError(`Cannot set the digest of inode ${ino} of the flist: ${reason}`);
    this.#expectFirstName(ino, refuse);
    if (this.#inodes.kindOf(ino) !== "file") throw refuse("it is not a file");
    if (digest.length !== DIGEST_SIZE) throw refuse(`it has ${digest.length} bytes`);
    if (this.profile === "rfs") return;
    this.#write(() => this.#content.setDigest(ino, digest));
    this.#inodes.noteDigest(ino);
  }

  /** Says that a domain secret went into the keys of chunks, so that readers cannot check them. */
  markSecretChunkKeys(): void {
    this.#expectOpen();
    this.#insertTag(CHUNK_KEYS_TAG, SECRET_CHUNK_KEYS);
  }

  /**
   * Sets a tag, in place of an earlier one with the same key.
   *
   * @throws {RangeError} when it is not text, or the key is reserved.
   */
  setTag(key: string, value: string): void {
    this.#expectOpen();
    const fault = reservedTagFault(key) ?? tagFault(key, value) ??
      (this.#tags.size >= TAGS_MAX && !this.#tags.has(key) ? "there are too many" : undefined);
    if (fault !== undefined) {
      throw new RangeError(`Cannot set the tag "${displayByteString(key)}": ${fault}`);
    }
    this.#insertTag(key, value);
  }

  /**
   * Adds a route.
   *
   * @throws {RangeError} when it is not one.
   */
  addRoute(route: Route): void {
    this.#expectOpen();
    const fault = routeFault(route) ??
      (this.#routeCount >= ROUTES_MAX ? "there are too many" : undefined);
    if (fault !== undefined) throw new RangeError(`Cannot add a route to the flist: ${fault}`);
    this.#run("INSERT INTO route VALUES (?, ?, ?)", route.start, route.end, route.url);
    this.#routeCount++;
  }

  /**
   * Completes the flist, brings it to the disk and gives it its name, in place of what had it.
   *
   * @throws {RangeError} when there is no root, a directory of the `rfs` profile has a name twice, or
   * a file's extents do not fit its size. Nothing is left then, as after any other failure.
   * @throws {SystemError} when the disk or the directory refuses.
   */
  finish(): void {
    this.#expectOpen();
    try {
      this.#write(() => this.#inodeRows.flush());
      this.#checkWhole();
      this.#completeHardLinks();
      if (this.profile === "myfs") this.#write(() => this.#completeTables());
      else this.#createIndexes();
      this.#run("COMMIT");
      this.#close();
      this.#file.replaceTarget();
    } finally {
      this[Symbol.dispose]();
    }
  }

  /** Throws everything away unless {@link finish} has succeeded. */
  [Symbol.dispose](): void {
    this.#close();
    this.#file[Symbol.dispose]();
  }

  /** Checks the place an entry is to have: its name, its directory, its first name. */
  #checkPlace(
    record: InodeRecord,
    nameLength: number,
    refuse: (reason: string) => Error,
  ): void {
    const { parent, name, hardLinkTo } = record;
    const kind = kindOfMode(record.mode);
    if (this.#inodes.last === 0) {
      if (parent !== 0 || name !== "") throw refuse("the root comes first, with no name");
      if (kind !== "directory") throw refuse("the root is a directory");
      return;
    }
    if (this.#inodes.kindOf(parent) !== "directory") {
      throw refuse(`inode ${parent} is not a directory that was added before`);
    }
    if (this.#inodes.depthOf(parent) >= TREE_DEPTH_MAX) {
      throw refuse(`it would lie more than ${TREE_DEPTH_MAX} directories deep`);
    }
    const fault = nameFault(name, name === "" ? 0 : nameLength);
    if (fault !== undefined) throw refuse(fault);
    if (this.profile === "rfs" && !isValidUtf8(name)) {
      throw new UnsupportedError(
        `Cannot add "${displayByteString(name)}" to the flist: ` +
          "the rfs profile has no names that are not UTF-8",
        { hint: "Rename it, or use the myfs profile." },
      );
    }
    if (hardLinkTo === undefined) return;
    const targetKind = this.#inodes.kindOf(hardLinkTo);
    if (targetKind !== kind || kind === "directory" || this.#inodes.isFurtherName(hardLinkTo)) {
      throw refuse(`it cannot be another name of inode ${hardLinkTo}`);
    }
  }

  /** Adds what entries have that most do not: a link target, attributes, an earlier name. */
  #addExtras(ino: number, record: InodeRecord, target: Uint8Array | undefined): void {
    const myfs = this.profile === "myfs";
    if (record.hardLinkTo !== undefined) {
      if (myfs) this.#run("INSERT INTO hardlink VALUES (?, ?)", ino, record.hardLinkTo);
      else {
        this.#run(
          "INSERT INTO extra SELECT ?, data FROM extra WHERE ino = ?",
          ino,
          record.hardLinkTo,
        );
      }
      return;
    }
    if (target !== undefined) this.#run("INSERT INTO extra VALUES (?, ?)", ino, target);
    if (!myfs || record.xattrs === undefined) return;
    for (const [name, value] of record.xattrs) {
      this.#run("INSERT INTO xattr VALUES (?, ?, ?)", ino, encodeByteString(name), value);
    }
  }

  #expectFirstName(ino: number, refuse: (reason: string) => Error): void {
    if (this.#inodes.kindOf(ino) === undefined) throw refuse("there is none");
    if (this.#inodes.isFurtherName(ino)) throw refuse("it is another name of an earlier inode");
  }

  #checkWhole(): void {
    const refuse = (reason: string) =>
      new RangeError(`Cannot finish the flist ${this.#path}: ${reason}`);
    if (this.#inodes.last === 0) throw refuse("it has no root");
    const fault = this.#inodes.contentFault(this.profile === "rfs");
    if (fault !== undefined) throw refuse(`inode ${fault.ino}: ${fault.reason}`);
    // The other profile takes entries in the order of their names.
    if (this.profile === "myfs") return;
    const twice = this.#statement(
      "SELECT parent, CAST(name AS BLOB) AS name FROM inode GROUP BY 1, 2 HAVING count(*) > 1 LIMIT 1",
    ).get();
    if (twice === undefined) return;
    const name = displayByteString(decodeByteString(twice.name as Uint8Array));
    throw refuse(`the directory ${twice.parent} has two entries named "${name}"`);
  }

  /** Further names get the metadata of the first, which may have changed since, or its content. */
  #completeHardLinks(): void {
    const columns = METADATA_SET[this.profile].replaceAll(" = ?", "");
    for (const [ino, target] of this.#inodes.hardLinks()) {
      this.#run(
        `UPDATE inode SET (${columns}) = (SELECT ${columns} FROM inode WHERE ino = ?) WHERE ino = ?`,
        target,
        ino,
      );
    }
  }

  /** What only the whole tree tells of the `myfs` profile's tables. */
  #completeTables(): void {
    this.#content.flush();
    if (this.#removedContent) this.#content.dropUnusedChunks();
    const rows = new RowBatch((sql) => this.#statement(sql), "directory", 3);
    for (const { ino, first, last } of this.#directories.ranges()) rows.add(ino, first, last);
    rows.flush();
  }

  /** What the `rfs` profile has when all rows are in. */
  #createIndexes(): void {
    this.#write(() => this.#blockRows.flush());
    for (const sql of schemaOf(this.profile).indexes) this.#run(sql);
    for (const [ino, target] of this.#inodes.hardLinks()) {
      this.#run(
        "INSERT INTO block SELECT ?, id, key FROM block WHERE ino = ? ORDER BY rowid",
        ino,
        target,
      );
    }
  }

  #insertBlock(ino: number, ref: BlockRef): void {
    this.#write(() => this.#blockRows.add(ino, blockIdBytes(ref.id), ref.key.toBytes()));
  }

  #removeBlocks(ino: number): void {
    // Without an index until the end, so only where there are any.
    if (this.#inodes.endOf(ino) === 0) return;
    this.#write(() => this.#blockRows.flush());
    this.#run("DELETE FROM block WHERE ino = ?", ino);
  }

  #insertTag(key: string, value: string): void {
    this.#run("INSERT OR REPLACE INTO tag VALUES (?, ?)", key, value);
    this.#tags.add(key);
  }

  /** Runs a statement, prepared once. @returns how many rows it changed. */
  #run(sql: string, ...parameters: SQLInputValue[]): number {
    return this.#write(() => Number(this.#statement(sql).run(...parameters).changes));
  }

  /** Does `work`, and tells what SQLite cannot write in the words of the system. */
  #write<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw sqliteWriteError(this.#path, error);
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #expectOpen(): void {
    if (!this.#open) {
      throw new TypeError(`Cannot write to the flist ${this.#path}: it was finished or discarded`);
    }
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#statements.clear();
    this.#database.close();
  }
}

/** `metadata` with what the format fixes: sizes of all but files, device numbers of all but devices. */
function normalized(metadata: EntryMetadata, linkSize: number): EntryMetadata {
  const { mode, uid, gid, size, mtime, mtimeNsec, rdev } = metadata;
  const kind = kindOfMode(mode);
  return {
    mode,
    uid,
    gid,
    size: kind === "file" ? size : kind === "symlink" ? linkSize : 0,
    mtime,
    mtimeNsec,
    rdev: kind === "char-device" || kind === "block-device" ? rdev : 0,
  };
}

function linkFault(record: InodeRecord, target: Uint8Array | undefined): string | undefined {
  if (kindOfMode(record.mode) !== "symlink") {
    return record.linkTarget === undefined ? undefined : "it is no symbolic link, but has a target";
  }
  if (target === undefined) {
    return record.hardLinkTo === undefined ? "a symbolic link needs a target" : undefined;
  }
  return linkTargetFault(record.linkTarget!, target.length);
}

function rfsChunkFault(ref: BlockRef): string | undefined {
  return ref.size > RFS_PIECE_SIZE ? `it has more than ${RFS_PIECE_SIZE} bytes` : undefined;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
