/**
 * A flist as the file system that the kernel asks.
 *
 * Nothing is prepared: each question is a query or two that finds its rows by number. The kernel
 * remembers the answers for good, so hardly any is asked twice.
 *
 * @module
 */

import { decodeByteString, encodeByteString } from "../base/byte_string.ts";
import type { FlistReader, Inode } from "../flist/flist_reader.ts";
import type { DirectoryPage } from "../fuse/directory_page.ts";
import {
  type AttributeTarget,
  DONE,
  type FileSystem,
  type FileSystemFeatures,
  type FileSystemSize,
  LATER,
  type ReadReply,
} from "../fuse/file_system.ts";
import { ATTRIBUTE_WORDS, encodeAttributes, encodeDeviceNumber } from "../fuse/wire_structs.ts";
import { EINVAL, EISDIR, ENODATA, ENOENT, ENOTDIR, ENXIO, EOPNOTSUPP } from "../linux/errno.ts";
import { splitDevice } from "../tree/tree_entry.ts";
import type { ChunkSource } from "./chunk_source.ts";
import { DirectoryNames } from "./directory_names.ts";
import { ExtentCache, type FileExtents } from "./file_extents.ts";
import { MOUNT_COUNTER, type MountCounters } from "./mount_counters.ts";
import { PUSHED_FILE_MAX, ReadSequence } from "./read_sequence.ts";

/** Space on disk is counted in units of this many bytes. */
const BLOCK_UNIT = 512;

/**
 * Directories say 1, as those of btrfs do, and programs know that it tells nothing of subdirectories. To
 * count these, all entries would have to be looked at, for the flist's table of directories leaves
 * empty ones out: half a second for a million, in which nobody gets an answer.
 */
const DIRECTORY_LINKS = 1;

/** Offsets of `.` and `..`; the entry with the inode number n has n + 1, and 2 is the lowest. */
const AFTER_DOT = 1;
const AFTER_DOTS = 2;
const OFFSET_OF_INO = 1;

/** Entries asked for at a time: what fits in a few pages of the kernel. */
const ENTRIES_AT_ONCE = 128;

/** The attributes that say who may do what, beside the permissions. */
const ACCESS_LIST = "system.posix_acl_access";

/** Names that programs ask for on every file, whether anything has them or not. */
const ASKED_OF_ALL = /^(system\.posix_acl_|security\.)/;

/** Who fetches what is not at hand. */
export interface LateReads {
  /** A read has to wait; an answer is owed to it. */
  later(ino: number, offset: number, length: number, uniqueLow: number, uniqueHigh: number): void;
  /** A program no longer waits. */
  interrupted(uniqueLow: number, uniqueHigh: number): void;
}

/** What a {@link FlistFileSystem} works with. */
export interface FlistFileSystemOptions {
  readonly flist: FlistReader;
  readonly source: ChunkSource;
  readonly lateReads: LateReads;
  readonly counters: MountCounters;
  /** Told when the small files that follow this one in its directory are likely to be read next. */
  readonly onSequence?: (ino: number) => void;
}

/** Entries of a directory that were asked for ahead of the kernel. */
interface EntriesAhead {
  readonly directory: number;
  /** Number after which they begin. */
  readonly after: number;
  readonly inodes: readonly Inode[];
  readonly isLast: boolean;
}

/** One thread's view of a flist. */
export class FlistFileSystem implements FileSystem {
  readonly features: FileSystemFeatures;
  readonly #flist: FlistReader;
  readonly #source: ChunkSource;
  readonly #lateReads: LateReads;
  readonly #counters: MountCounters;
  readonly #names: DirectoryNames;
  readonly #extents: ExtentCache;
  readonly #onSequence: ((ino: number) => void) | undefined;
  readonly #sequence = new ReadSequence();
  /** Attributes on their way into a directory page. */
  readonly #words = new Uint32Array(ATTRIBUTE_WORDS);
  readonly #absentXattrs = new Map<string, boolean>();
  #links: ReadonlyMap<number, number> | undefined;
  #ahead: EntriesAhead | undefined;
  #size: FileSystemSize | undefined;

  constructor({ flist, source, lateReads, counters, onSequence }: FlistFileSystemOptions) {
    this.#flist = flist;
    this.#source = source;
    this.#lateReads = lateReads;
    this.#counters = counters;
    this.#onSequence = onSequence;
    this.#names = new DirectoryNames(flist);
    this.#extents = new ExtentCache(flist);
    const xattrs = flist.hasXattr();
    this.features = { xattrs, accessControlLists: xattrs && flist.hasXattr(ACCESS_LIST) };
  }

  lookup(directory: number, name: Uint8Array, found: AttributeTarget): number {
    const inode = this.#names.find(directory, decodeByteString(name));
    if (inode === undefined) return ENOENT;
    this.#encode(this.#firstName(inode), found.words, found.at);
    return DONE;
  }

  getAttributes(ino: number, found: AttributeTarget): number {
    const inode = this.#flist.inode(ino);
    if (inode === undefined) return ENOENT;
    this.#encode(this.#firstName(inode), found.words, found.at);
    return DONE;
  }

  readDirectory(directory: number, offset: number, page: DirectoryPage): number {
    let after = 0;
    if (offset <= AFTER_DOTS) {
      const inode = this.#flist.inode(directory);
      if (inode === undefined) return ENOENT;
      if (inode.kind !== "directory") return ENOTDIR;
      if (offset < AFTER_DOT && !page.addDots(1, directory, AFTER_DOT)) return DONE;
      const parent = inode.parent === 0 ? directory : inode.parent;
      if (offset < AFTER_DOTS && !page.addDots(2, parent, AFTER_DOTS)) return DONE;
    } else after = offset - OFFSET_OF_INO;
    for (;;) {
      const { inodes, isLast } = this.#entriesAfter(directory, after);
      for (const inode of inodes) {
        if (inode.ino <= after) continue;
        this.#encode(this.#firstName(inode), this.#words, 0);
        const name = encodeByteString(inode.name);
        const next = inode.ino + OFFSET_OF_INO;
        if (!page.add(name, 0, name.length, this.#words, 0, next)) return DONE;
        after = inode.ino;
      }
      if (isLast) return DONE;
    }
  }

  readLink(ino: number): Uint8Array | number {
    const inode = this.#flist.inode(ino);
    if (inode === undefined) return ENOENT;
    return inode.linkTarget === undefined ? EINVAL : encodeByteString(inode.linkTarget);
  }

  read(ino: number, offset: number, size: number, reply: ReadReply): number {
    const file = this.#extents.get(ino);
    if (file === undefined) return this.#flist.inode(ino) === undefined ? ENOENT : EISDIR;
    const length = Math.max(0, Math.min(size, file.size - offset));
    if (length === file.size) this.#noteSequence(ino, file);
    let filled = 0;
    for (const { chunk, from, to, at } of file.pieces(offset, length)) {
      if (at > filled) reply.bytes.fill(0, reply.at + filled, reply.at + at);
      if (!this.#source.copy(chunk, from, to, reply.bytes, reply.at + at)) {
        this.#lateReads.later(ino, offset, length, reply.uniqueLow, reply.uniqueHigh);
        return LATER;
      }
      filled = at + to - from;
    }
    if (filled < length) reply.bytes.fill(0, reply.at + filled, reply.at + length);
    reply.length = length;
    this.#counters.add(MOUNT_COUNTER.bytesRead, length);
    return DONE;
  }

  seek(ino: number, offset: number, hole: boolean): number {
    const file = this.#extents.get(ino);
    if (file === undefined) return -EINVAL;
    const found = file.seek(offset, hole);
    return found < 0 ? -ENXIO : found;
  }

  getXattr(ino: number, name: Uint8Array): Uint8Array | number {
    const wanted = decodeByteString(name);
    // "Not supported" makes `ls` stop asking, "no data" does not.
    if (ASKED_OF_ALL.test(wanted) && this.#isAbsent(wanted)) return EOPNOTSUPP;
    return this.#flist.xattrs(ino).get(wanted) ?? ENODATA;
  }

  listXattr(ino: number): Uint8Array | number {
    const names = [...this.#flist.xattrs(ino).keys()];
    return encodeByteString(names.map((name) => `${name}\0`).join(""));
  }

  statFileSystem(): FileSystemSize {
    if (this.#size === undefined) {
      const { inodes, fileBytes } = this.#flist.totals();
      this.#size = { sizeBytes: fileBytes, inodeCount: inodes };
    }
    return this.#size;
  }

  interrupted(uniqueLow: number, uniqueHigh: number): void {
    this.#lateReads.interrupted(uniqueLow, uniqueHigh);
  }

  #noteSequence(ino: number, { size, firstChunk }: FileExtents): void {
    if (firstChunk === undefined || size > PUSHED_FILE_MAX) return;
    if (this.#sequence.note(ino, firstChunk)) this.#onSequence?.(ino);
  }

  #entriesAfter(directory: number, after: number): EntriesAhead {
    const known = this.#ahead;
    if (known !== undefined && known.directory === directory && known.after <= after) {
      const last = known.inodes.at(-1)?.ino ?? known.after;
      if (after < last || known.isLast) return known;
    }
    const inodes = this.#flist.childrenAfter(directory, after, ENTRIES_AT_ONCE);
    const isLast = inodes.length < ENTRIES_AT_ONCE;
    return this.#ahead = { directory, after, inodes, isLast };
  }

  /** The inode that has the metadata of all names of `inode`. */
  #firstName(inode: Inode): Inode {
    const { hardLinkTo } = inode;
    return hardLinkTo === undefined ? inode : this.#flist.inode(hardLinkTo) ?? inode;
  }

  #encode(inode: Inode, words: Uint32Array, at: number): void {
    const { ino, kind, size, mtime, mtimeNsec, mode, uid, gid, rdev } = inode;
    let linkCount = DIRECTORY_LINKS;
    if (kind !== "directory") {
      this.#links ??= this.#flist.linkCounts();
      linkCount = this.#links.get(ino) ?? 1;
    }
    let deviceNumber = 0;
    if (rdev !== 0) {
      const { major, minor } = splitDevice(rdev);
      deviceNumber = encodeDeviceNumber(major, minor);
    }
    const blocks = kind === "file" ? Math.ceil(size / BLOCK_UNIT) : 0;
    encodeAttributes(words, at, {
      ino,
      size,
      blocks,
      mtime,
      mtimeNsec,
      mode,
      linkCount,
      uid,
      gid,
      deviceNumber,
    });
  }

  #isAbsent(name: string): boolean {
    let isAbsent = this.#absentXattrs.get(name);
    if (isAbsent === undefined) {
      isAbsent = !this.#flist.hasXattr(name);
      this.#absentXattrs.set(name, isAbsent);
      // Programs may ask for any name at all.
      if (this.#absentXattrs.size > 64) this.#absentXattrs.clear();
    }
    return isAbsent;
  }
}
