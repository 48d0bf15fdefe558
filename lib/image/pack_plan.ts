/**
 * The plan of a pack: which files go together, in which order, for whichever worker is free.
 *
 * Small files are joined into bundles. A bundle's ends are decided by the names of files alone, so
 * the plan is known before anything is read, the same on every machine, and a file that is
 * inserted, removed or changed moves at most the boundaries beside it. (Ends decided by content
 * move whenever the deciding file changes, and cannot be known in advance; see lib/README.md.)
 * Larger files are cut into segments that different workers chunk at the same time.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { encodeByteString } from "../base/byte_string.ts";
import type { Profile } from "../block/profile.ts";
import type { ScannedEntry } from "../tree/directory_source.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** Files of at least this many bytes are chunked on their own, smaller ones are bundled. */
export const LARGE_FILE_SIZE_MIN = 256 * KIB;

/** A bundle ends no earlier than this many bytes, so that blocks stay worth a request. */
const BUNDLE_SIZE_MIN = 128 * KIB;
/**
 * What bundles have on average: larger ones compress better (1 MiB by 1 %), smaller ones leave less
 * to store again when a file in them changes (1 MiB has 3 % more); see tests/bench/README.md.
 */
const BUNDLE_SIZE_MEAN = 512 * KIB;
/** A bundle that has reached this many bytes ends. */
const BUNDLE_SIZE_END = 1 * MIB;
/** Most files in a bundle: bounds the message that describes it. */
const BUNDLE_FILES_MAX = 4096;

/** Most bytes that a bundle can come to. */
export const BUNDLE_SIZE_MAX = BUNDLE_SIZE_END + LARGE_FILE_SIZE_MIN;

/**
 * Large files are chunked in segments of this many bytes, each from its start: 64 MiB are a third
 * of a second's work, which keeps cores evenly busy, and cost one forced cut in 256 chunks.
 */
export const SEGMENT_SIZE = 64 * MIB;

/** In the answer to a unit of files: a file has no content, or could not be read. */
export const CONTENT_NONE = -1;

/** In the answer to a unit of files: a file's content equals that of another file. */
export const CONTENT_ELSEWHERE = -2;

/** What is expected of a file on disk, as six numbers in a row. */
export const EXPECTED_FIELDS = 6;

/** What a file looked like when the tree was walked. */
export interface ExpectedStatus {
  readonly size: number;
  readonly mtime: number;
  readonly mtimeNsec: number;
  readonly ctime: number;
  readonly ctimeNsec: number;
  readonly inode: number;
}

/** A regular file to be read. */
interface PlannedFile extends ExpectedStatus {
  /** Its inode in the flist that is being written. */
  readonly ino: number;
  /** The directory it is in, from the root. */
  readonly directory: string;
  readonly name: string;
}

/** Files that one worker reads together: a bundle in the `myfs` profile. */
export interface FilesUnit {
  readonly kind: "files";
  /** Turn of this unit among all units of files. */
  readonly turn: number;
  /** Index of the first file among all files of such units; the others follow. */
  readonly firstFile: number;
  /** Directories of the files, and how many of the files, in order, are in each. */
  readonly directories: readonly { readonly path: string; readonly files: number }[];
  readonly names: readonly string[];
  /** {@link EXPECTED_FIELDS} numbers a file, in the order of {@link ExpectedStatus}. */
  readonly expected: Float64Array;
}

/** A part of a large file. */
export interface SegmentUnit {
  readonly kind: "segment";
  readonly directory: string;
  readonly name: string;
  readonly expected: ExpectedStatus;
  /** Bytes [start, end) of the file. */
  readonly start: number;
  readonly end: number;
  readonly sparse: boolean;
  /** Whether the segment is the whole file, so that its digest falls out of chunking it. */
  readonly whole: boolean;
}

/** The digest of a large file of several segments. */
export interface DigestUnit {
  readonly kind: "digest";
  readonly directory: string;
  readonly name: string;
  readonly expected: ExpectedStatus;
}

/** Small files whose content comes with the unit: a bundle in the `myfs` profile. */
export interface ContentsUnit {
  readonly kind: "contents";
  /** Turn of this unit among all units of files. */
  readonly turn: number;
  /** Index of the first file among all files of such units; the others follow. */
  readonly firstFile: number;
  /** Files of the same scope that are equal share their content. */
  readonly scope: number;
  /** Bytes of each file, one after the other in {@link content}. */
  readonly lengths: Uint32Array;
  /** Moves to the worker. */
  readonly content: Bytes;
}

/** Chunks of a large file, cut already, that come with the unit. */
export interface ChunksUnit {
  readonly kind: "chunks";
  /** Where in the file each chunk starts, and its size. */
  readonly fileOffsets: Float64Array;
  readonly sizes: Float64Array;
  /** Digest of the file's content, with its last chunks, where it has no holes. */
  readonly digest: Bytes | undefined;
  /** The chunks one after the other. Moves to the worker. */
  readonly content: Bytes;
}

/** One task of a worker. */
export type PackUnit = FilesUnit | SegmentUnit | DigestUnit | ContentsUnit | ChunksUnit;

/**
 * A unit and the flist inodes of its files, which only the main thread needs. Where the content comes
 * with the unit, the inodes are not known yet: then they are the numbers of the contents.
 */
export interface PlannedUnit {
  readonly unit: PackUnit;
  readonly inos: readonly number[];
}

/** Turns the files of a walk into units while the walk goes on. */
export class PackPlan {
  readonly #profile: Profile;
  #bundle: PlannedFile[] = [];
  #bundleSize = 0;
  #bundleCount = 0;
  #bundledFiles = 0;

  constructor(profile: Profile) {
    this.#profile = profile;
  }

  /** Takes the next regular file that has content, in walk order; gives the units it completes. */
  add(ino: number, directory: string, entry: ScannedEntry): PlannedUnit[] {
    const { name, size, mtime, mtimeNsec, ctime, ctimeNsec, inode } = entry;
    const file = { ino, directory, name, size, mtime, mtimeNsec, ctime, ctimeNsec, inode };
    const sparse = this.#profile === "myfs" && entry.hasHoles;
    if (sparse || size >= LARGE_FILE_SIZE_MIN) return this.#segments(file, sparse);
    this.#bundle.push(file);
    this.#bundleSize += size;
    return isBundleFull(this.#bundleSize, this.#bundle.length, file) ? this.end() : [];
  }

  /** The last bundle, if any files are left: call it when the walk is over. */
  end(): PlannedUnit[] {
    const files = this.#bundle;
    if (files.length === 0) return [];
    const unit = filesUnit(files, this.#bundleCount++, this.#bundledFiles);
    this.#bundledFiles += files.length;
    this.#bundle = [];
    this.#bundleSize = 0;
    return [{ unit, inos: files.map(({ ino }) => ino) }];
  }

  #segments(file: PlannedFile, sparse: boolean): PlannedUnit[] {
    const { directory, name } = file;
    const expected = expectedOf(file);
    const whole = file.size <= SEGMENT_SIZE;
    const units: PackUnit[] = [];
    for (let start = 0; start < file.size; start += SEGMENT_SIZE) {
      const end = Math.min(start + SEGMENT_SIZE, file.size);
      units.push({ kind: "segment", directory, name, expected, start, end, sparse, whole });
    }
    if (!whole && !sparse && this.#profile === "myfs") {
      units.push({ kind: "digest", directory, name, expected });
    }
    return units.map((unit) => ({ unit, inos: [file.ino] }));
  }
}

/** Whether a bundle of `size` bytes in `count` files ends after `last`, which is its last file. */
export function isBundleFull(
  size: number,
  count: number,
  last: { readonly directory: string; readonly name: string; readonly size: number },
): boolean {
  if (size >= BUNDLE_SIZE_END || count >= BUNDLE_FILES_MAX) return true;
  return size >= BUNDLE_SIZE_MIN && endsBundle(last.directory, last.name, last.size);
}

/**
 * Whether a bundle may end after a file: true with a chance of size ÷ mean, so that bundles have
 * {@link BUNDLE_SIZE_MEAN} bytes on average whatever the sizes of files. Names alone would repeat
 * (`index.js`), so the directory's own name counts too; its path does not, so that a tree that
 * moves keeps its bundles.
 */
function endsBundle(directory: string, name: string, size: number): boolean {
  const parent = directory.slice(directory.lastIndexOf("/") + 1);
  const hash = fnv1a(encodeByteString(`${parent}/${name}`));
  return hash < (size / BUNDLE_SIZE_MEAN) * 0x1_0000_0000;
}

/** FNV-1a, 32 bits (RFC 9923), finished with the mixer of MurmurHash3 to spread its high bits. */
function fnv1a(bytes: Bytes): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function filesUnit(files: readonly PlannedFile[], turn: number, firstFile: number): FilesUnit {
  const directories: { path: string; files: number }[] = [];
  const expected = new Float64Array(files.length * EXPECTED_FIELDS);
  files.forEach((file, i) => {
    const last = directories.at(-1);
    if (last?.path === file.directory) last.files++;
    else directories.push({ path: file.directory, files: 1 });
    expected.set(
      [file.size, file.mtime, file.mtimeNsec, file.ctime, file.ctimeNsec, file.inode],
      i * EXPECTED_FIELDS,
    );
  });
  return { kind: "files", turn, firstFile, directories, names: files.map((f) => f.name), expected };
}

function expectedOf(file: PlannedFile): ExpectedStatus {
  const { size, mtime, mtimeNsec, ctime, ctimeNsec, inode } = file;
  return { size, mtime, mtimeNsec, ctime, ctimeNsec, inode };
}
