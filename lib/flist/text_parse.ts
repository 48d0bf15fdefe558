/**
 * Makes a flist of the text that `dumpFlist` gives, or that was written by hand.
 *
 * @module
 */

import { compareByteStrings } from "../base/byte_string.ts";
import { fromHex } from "../base/bytes.ts";
import { BlockKey, type BlockRef, parseBlockId } from "../block/block_ref.ts";
import { type Profile, PROFILES } from "../block/profile.ts";
import { type EntryKind, kindOfMode, makeDevice, modeOfKind } from "../tree/tree_entry.ts";
import type { InodeRecord, Route } from "./flist_record.ts";
import { FlistWriter } from "./flist_writer.ts";
import { CHUNK_KEYS_TAG, RFS_PIECE_SIZE, SECRET_CHUNK_KEYS } from "./schema.ts";
import { chunkName, TEXT_MAGIC, TEXT_VERSION } from "./text_dump.ts";
import { unescapeBytes, unescapeText } from "./text_escape.ts";

/** An entry's line. */
interface EntryLine {
  readonly line: number;
  /** Path from the root, without the slash in front. */
  readonly path: string;
  readonly record: Omit<InodeRecord, "parent" | "name" | "hardLinkTo">;
  /** Path of the first name. */
  readonly link?: string;
  readonly digest?: Uint8Array;
  /** What stands behind `extents=` or `blocks=`. */
  readonly content?: string;
}

/** A text's lines, taken apart. */
interface FlistText {
  readonly profile: Profile;
  readonly tags: (readonly [key: string, value: string])[];
  readonly routes: Route[];
  readonly entries: EntryLine[];
  readonly chunks: BlockRef[];
}

/**
 * Writes the flist that `lines` describe to `path`. Dumping it gives the same lines again.
 *
 * @param lines Lines without their ends. Empty ones and those that begin with `#` are skipped.
 * @throws {SyntaxError} naming the line that cannot be read, or that describes what a flist cannot
 * hold. Nothing is left at `path` then.
 * @throws {SystemError} when nothing can be written there.
 */
export function parseFlistText(lines: Iterable<string>, path: string): void {
  const text = readLines(lines);
  using writer = FlistWriter.create(path, { profile: text.profile });
  for (const [key, value] of text.tags) {
    if (key === CHUNK_KEYS_TAG && value === SECRET_CHUNK_KEYS) writer.markSecretChunkKeys();
    else writer.setTag(key, value);
  }
  for (const route of text.routes) writer.addRoute(route);
  const inos = addEntries(writer, text.entries);
  const chunks = new Map<string, number>();
  const turns = new Map<string, number>();
  for (const ref of text.chunks) {
    const turn = (turns.get(ref.id) ?? 0) + 1;
    turns.set(ref.id, turn);
    chunks.set(chunkName(ref.id, turn), writer.addChunk(ref));
  }
  for (const [entry, ino] of inos) {
    atLine(entry.line, () => {
      if (entry.digest !== undefined) writer.setDigest(ino, entry.digest);
      if (entry.content === undefined) return;
      if (text.profile === "rfs") addBlocks(writer, ino, entry);
      else addExtents(writer, ino, entry.content, chunks);
    });
  }
  writer.finish();
}

function readLines(lines: Iterable<string>): FlistText {
  let text: FlistText | undefined;
  let number = 0;
  for (const line of lines) {
    number++;
    if (line === "" || line.startsWith("#")) continue;
    text = atLine(number, () => {
      if (text === undefined) return readHead(line);
      readLine(text, line, number);
      return text;
    });
  }
  if (text === undefined) throw new SyntaxError("Cannot read flist text: it is empty");
  return text;
}

function readHead(line: string): FlistText {
  const [magic, version, profileWord] = line.split(" ");
  if (magic !== TEXT_MAGIC) throw new SyntaxError(`it does not begin with ${TEXT_MAGIC}`);
  if (version !== String(TEXT_VERSION)) throw new SyntaxError(`version ${version} is not known`);
  const profile = PROFILES.find((name) => profileWord === `profile=${name}`);
  if (profile === undefined) throw new SyntaxError(`"${profileWord}" is not a profile`);
  return { profile, tags: [], routes: [], entries: [], chunks: [] };
}

function readLine(text: FlistText, line: string, number: number): void {
  const [word, ...rest] = line.split(" ");
  if (word!.startsWith("/")) {
    text.entries.push(readEntry(word!, rest, number));
  } else if (word === "tag" && rest.length === 1) {
    const [key, value] = splitAt(rest[0]!, "=");
    text.tags.push([unescapeText(key), unescapeText(value)]);
  } else if (word === "route" && rest.length === 2) {
    const [, start, end] = matched(rest[0]!, /^([0-9a-f]{2})-([0-9a-f]{2})$/);
    text.routes.push({
      start: Number.parseInt(start!, 16),
      end: Number.parseInt(end!, 16),
      url: unescapeText(rest[1]!),
    });
  } else if (word === "chunk" && rest.length >= 3) {
    text.chunks.push(readChunk(rest));
  } else {
    throw new SyntaxError(`"${word}" begins no line of ${line.split(" ").length} words`);
  }
}

function readChunk([id, sizeWord, storedWord, keyWord]: readonly string[]): BlockRef {
  const [, size] = matched(sizeWord!, /^size=(\d+)$/);
  const [, stored] = matched(storedWord!, /^stored=(\d+)$/);
  return {
    id: parseBlockId(id!),
    key: readKey(keyWord === undefined ? undefined : matched(keyWord, /^key=(.*)$/)[1]),
    size: Number(size),
    storedSize: Number(stored),
  };
}

function readKey(hex: string | undefined): BlockKey {
  if (hex === undefined) {
    throw new SyntaxError("the key is missing: dump with keys to read it back");
  }
  return BlockKey.fromBytes(fromHex(hex));
}

function readEntry(pathWord: string, words: readonly string[], line: number): EntryLine {
  const [kind, permissions, owner, size, time, ...attributes] = words;
  if (time === undefined) throw new SyntaxError("an entry has six words or more");
  const [, uid, gid] = matched(owner!, /^(\d+):(\d+)$/);
  const [, mtime, mtimeNsec] = matched(time, /^(-?\d+)\.(\d{9})$/);
  const [, octal] = matched(permissions!, /^([0-7]{4})$/);
  const xattrs = new Map<string, Uint8Array>();
  let rdev = 0;
  const found: Record<string, string> = {};
  for (const attribute of attributes) {
    const [name, value] = splitAt(attribute, "=");
    if (name.startsWith("xattr:")) {
      xattrs.set(unescapeText(name.slice("xattr:".length)), unescapeBytes(value));
    } else if (name === "rdev") {
      const [, major, minor] = matched(value, /^(\d+):(\d+)$/);
      rdev = makeDevice(Number(major), Number(minor));
    } else if (["target", "link", "digest", "extents", "blocks"].includes(name)) {
      found[name] = value;
    } else {
      throw new SyntaxError(`"${name}" is not known of an entry`);
    }
  }
  const content = found.extents ?? found.blocks;
  return {
    line,
    path: unescapeText(pathWord.slice(1)),
    record: {
      mode: modeOf(kind!) | Number.parseInt(octal!, 8),
      uid: Number(uid),
      gid: Number(gid),
      size: Number(matched(size!, /^\d+$/)[0]),
      mtime: Number(mtime),
      mtimeNsec: Number(mtimeNsec),
      rdev,
      ...(xattrs.size > 0 ? { xattrs } : {}),
      ...(found.target === undefined ? {} : { linkTarget: unescapeText(found.target) }),
    },
    ...(found.link === undefined
      ? {}
      : { link: unescapeText(matched(found.link, /^\/(.*)$/)[1]!) }),
    ...(found.digest === undefined ? {} : { digest: fromHex(found.digest) }),
    ...(content === undefined ? {} : { content }),
  };
}

function modeOf(kind: string): number {
  const bits: number | undefined = modeOfKind(kind as EntryKind);
  if (bits === undefined) throw new SyntaxError(`"${kind}" is not a kind of entry`);
  return bits;
}

/**
 * Adds the entries as pack does, directory by directory. Of several names of a file, the one that
 * is added first becomes the first name, whichever it is in the text.
 *
 * @returns the inodes of lines that tell of content.
 */
function addEntries(writer: FlistWriter, entries: readonly EntryLine[]): Map<EntryLine, number> {
  const children = new Map<string, EntryLine[]>();
  const entryByPath = new Map<string, EntryLine>();
  let root: EntryLine | undefined;
  for (const entry of entries) {
    if (entry.path === "") {
      if (root !== undefined) throw lineError(entry.line, "there is a root already");
      root = entry;
      continue;
    }
    entryByPath.set(entry.path, entry);
    const parent = parentPath(entry.path);
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [entry]);
    else siblings.push(entry);
  }
  const inos = new Map<EntryLine, number>();
  const inoByPath = new Map<string, number>();
  const add = (entry: EntryLine): void =>
    atLine(entry.line, () => {
      const file = entry.link === undefined ? entry : firstNameOf(entry, entryByPath);
      const hardLinkTo = inos.get(file);
      const ino = writer.addInode({
        ...(hardLinkTo === undefined ? file : entry).record,
        parent: entry.path === ""
          ? 0
          : expected(inoByPath.get(parentPath(entry.path)), "its parent"),
        name: entry.path.slice(entry.path.lastIndexOf("/") + 1),
        ...(hardLinkTo === undefined ? {} : { hardLinkTo }),
      });
      if (hardLinkTo === undefined) inos.set(file, ino);
      inoByPath.set(entry.path, ino);
    });
  if (root !== undefined) add(root);
  // A map of paths to inos keeps the order of insertion: the queue of directories is in it.
  for (const path of inoByPath.keys()) {
    const siblings = children.get(path) ?? [];
    children.delete(path);
    siblings.sort((left, right) => compareByteStrings(left.path, right.path));
    siblings.forEach(add);
  }
  for (const [path, [orphan]] of children) {
    throw lineError(orphan!.line, `there is no entry /${path} that could hold it`);
  }
  return inos;
}

/** The entry that `link` is another name of. */
function firstNameOf(link: EntryLine, entries: ReadonlyMap<string, EntryLine>): EntryLine {
  const first = entries.get(link.link!);
  if (first === undefined) throw new SyntaxError("its first name is not there");
  if (first.link !== undefined) throw new SyntaxError("its first name is a link itself");
  if (kindOfMode(first.record.mode) !== kindOfMode(link.record.mode)) {
    throw new SyntaxError("its first name is of another kind");
  }
  return first;
}

function parentPath(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

function addExtents(
  writer: FlistWriter,
  ino: number,
  content: string,
  chunks: ReadonlyMap<string, number>,
): void {
  for (const word of content.split(",")) {
    const [, fileOffset, length, name, chunkOffset] = matched(
      word,
      /^(\d+)\+(\d+)@([0-9a-f~]+)\+(\d+)$/,
    );
    writer.addExtent(ino, {
      fileOffset: Number(fileOffset),
      chunk: expected(chunks.get(name!), `chunk ${name}`),
      chunkOffset: Number(chunkOffset),
      length: Number(length),
    });
  }
}

function addBlocks(writer: FlistWriter, ino: number, entry: EntryLine): void {
  let fileOffset = 0;
  for (const word of entry.content!.split(",")) {
    const [id, key] = word.split(":");
    const length = Math.min(RFS_PIECE_SIZE, entry.record.size - fileOffset);
    const chunk = writer.addChunk({ id: parseBlockId(id!), key: readKey(key), size: length });
    writer.addExtent(ino, { fileOffset, chunk, chunkOffset: 0, length });
    fileOffset += length;
  }
}

function splitAt(word: string, separator: string): [before: string, after: string] {
  const at = word.indexOf(separator);
  if (at < 0) throw new SyntaxError(`there is no "${separator}" in "${word}"`);
  return [word.slice(0, at), word.slice(at + 1)];
}

function matched(word: string, pattern: RegExp): RegExpExecArray {
  const match = pattern.exec(word);
  if (match === null) throw new SyntaxError(`"${word}" is not as it should be`);
  return match;
}

function expected(value: number | undefined, what: string): number {
  if (value === undefined) throw new SyntaxError(`${what} is not there`);
  return value;
}

/** Does `work`, and names the line in the error if it fails. */
function atLine<Result>(line: number, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError || error instanceof TypeError) {
      throw lineError(line, error.message, error);
    }
    throw error;
  }
}

function lineError(line: number, reason: string, cause?: Error): SyntaxError {
  return new SyntaxError(`Cannot read flist text: line ${line}: ${reason}`, { cause });
}
