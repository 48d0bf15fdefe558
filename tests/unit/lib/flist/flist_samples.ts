/**
 * Flists for tests: a folder that goes away, records with what does not matter filled in, and one
 * small tree that has every kind of thing.
 *
 * @module
 */

import { blockIdFromBytes, BlockKey, type BlockRef } from "../../../../lib/block/block_ref.ts";
import type { Profile } from "../../../../lib/block/profile.ts";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { FlistWriter, type InodeRecord } from "../../../../lib/flist/flist_writer.ts";
import { dumpFlist } from "../../../../lib/flist/text_dump.ts";
import { type EntryMetadata, makeDevice } from "../../../../lib/tree/tree_entry.ts";

/** A new folder that is removed, with all in it, at the end of the scope. */
export class TestFolder implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "myfs_flist_" });

  /** Path of `name` in the folder. */
  file(name: string): string {
    return `${this.path}/${name}`;
  }

  /** Names in the folder, sorted. */
  names(): string[] {
    return [...Deno.readDirSync(this.path)].map((entry) => entry.name).sort();
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** Metadata with the mode given and everything else as it mostly is. */
export function metadata(mode: number, changes: Partial<EntryMetadata> = {}): EntryMetadata {
  return { mode, uid: 0, gid: 0, size: 0, mtime: 1_700_000_000, mtimeNsec: 0, rdev: 0, ...changes };
}

/** The record of the root. */
export const ROOT: InodeRecord = { parent: 0, name: "", ...metadata(0o40755) };

/** A regular file's record. */
export function fileRecord(
  name: string,
  size: number,
  changes: Partial<InodeRecord> = {},
): InodeRecord {
  return { parent: 1, name, ...metadata(0o100644), size, ...changes };
}

/** A block that does not exist, made of one number. */
export function blockRef(seed: number, size: number): BlockRef & { readonly storedSize: number } {
  const id = new Uint8Array(32).fill(seed);
  const key = new Uint8Array(32).fill(seed ^ 0xff);
  return {
    id: blockIdFromBytes(id),
    key: BlockKey.fromBytes(key),
    size,
    storedSize: Math.max(1, Math.floor(size / 2)),
  };
}

/** Fills a writer with one of each kind of entry that its profile has. */
export function fillSample(writer: FlistWriter): void {
  const myfs = writer.profile === "myfs";
  const root = writer.addInode({ ...ROOT, mtimeNsec: myfs ? 5 : 0 });
  const inDirectory = (name: string, mode: number, more: Partial<InodeRecord> = {}) =>
    writer.addInode({ parent: directory, name, ...metadata(mode), ...more });
  const directory = writer.addInode({ parent: root, name: "directory", ...metadata(0o41777) });
  const few = writer.addInode(fileRecord("few", 100));
  const large = writer.addInode(fileRecord("large é", 1_100_000, { uid: 1000, gid: 100 }));
  writer.addInode(fileRecord("nothing", 0));
  inDirectory("block", 0o60660, { rdev: makeDevice(8, 17) });
  inDirectory("character", 0o20600, { rdev: makeDevice(1, 3) });
  inDirectory("fifo", 0o10644);
  inDirectory("link", 0o120777, { linkTarget: "../few" });
  inDirectory("socket", 0o140644);
  const xattrs = new Map([["user.note", new TextEncoder().encode("hello")], [
    "user.empty",
    new Uint8Array(),
  ]]);
  if (myfs) {
    inDirectory("twin \udcff", 0o100644, { size: 100, hardLinkTo: few });
    inDirectory("xattrs", 0o100600, { xattrs });
  }
  const sparse = myfs ? inDirectory("zeros", 0o100600, { size: 5_000_000_000 }) : undefined;
  const chunk = writer.addChunk(blockRef(1, myfs ? 4096 : 100));
  writer.addExtent(few, { fileOffset: 0, chunk, chunkOffset: 0, length: 100 });
  for (let fileOffset = 0, seed = 2; fileOffset < 1_100_000; fileOffset += 524_288, seed++) {
    const length = Math.min(524_288, 1_100_000 - fileOffset);
    const piece = writer.addChunk(blockRef(seed, length));
    writer.addExtent(large, { fileOffset, chunk: piece, chunkOffset: 0, length });
  }
  writer.setDigest(few, new Uint8Array(32).fill(9));
  writer.setTag("version", "1.0");
  writer.setTag("description", "a sample\nof two lines");
  writer.addRoute({ start: 0, end: 127, url: "dir:///tmp/a" });
  writer.addRoute({ start: 0, end: 255, url: "http://127.0.0.1/b" });
  if (sparse === undefined) return;
  writer.addExtent(sparse, { fileOffset: 4_999_999_000, chunk, chunkOffset: 96, length: 1000 });
}

/** Writes the sample flist of `profile` to `path`. */
export function writeSample(path: string, profile: Profile): void {
  using writer = FlistWriter.create(path, { profile });
  fillSample(writer);
  writer.finish();
}

/** Writes a flist with a root and what `fill` adds. */
export function writeFlist(
  path: string,
  profile: Profile,
  fill: (writer: FlistWriter) => void = () => {},
): void {
  using writer = FlistWriter.create(path, { profile });
  writer.addInode(ROOT);
  fill(writer);
  writer.finish();
}

/** The text form of the flist at `path`, with keys. */
export function dumpOf(path: string): string[] {
  using reader = FlistReader.open(path);
  return [...dumpFlist(reader, { includeKeys: true })];
}

/** Both profiles. */
export const BOTH: readonly Profile[] = ["myfs", "rfs"];

/** Reads everything that a flist has by every way of reading it. */
export function exercise(path: string): void {
  using reader = FlistReader.open(path);
  reader.tags();
  reader.routes();
  reader.counts();
  for (const inode of reader.inodes()) {
    if (inode.kind === "directory") Array.from(reader.children(inode.ino));
    if (inode.name !== "") reader.child(inode.parent, inode.name);
    for (const { chunk } of reader.extents(inode.ino)) reader.chunk(chunk);
    reader.xattrs(inode.ino);
    reader.digest(inode.ino);
  }
  reader.xattrOwners();
  reader.incompleteFiles();
  Array.from(reader.digests());
  Array.from(reader.chunks());
  Array.from(reader.extentsByChunk());
  Array.from(dumpFlist(reader));
  reader.validate();
}
