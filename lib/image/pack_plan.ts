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
const BUNDLE_SIZE_MIN = 256 * KIB;
/** What bundles have on average. */
const BUNDLE_SIZE_MEAN = 1 * MIB;
/** A bundle that has reached this many bytes ends. */
const BUNDLE_SIZE_END = 2 * MIB;
/** Most files in a bundle: bounds the message that describes it. */
const BUNDLE_FILES_MAX = 4096;

/** Most bytes that a bundle can come to. */
export const BUNDLE_SIZE_MAX = BUNDLE_SIZE_END + LARGE_FILE_SIZE_MIN;

/**
 * Large files are chunked in segments of this many bytes, each from its start: 64 MiB are a third
 * of a second's work, which keeps cores evenly busy, and cost one forced cut in 128 chunks.
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
export interface PlannedFile extends ExpectedStatus {
  /** Its inode in the flist that is being written. */
  readonly ino: number;
  /** The directory it is in, from the root. */
  readonly directory: string;
  readonly name: string;
  /** Whether it has holes that must stay holes. */
  readonly sparse: boolean;
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

/** One task of a worker. */
export type PackUnit = FilesUnit | SegmentUnit | DigestUnit;

/** A unit and the flist inodes of its files, which only the main thread needs. */
export interface PlannedUnit {
  readonly unit: PackUnit;
  readonly inos: readonly number[];
}

/** Collects the files of a walk and plans their units. */
export class PackPlan {
  readonly #profile: Profile;
  readonly #large: PlannedFile[] = [];
  readonly #small: PlannedFile[] = [];

  constructor(profile: Profile) {
    this.#profile = profile;
  }

  /** Files to be read. */
  get fileCount(): number {
    return this.#large.length + this.#small.length;
  }

  /** Files in units of files. */
  get smallFileCount(): number {
    return this.#small.length;
  }

  /** Most chunks that the planned files can come to. */
  chunksMax(chunkSizeMin: number): number {
    let count = this.#small.length + 1;
    for (const { size, sparse } of this.#large) {
      count += Math.ceil(size / chunkSizeMin) + Math.ceil(size / SEGMENT_SIZE) + 1;
      // Each region of data between holes starts a chunk; 4 KiB is the least a hole can be.
      if (sparse) count += 1024;
    }
    return count;
  }

  /** Adds a regular file that has content, in walk order. */
  add(ino: number, directory: string, entry: ScannedEntry): void {
    const sparse = this.#profile === "myfs" && entry.hasHoles;
    const large = sparse || entry.size >= LARGE_FILE_SIZE_MIN;
    (large ? this.#large : this.#small).push({
      ino,
      directory,
      sparse,
      name: entry.name,
      size: entry.size,
      mtime: entry.mtime,
      mtimeNsec: entry.mtimeNsec,
      ctime: entry.ctime,
      ctimeNsec: entry.ctimeNsec,
      inode: entry.inode,
    });
  }

  /**
   * All units in the order that decides the numbers of chunks. Large files come first: whatever is
   * left for the end is small, so that all workers finish together.
   */
  *units(): Generator<PlannedUnit> {
    for (const file of this.#large) yield* this.#segments(file);
    let turn = 0;
    let firstFile = 0;
    for (const files of this.#bundles()) {
      yield { unit: filesUnit(files, turn++, firstFile), inos: files.map(({ ino }) => ino) };
      firstFile += files.length;
    }
  }

  *#segments(file: PlannedFile): Generator<PlannedUnit> {
    const { directory, name, sparse } = file;
    const inos = [file.ino];
    const expected = expectedOf(file);
    const whole = file.size <= SEGMENT_SIZE;
    for (let start = 0; start < file.size; start += SEGMENT_SIZE) {
      const end = Math.min(start + SEGMENT_SIZE, file.size);
      const unit = {
        kind: "segment",
        directory,
        name,
        expected,
        start,
        end,
        sparse,
        whole,
      } as const;
      yield { unit, inos };
    }
    if (!whole && !sparse && this.#profile === "myfs") {
      yield { unit: { kind: "digest", directory, name, expected }, inos };
    }
  }

  *#bundles(): Generator<PlannedFile[]> {
    let bundle: PlannedFile[] = [];
    let size = 0;
    for (const file of this.#small) {
      bundle.push(file);
      size += file.size;
      if (
        size >= BUNDLE_SIZE_END || bundle.length >= BUNDLE_FILES_MAX ||
        (size >= BUNDLE_SIZE_MIN && endsBundle(file.directory, file.name, file.size))
      ) {
        yield bundle;
        bundle = [];
        size = 0;
      }
    }
    if (bundle.length > 0) yield bundle;
  }
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
