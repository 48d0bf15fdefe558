/**
 * A flist as text, a line for each thing in it: for review, for `diff`, and for tests. `FORMAT.md`
 * specifies the lines; `text_parse.ts` makes flists of them.
 *
 * @module
 */

import { toHex } from "../base/bytes.ts";
import { PERMISSION_MASK, splitDevice, type Xattrs } from "../tree/tree_entry.ts";
import type { Extent, Inode } from "./flist_record.ts";
import type { FlistReader } from "./flist_reader.ts";
import { walkFlist } from "./flist_walk.ts";
import { escapeBytes, escapeText } from "./text_escape.ts";

/** First word of the text, and its version. */
export const TEXT_MAGIC = "myfs-flist-text";
export const TEXT_VERSION = 1;

/** What a dump shows. */
export interface DumpFlistOptions {
  /**
   * Whether the keys of blocks are shown. Whoever has them can read the content; without them the
   * text cannot be turned into a flist again.
   *
   * @default {false}
   */
  readonly includeKeys?: boolean;
}

/**
 * The lines of a flist's text form, without line ends: what it is, its tags, routes and entries (by
 * path, directories before what is in them), then its chunks. Inode and chunk numbers do not appear,
 * and of several names of a file the first path is the first name, so that a small change of a tree
 * is a small change of its text.
 *
 * @throws {FlistFormatError} when the flist breaks a rule of its format.
 */
export function* dumpFlist(
  reader: FlistReader,
  options: DumpFlistOptions = {},
): Generator<string> {
  const keys = options.includeKeys ?? false;
  yield `${TEXT_MAGIC} ${TEXT_VERSION} profile=${reader.profile} keys=${keys ? "yes" : "no"}`;
  for (const [key, value] of reader.tags()) {
    yield `tag ${escapeText(key, "=")}=${escapeText(value)}`;
  }
  for (const { start, end, url } of reader.routes()) {
    yield `route ${hexByte(start)}-${hexByte(end)} ${escapeText(url)}`;
  }
  const chunkNames = nameChunks(reader);
  const xattrOwners = reader.xattrOwners();
  const contentOf = (inode: Inode): string => {
    const extents = reader.extents(inode.ino);
    return reader.profile === "rfs"
      ? blocksText(reader, extents, keys)
      : extentsText(extents, chunkNames);
  };
  const linked = reader.linkedInodes();
  const firstPaths = new Map<number, string>();
  for (const { path, inode } of walkFlist(reader)) {
    const words = [`/${escapeText(path)}`, ...metadataWords(inode)];
    const file = inode.hardLinkTo ?? inode.ino;
    const firstPath = firstPaths.get(file);
    if (firstPath !== undefined) {
      words.push(`link=/${escapeText(firstPath)}`);
    } else {
      if (linked.has(file)) firstPaths.set(file, path);
      if (inode.linkTarget !== undefined) words.push(`target=${escapeText(inode.linkTarget)}`);
      if (xattrOwners.has(file)) words.push(...xattrWords(reader.xattrs(inode.ino)));
      const digest = inode.kind === "file" ? reader.digest(inode.ino) : undefined;
      if (digest !== undefined) words.push(`digest=${toHex(digest)}`);
      const content = inode.kind === "file" ? contentOf(inode) : "";
      if (content !== "") words.push(content);
    }
    yield words.join(" ");
  }
  if (reader.profile === "rfs") return;
  for (const { ref } of reader.chunks()) {
    const key = keys ? ` key=${toHex(ref.key.toBytes())}` : "";
    yield `chunk ${ref.id} size=${ref.size} stored=${ref.storedSize}${key}`;
  }
}

function metadataWords(inode: Inode): string[] {
  const { kind, mode, uid, gid, size, mtime, mtimeNsec, rdev } = inode;
  const words = [
    kind,
    (mode & PERMISSION_MASK).toString(8).padStart(4, "0"),
    `${uid}:${gid}`,
    String(size),
    `${mtime}.${String(mtimeNsec).padStart(9, "0")}`,
  ];
  if (kind === "char-device" || kind === "block-device") {
    const { major, minor } = splitDevice(rdev);
    words.push(`rdev=${major}:${minor}`);
  }
  return words;
}

function xattrWords(xattrs: Xattrs): string[] {
  return [...xattrs].map(([name, value]) => `xattr:${escapeText(name, "=")}=${escapeBytes(value)}`);
}

/**
 * A chunk is named by the id of its block, which does not change when others come and go; a further
 * chunk with the same id gets its turn in addition.
 */
function nameChunks(reader: FlistReader): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  if (reader.profile === "rfs") return names;
  const turns = new Map<string, number>();
  for (const { chunk, ref } of reader.chunks()) {
    const turn = (turns.get(ref.id) ?? 0) + 1;
    turns.set(ref.id, turn);
    names.set(chunk, chunkName(ref.id, turn));
  }
  return names;
}

/** Name of the chunk that is the `turn`-th with that block id, counting from 1. */
export function chunkName(id: string, turn: number): string {
  return turn === 1 ? id : `${id}~${turn}`;
}

function extentsText(extents: readonly Extent[], names: ReadonlyMap<number, string>): string {
  if (extents.length === 0) return "";
  const words = extents.map(({ fileOffset, length, chunk, chunkOffset }) =>
    `${fileOffset}+${length}@${names.get(chunk)}+${chunkOffset}`
  );
  return `extents=${words.join(",")}`;
}

function blocksText(reader: FlistReader, extents: readonly Extent[], keys: boolean): string {
  if (extents.length === 0) return "";
  const words = extents.map(({ chunk }) => {
    const { id, key } = reader.chunk(chunk);
    return keys ? `${id}:${toHex(key.toBytes())}` : id;
  });
  return `blocks=${words.join(",")}`;
}

function hexByte(value: number): string {
  return value.toString(16).padStart(2, "0");
}
