/**
 * The checks that take a look at a whole flist, one pass a table. What can be told from one record
 * alone is checked wherever records are read, here too.
 *
 * @module
 */

import { compareByteStrings } from "../base/byte_string.ts";
import { TREE_DEPTH_MAX } from "../base/limits.ts";
import type { EntryKind } from "../tree/tree_entry.ts";
import type { ContentTables } from "./content_tables.ts";
import type { EntryRange } from "./directory_tables.ts";
import { type Inode, ROOT_INO } from "./flist_record.ts";
import type { FlistReader } from "./flist_reader.ts";
import type { ForeignDatabase } from "./foreign_database.ts";
import { inodeLabel, labelInode } from "./inode_rows.ts";
import { disorderedEntry, entryRanges, strayEntry } from "./myfs_directories.ts";
import { SortedNumbers } from "./sorted_numbers.ts";

/** How to validate. */
export interface ValidateOptions {
  /**
   * Whether files of the `rfs` profile may lack blocks. rfs leaves such files where it fails, and
   * sometimes the last one it packs: two of nine flists in its own repository have one. Reading
   * such a file fails either way.
   *
   * @default {false}
   */
  readonly allowIncomplete?: boolean;
}

/**
 * Checks all that `database` holds.
 *
 * @throws {FlistFormatError} naming the first fault found.
 */
export function validateFlist(
  reader: FlistReader,
  database: ForeignDatabase,
  content: ContentTables,
  options: ValidateOptions = {},
): void {
  const tree = new TreeFacts(database);
  const myfs = database.profile === "myfs";
  const names = myfs ? undefined : new NameNumbers(database.count("inode"));
  const order = myfs ? new EntryOrder(database) : undefined;
  for (const inode of reader.inodes()) {
    tree.add(inode);
    names?.add(inode.parent, inode.name);
    order?.add(inode);
  }
  tree.checkRoot();
  for (const directory of order?.directories() ?? []) {
    if (tree.kindOf(directory) !== "directory") {
      throw database.fault(`entries belong to inode ${directory}, which is no directory`);
    }
  }
  checkLinkTargets(database, tree);
  if (myfs) checkHardLinks(database, tree);
  if (names?.areDistinct() === false) checkNamesOnce(database);
  checkContent(content, tree);
  if (!myfs && options.allowIncomplete !== true) {
    for (const ino of tree.files()) tree.expectCovered(ino, "its content is cut short");
  }
  for (const ino of reader.xattrOwners()) {
    tree.expectFirstName(ino, "extended attributes");
    reader.xattrs(ino);
  }
  reader.tags();
  reader.routes();
  checkPages(database);
}

const KINDS: readonly EntryKind[] = [
  "file",
  "directory",
  "symlink",
  "fifo",
  "socket",
  "char-device",
  "block-device",
];

/** Set beside a kind's code where the inode is a further name, or has a digest. */
const FURTHER_NAME = 0x80;
const HAS_DIGEST = 0x40;
const KIND_BITS = 0x0f;

/** What the checks need to know of each inode: 27 bytes a piece. */
class TreeFacts {
  readonly #database: ForeignDatabase;
  readonly #inos: SortedNumbers;
  readonly #kinds: Uint8Array;
  readonly #depths: Uint16Array;
  readonly #sizes: Float64Array;
  readonly #covered: Float64Array;

  constructor(database: ForeignDatabase) {
    this.#database = database;
    const count = database.count("inode");
    this.#inos = new SortedNumbers(count);
    this.#kinds = new Uint8Array(count);
    this.#depths = new Uint16Array(count);
    this.#sizes = new Float64Array(count);
    this.#covered = new Float64Array(count);
  }

  add(inode: Inode): void {
    const { ino, parent, kind } = inode;
    const fault = (reason: string) =>
      this.#database.fault(`${inodeLabel(ino, inode.name)}: ${reason}`);
    const at = this.#inos.add(ino);
    if (at >= this.#kinds.length) throw fault("it is one more than were counted");
    this.#kinds[at] = KINDS.indexOf(kind) | (inode.hardLinkTo === undefined ? 0 : FURTHER_NAME);
    this.#sizes[at] = inode.size;
    if (ino === ROOT_INO) return;
    const parentAt = this.#inos.positionOf(parent);
    if (parentAt < 0) throw fault(`its parent ${parent} does not exist`);
    if (this.#kind(parentAt) !== "directory") throw fault(`its parent ${parent} is no directory`);
    const depth = this.#depths[parentAt]! + 1;
    if (depth > TREE_DEPTH_MAX) throw fault(`it lies more than ${TREE_DEPTH_MAX} directories deep`);
    this.#depths[at] = depth;
  }

  checkRoot(): void {
    if (this.#inos.positionOf(ROOT_INO) < 0) throw this.#database.fault("it has no root");
  }

  /** Counts bytes of a file's content. */
  cover(ino: number, length: number): void {
    const at = this.expectFirstName(ino, "extents");
    this.#covered[at]! += length;
  }

  /** Remembers that the digest of a file's content is known. */
  noteDigest(ino: number): void {
    this.#kinds[this.expectFirstName(ino, "a digest")]! |= HAS_DIGEST;
  }

  /** Numbers of all that have a digest. */
  *digested(): Generator<number> {
    for (let at = 0; at < this.#inos.length; at++) {
      if ((this.#kinds[at]! & HAS_DIGEST) !== 0) yield this.#inos.at(at);
    }
  }

  /** @throws where a file's content does not have the file's size. */
  expectCovered(ino: number, what: string): void {
    const at = this.expectFirstName(ino, what);
    if (this.#kind(at) !== "file") {
      throw this.#database.fault(`${labelInode(this.#database, ino)}: ${what}: it is no file`);
    }
    if (this.#covered[at] !== this.#sizes[at]) {
      throw this.#database.fault(
        `${labelInode(this.#database, ino)}: ${what}: only ${this.#covered[at]} of its ` +
          `${this.#sizes[at]} bytes are there`,
      );
    }
  }

  /** Numbers of all regular files. */
  *files(): Generator<number> {
    for (let at = 0; at < this.#inos.length; at++) {
      if (this.#kind(at) === "file") yield this.#inos.at(at);
    }
  }

  /** The position of an inode that must exist and be no further name. */
  expectFirstName(ino: number, what: string): number {
    const at = this.#inos.positionOf(ino);
    if (at < 0) throw this.#database.fault(`${what} belong to inode ${ino}, which does not exist`);
    if ((this.#kinds[at]! & FURTHER_NAME) !== 0) {
      throw this.#database.fault(
        `${labelInode(this.#database, ino)}: ${what} belong to a hard link`,
      );
    }
    return at;
  }

  /** Kind of an inode that must exist. */
  kindOf(ino: number): EntryKind | undefined {
    const at = this.#inos.positionOf(ino);
    return at < 0 ? undefined : this.#kind(at);
  }

  #kind(at: number): EntryKind {
    return KINDS[this.#kinds[at]! & KIND_BITS]!;
  }
}

/**
 * The order of the `myfs` profile: each entry lies in the range of its directory, ranges have no
 * number in common, and names ascend in each.
 */
class EntryOrder {
  readonly #database: ForeignDatabase;
  /** Ranges in the order of the numbers in them. */
  readonly #ranges: readonly EntryRange[];
  #at = 0;
  /** Name of the entry before in the same range. */
  #name: string | undefined;

  constructor(database: ForeignDatabase) {
    this.#database = database;
    this.#ranges = [...entryRanges(database)].sort((left, right) => left.first - right.first);
    this.#ranges.forEach(({ ino, first }, at) => {
      const before = this.#ranges[at - 1];
      if (before !== undefined && first <= before.last) {
        throw database.fault(
          `the entries of directories ${before.ino} and ${ino} have numbers in common`,
        );
      }
    });
  }

  /** Checks the place of an inode; those with lower numbers were checked before. */
  add({ ino, parent, name }: Inode): void {
    if (ino === ROOT_INO) return;
    const fault = (reason: (entry: string, directory: number) => string, directory: number) =>
      this.#database.fault(reason(inodeLabel(ino, name), directory));
    let range = this.#ranges[this.#at];
    for (; range !== undefined && range.last < ino; range = this.#ranges[++this.#at]) {
      this.#name = undefined;
    }
    if (range === undefined || ino < range.first) throw fault(lostEntry, parent);
    if (range.ino !== parent) throw fault(strayEntry, range.ino);
    if (this.#name !== undefined && compareByteStrings(this.#name, name) >= 0) {
      throw fault(disorderedEntry, parent);
    }
    this.#name = name;
  }

  /** All that are said to have entries. */
  directories(): number[] {
    return this.#ranges.map(({ ino }) => ino);
  }
}

function lostEntry(entry: string, directory: number): string {
  return `${entry}: it is not among the entries of its directory ${directory}`;
}

/** Symbolic links were seen with their targets; here it is the targets without a link. */
function checkLinkTargets(database: ForeignDatabase, tree: TreeFacts): void {
  for (const [ino] of database.scan("SELECT ino FROM extra WHERE", "ino")) {
    tree.expectFirstName(ino as number, "link targets");
    if (tree.kindOf(ino as number) !== "symlink") {
      throw database.fault(
        `${labelInode(database, ino as number)}: its link target belongs to no symbolic link`,
      );
    }
  }
}

function checkHardLinks(database: ForeignDatabase, tree: TreeFacts): void {
  const columns = ["size", "uid", "gid", "mode", "rdev", "mtime", "mtime_nsec"];
  const rows = database.scan(
    `SELECT h.ino, h.target, (${columns.map((column) => `a.${column}`)}) IS
       (${columns.map((column) => `b.${column}`)})
     FROM hardlink h LEFT JOIN inode a ON a.ino = h.ino LEFT JOIN inode b ON b.ino = h.target
     WHERE`,
    "h.ino",
  );
  for (const [ino, target, same] of rows) {
    if (tree.kindOf(ino as number) === undefined) {
      throw database.fault(`a hard link belongs to inode ${ino}, which does not exist`);
    }
    tree.expectFirstName(target as number, `the name ${ino} as a hard link`);
    if (same !== 1) {
      throw database.fault(
        `${
          labelInode(database, ino as number)
        }: its metadata is not that of its first name ${target}`,
      );
    }
  }
}

/**
 * rfs has no unique index on names. Sorting a number made of each directory and name finds those
 * that may be there twice, in eight bytes a name; SQLite is asked only where there are any.
 */
class NameNumbers {
  readonly #numbers: Float64Array;
  #count = 0;

  constructor(count: number) {
    this.#numbers = new Float64Array(count);
  }

  add(parent: number, name: string): void {
    // FNV-1a and its variant with the steps exchanged, joined to 52 bits.
    let [low, high] = [0x811c9dc5 ^ parent, 0x811c9dc5 + parent];
    for (let i = 0; i < name.length; i++) {
      const unit = name.charCodeAt(i);
      low = Math.imul(low ^ unit, 0x01000193);
      high = Math.imul(high, 0x01000193) ^ unit;
    }
    this.#numbers[this.#count++] = (high >>> 12) * 0x1_0000_0000 + (low >>> 0);
  }

  /** Whether no two are equal. */
  areDistinct(): boolean {
    const sorted = this.#numbers.sort();
    for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) return false;
    return true;
  }
}

function checkNamesOnce(database: ForeignDatabase): void {
  const twice = database.get(
    "SELECT max(ino), parent, name FROM inode GROUP BY parent, name HAVING count(*) > 1 LIMIT 1",
  );
  if (twice === undefined) return;
  const [ino, parent, name] = twice;
  throw database.fault(
    `${inodeLabel(ino as number, name as string)}: directory ${parent} has its name twice`,
  );
}

function checkContent(content: ContentTables, tree: TreeFacts): void {
  const chunks = content.chunks()[Symbol.iterator]();
  while (chunks.next().done !== true) {
    // Each is checked as it is read.
  }
  content.eachExtent(
    ({ ino, length }) => tree.cover(ino, length),
    (ino) => tree.noteDigest(ino),
  );
  for (const ino of tree.digested()) tree.expectCovered(ino, "its digest is of other content");
}

/** SQLite's own look at every page: that indexes agree with tables and that no page serves twice. */
function checkPages(database: ForeignDatabase): void {
  const message = database.get("PRAGMA integrity_check(1)")?.[0];
  if (message !== "ok") throw database.fault(`SQLite finds it damaged: ${message}`);
}
