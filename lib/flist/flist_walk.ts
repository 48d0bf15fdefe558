/**
 * Walks the tree of a flist.
 *
 * @module
 */

import { TREE_DEPTH_MAX } from "../base/limits.ts";
import { FlistFormatError } from "../base/errors.ts";
import { type Inode, ROOT_INO } from "./flist_record.ts";
import type { FlistReader } from "./flist_reader.ts";

/** An entry and where it is. */
export interface WalkedInode {
  /** Path from the root, names joined by `/`, empty for the root. A byte string. */
  readonly path: string;
  /** The entry. */
  readonly inode: Inode;
}

/**
 * All entries below `start`, itself first: depth first, each directory before its entries, which
 * are sorted by the bytes of their names.
 *
 * @param start Inode to start at, with the path it has. @default {the root}
 * @throws {FlistFormatError} when the flist breaks a rule of its format on the way.
 */
export function* walkFlist(
  reader: FlistReader,
  start: WalkedInode = rootOf(reader),
): Generator<WalkedInode> {
  yield start;
  if (start.inode.kind !== "directory") return;
  // A stack of iterators instead of recursion: trees may be deeper than the call stack.
  const stack = [{ path: start.path, entries: entriesOf(reader, start.inode) }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const next = top.entries.next();
    if (next.done === true) {
      stack.pop();
      continue;
    }
    const inode = next.value;
    // As many directories are on the stack as lie above the entry.
    if (stack.length > TREE_DEPTH_MAX) {
      throw new FlistFormatError(
        reader.path,
        `inode ${inode.ino} lies more than ${TREE_DEPTH_MAX} directories deep`,
      );
    }
    const path = top.path === "" ? inode.name : `${top.path}/${inode.name}`;
    yield { path, inode };
    if (inode.kind !== "directory") continue;
    stack.push({ path, entries: entriesOf(reader, inode) });
  }
}

/**
 * The path of an inode from the root, names joined by `/`, empty for the root: a byte string.
 *
 * @throws {FlistFormatError} when the inode or one above it does not exist.
 */
export function pathOfInode(reader: FlistReader, ino: number): string {
  const names: string[] = [];
  // Ends, because a parent's number is always lower.
  for (let at = ino; at !== ROOT_INO;) {
    const inode = reader.inode(at);
    if (inode === undefined) {
      throw new FlistFormatError(reader.path, `inode ${at} above inode ${ino} does not exist`);
    }
    names.push(inode.name);
    at = inode.parent;
  }
  return names.reverse().join("/");
}

function rootOf(reader: FlistReader): WalkedInode {
  const inode = reader.inode(ROOT_INO);
  if (inode === undefined) throw new FlistFormatError(reader.path, "it has no root");
  return { path: "", inode };
}

function entriesOf(reader: FlistReader, directory: Inode): Iterator<Inode> {
  return reader.children(directory.ino)[Symbol.iterator]();
}
