/**
 * Rows of the inode table as {@link Inode}s, each checked before anybody sees it: a mount or a walk
 * does not wait for the whole flist to be validated.
 *
 * @module
 */

import { decodeByteString, displayByteString, encodeByteString } from "../base/byte_string.ts";
import { NAME_LENGTH_MAX } from "../base/limits.ts";
import type { Profile } from "../block/profile.ts";
import { type EntryKind, kindOfMode } from "../tree/tree_entry.ts";
import { linkTargetFault, metadataFault, nameFault } from "./entry_rules.ts";
import { type Inode, ROOT_INO } from "./flist_record.ts";
import {
  type ForeignDatabase,
  shown,
  type SqliteRow,
  type SqliteValue,
} from "./foreign_database.ts";

/** Name of the root's row, in both profiles. */
export const ROOT_NAME = "/";

/** SQL for whether `i` is a symbolic link. */
const IS_SYMLINK = "i.mode & 61440 = 40960";

/**
 * The query that finds inodes, to which a condition on `i` is added. Names come as text, because
 * the binding makes strings in half the time of byte arrays; their length in bytes comes along and
 * gives away a name that text cannot hold. Targets are looked up for symbolic links alone, which
 * saves a fifth of the time.
 */
export function inodeQuery(profile: Profile): string {
  return profile === "myfs"
    ? `SELECT i.ino, i.parent, CAST(i.name AS TEXT), octet_length(i.name),
         i.size, i.uid, i.gid, i.mode, i.rdev, i.mtime, i.mtime_nsec, h.target,
         CASE WHEN ${IS_SYMLINK} THEN
           (SELECT data FROM extra WHERE ino = ifnull(h.target, i.ino)) END
       FROM inode i LEFT JOIN hardlink h ON h.ino = i.ino WHERE`
    : `SELECT i.ino, i.parent, i.name, octet_length(i.name),
         i.size, i.uid, i.gid, i.mode, i.rdev, i.mtime, 0, NULL,
         CASE WHEN ${IS_SYMLINK} THEN (SELECT data FROM extra WHERE ino = i.ino) END
       FROM inode i WHERE`;
}

/**
 * The inode that a row of {@link inodeQuery} holds.
 *
 * @throws {FlistFormatError} naming inode and fault, where it breaks a rule that one row can break.
 */
export function inodeFromRow(database: ForeignDatabase, row: SqliteRow): Inode {
  const [ino, parent, , , size, uid, gid, mode, rdev, mtime, mtimeNsec, target] = row;
  if (!isNumber(ino) || ino < ROOT_INO) {
    throw database.fault(`${shown(ino)} is not an inode number`);
  }
  const name = nameFromRow(database, ino, row);
  if (!isNumber(parent)) throw inodeFault(database, row, name, `its parent is ${shown(parent)}`);
  if (ino === ROOT_INO ? parent !== 0 : parent < ROOT_INO || parent >= ino) {
    throw inodeFault(database, row, name, `its parent ${parent} is not an earlier inode`);
  }
  if (
    !isNumber(size) || !isNumber(uid) || !isNumber(gid) || !isNumber(mode) || !isNumber(rdev) ||
    !isNumber(mtime) || !isNumber(mtimeNsec)
  ) {
    throw inodeFault(database, row, name, columnsFault(row));
  }
  const kind = kindOfMode(mode) ?? "file";
  const inode = { ino, parent, name, kind, mode, uid, gid, size, mtime, mtimeNsec, rdev };
  const fault = metadataFault(inode);
  if (fault !== undefined) throw inodeFault(database, row, name, fault);
  if (kind === "file" && rdev === 0 && target === null && ino !== ROOT_INO) return inode;
  return unusualInode(database, row, inode);
}

/** What {@link inodeFromRow} does for all that is not a file with one name. */
function unusualInode(database: ForeignDatabase, row: SqliteRow, plain: Inode): Inode {
  const { ino, kind } = plain;
  const target = row[11];
  const data = row[12];
  const fault = (reason: string) => inodeFault(database, row, plain.name, reason);
  if (ino === ROOT_INO && kind !== "directory") throw fault(`the root is a ${kind}`);

  // rfs keeps whatever stat(2) says, such as a directory's size in its own file system.
  const foreign = database.profile === "rfs";
  const rdev = foreign && !isDevice(kind) ? 0 : plain.rdev;
  const size = foreign && kind !== "file" ? 0 : plain.size;
  if (rdev !== 0 && !isDevice(kind)) throw fault(`a ${kind} has the device number ${rdev}`);
  const inode: Inode = target === null
    ? { ...plain, size, rdev }
    : { ...plain, size, rdev, hardLinkTo: hardLinkTarget(plain, target, fault) };

  if (kind !== "symlink") {
    if (kind !== "file" && size !== 0) throw fault(`a ${kind} has the size ${size}`);
    return inode;
  }
  if (!(data instanceof Uint8Array)) {
    throw fault(`its link target is ${data === null ? "missing" : "not a BLOB"}`);
  }
  const linkTarget = decodeByteString(data);
  const wrong = linkTargetFault(linkTarget, data.length);
  if (wrong !== undefined) throw fault(wrong);
  if (!foreign && size !== data.length) {
    throw fault(`its size ${size} is not its link target's ${data.length}`);
  }
  return { ...inode, size: data.length, linkTarget };
}

function inodeFault(
  database: ForeignDatabase,
  row: SqliteRow,
  name: string,
  reason: string,
): Error {
  return database.fault(`${inodeLabel(row[0] as number, name)}: ${reason}`);
}

/** How messages call an inode: `inode 5 "name"`. */
export function inodeLabel(ino: number, name: string): string {
  return ino === ROOT_INO ? "the root" : `inode ${ino} "${displayByteString(name)}"`;
}

/** {@link inodeLabel} of an inode of which only the number is known. */
export function labelInode(database: ForeignDatabase, ino: number): string {
  const name = database.get("SELECT CAST(name AS BLOB) FROM inode WHERE ino = ?", ino)?.[0];
  if (!(name instanceof Uint8Array)) return `inode ${ino}`;
  return inodeLabel(ino, decodeByteString(name.subarray(0, NAME_LENGTH_MAX)));
}

function hardLinkTarget(
  inode: { readonly ino: number; readonly kind: EntryKind },
  target: SqliteValue | undefined,
  fault: (reason: string) => Error,
): number {
  if (!isNumber(target) || target <= ROOT_INO || target >= inode.ino) {
    throw fault(`it is a hard link to ${shown(target)}, which is not an earlier inode`);
  }
  if (inode.kind === "directory") throw fault("a directory is a hard link");
  return target;
}

function nameFromRow(database: ForeignDatabase, ino: number, row: SqliteRow): string {
  const [, , text, length] = row;
  if (typeof text !== "string" || typeof length !== "number") {
    throw database.fault(`inode ${ino}: its name is not text`);
  }
  const name = isExact(text, length) ? text : exactName(database, ino);
  if (ino === ROOT_INO) {
    if (name !== ROOT_NAME) {
      throw database.fault(`the root is named "${displayByteString(name)}" instead of "/"`);
    }
    return "";
  }
  const wrong = nameFault(name, length);
  if (wrong !== undefined) throw database.fault(`${inodeLabel(ino, name)}: ${wrong}`);
  return name;
}

/**
 * Whether `text` stands for all `length` bytes that it was made of. The binding stops at a NUL and
 * puts U+FFFD for what is not UTF-8.
 */
function isExact(text: string, length: number): boolean {
  if (text.includes("\ufffd")) return false;
  return text.length === length || encodeByteString(text).length === length;
}

function exactName(database: ForeignDatabase, ino: number): string {
  const row = database.get("SELECT CAST(name AS BLOB) FROM inode WHERE ino = ?", ino);
  const bytes = row?.[0];
  if (!(bytes instanceof Uint8Array)) throw database.fault(`inode ${ino}: its name is missing`);
  const name = decodeByteString(bytes);
  if (database.profile === "rfs" && !name.isWellFormed()) {
    throw database.fault(`${inodeLabel(ino, name)}: its name is not UTF-8`);
  }
  return name;
}

function columnsFault(row: SqliteRow): string {
  const names = ["size", "uid", "gid", "mode", "rdev", "mtime", "mtime_nsec"];
  const index = names.findIndex((_, at) => !isNumber(row[4 + at]));
  return `its ${names[index]} is ${shown(row[4 + index])}`;
}

function isDevice(kind: EntryKind): boolean {
  return kind === "char-device" || kind === "block-device";
}

function isNumber(value: SqliteValue | undefined): value is number {
  return Number.isSafeInteger(value);
}
