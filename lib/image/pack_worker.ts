/**
 * The thread that does the work of a pack: reads files, cuts chunks, seals and stores them. All of
 * it is synchronous, because a thread that waits for nothing else is the fastest there is.
 *
 * @module
 */

import { type Bytes, releaseBytes } from "../base/bytes.ts";
import { displayByteString } from "../base/byte_string.ts";
import { type Failure, toFailure } from "../base/errors.ts";
import { type BlockCodec, createBlockCodec } from "../block/block_codec.ts";
import type { BlockKey, BlockRef } from "../block/block_ref.ts";
import { blake3, Blake3Hasher } from "../block/digest.ts";
import type { Profile } from "../block/profile.ts";
import { LONG_CHUNKS, LONG_CHUNKS_FILE_SIZE_MIN, SHORT_CHUNKS } from "../chunk/chunk_sizes.ts";
import type { Chunker } from "../chunk/chunker.ts";
import { ContentDefinedChunker } from "../chunk/content_defined_chunker.ts";
import { FixedChunker, RFS_CHUNK_SIZE } from "../chunk/fixed_chunker.ts";
import { CString } from "../linux/c_string.ts";
import { DirectoryCursor, openRootDirectory } from "../linux/directory_cursor.ts";
import { EINTR, systemError } from "../linux/errno.ts";
import { FileStatus } from "../linux/file_status.ts";
import {
  errno,
  libc,
  O_CLOEXEC,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  SEEK_DATA,
  SEEK_HOLE,
} from "../linux/libc.ts";
import { LocalBlocks } from "../store/local_blocks.ts";
import type { LocalPlacement } from "../store/store.ts";
import { joinPath } from "../tree/directory_source.ts";
import type { EntryMetadata } from "../tree/tree_entry.ts";
import {
  BUNDLE_SIZE_MAX,
  type ChunksUnit,
  CONTENT_ELSEWHERE,
  CONTENT_NONE,
  type ContentsUnit,
  type DigestUnit,
  EXPECTED_FIELDS,
  type ExpectedStatus,
  type FilesUnit,
  LARGE_FILE_SIZE_MIN,
  type PackUnit,
  type SegmentUnit,
} from "./pack_plan.ts";
import { ChunkClaims, FileDigests, type SharedTable, Turns } from "./shared_digests.ts";
import type { StopFlag } from "./stop_flag.ts";
import { postNote, serveTasks, type TaskServer } from "./worker_pool.ts";

/** First message to a worker. */
export interface PackWorkerSetup {
  /** Directory that is packed; undefined where all content comes with the units. */
  readonly root: string | undefined;
  readonly profile: Profile;
  readonly level: number | undefined;
  readonly domainSecret: Uint8Array | undefined;
  /** Where blocks go when that is on this machine; else they are posted to the main thread. */
  readonly placement: LocalPlacement | undefined;
  /** Bytes of posted blocks that the main thread has not stored yet. */
  readonly bytesUnderWay: SharedArrayBuffer;
  readonly fileDigests: SharedTable;
  readonly chunkClaims: SharedTable;
  readonly turns: SharedArrayBuffer;
}

/** A block posted to the main thread, which stores it. */
export interface PostedBlock {
  readonly ref: SentRef;
  readonly block: Bytes;
}

/** A {@link BlockRef} as it goes from thread to thread. */
export interface SentRef {
  readonly id: string;
  readonly key: Bytes;
  readonly size: number;
  readonly storedSize: number;
}

/** What was sealed for a unit. */
interface Sealed {
  /** Blocks that this unit sealed. */
  readonly refs: SentRef[];
  /** How many of them the store had before, and the bytes of the others (local stores only). */
  present: number;
  storedBytes: number;
}

/** A file that is not what the walk saw. */
export interface ChangedFile {
  /** Index in the unit. */
  readonly file: number;
  /** What to record for it; undefined when it is to be left out. */
  readonly metadata: EntryMetadata | undefined;
  /** What to tell the user; undefined when nothing is amiss. */
  readonly failure: Failure | undefined;
}

/** What became of a {@link FilesUnit}. */
export interface FilesDone extends Sealed {
  readonly kind: "files";
  /** Keys of the unit's chunks in order, 32 bytes each, and their sizes. */
  readonly keys: Bytes;
  readonly sizes: Float64Array;
  /** A file's chunk among them, or {@link CONTENT_NONE} or {@link CONTENT_ELSEWHERE}. */
  readonly chunkOf: Int32Array;
  /** Where in its chunk a file's content starts. */
  readonly offsets: Uint32Array;
  /** Value of the file that has the same content: see {@link FileDigests.firstValue}. */
  readonly duplicateOf: Int32Array;
  /** Digest of each file's content, 32 bytes each. */
  readonly digests: Bytes;
  readonly changed: readonly ChangedFile[];
}

/** What became of a {@link SegmentUnit}. */
export interface SegmentDone extends Sealed {
  readonly kind: "segment";
  /** Keys of the segment's chunks in order, 32 bytes each. */
  readonly keys: Bytes;
  /** Where in the file each chunk starts, and its size. */
  readonly fileOffsets: Float64Array;
  readonly sizes: Float64Array;
  /** Digest of the content, where the segment is the whole file and has no holes. */
  readonly digest: Bytes | undefined;
  /** End of what was read: less than the segment's where the file has become shorter. */
  readonly endReached: number;
  readonly changed: readonly ChangedFile[];
}

/** What became of a {@link DigestUnit}. */
export interface DigestDone extends Sealed {
  readonly kind: "digest";
  readonly digest: Bytes | undefined;
}

/** What a worker answers. */
export type PackDone = FilesDone | SegmentDone | DigestDone;

/** How often a file that changes while it is read is read again. */
const READ_ATTEMPTS = 3;

/** Bytes of a large file in memory at a time; several of the largest chunks. */
const WINDOW_SIZE = 4 * 1024 * 1024;

/** Most bytes of posted blocks that wait for the store: the bound on memory of a slow upload. */
export const BYTES_UNDER_WAY_MAX = 32 * 1024 * 1024;

const KEY_SIZE = 32;

class PackWorker implements TaskServer<PackUnit, PackDone> {
  readonly #stop: StopFlag;
  readonly #rootFd: number | undefined;
  readonly #setup: PackWorkerSetup;
  readonly #codec: BlockCodec;
  readonly #chunker: Chunker;
  /** For files from {@link LONG_CHUNKS_FILE_SIZE_MIN} on. */
  readonly #longChunker: Chunker;
  readonly #blocks: LocalBlocks | undefined;
  readonly #bytesUnderWay: Int32Array<SharedArrayBuffer>;
  readonly #fileDigests: FileDigests;
  readonly #claims: ChunkClaims;
  readonly #turns: Turns;
  readonly #cursor: DirectoryCursor | undefined;
  readonly #status = new FileStatus();
  readonly #name = new CString();
  readonly #buffer: Bytes = new Uint8Array(
    Math.max(WINDOW_SIZE, BUNDLE_SIZE_MAX + LARGE_FILE_SIZE_MIN),
  );

  constructor(setup: PackWorkerSetup, stop: StopFlag) {
    this.#setup = setup;
    this.#stop = stop;
    this.#codec = createBlockCodec(setup.profile, {
      ...(setup.level === undefined ? {} : { level: setup.level }),
      ...(setup.domainSecret === undefined ? {} : { domainSecret: setup.domainSecret }),
    });
    this.#chunker = setup.profile === "rfs"
      ? new FixedChunker(RFS_CHUNK_SIZE)
      : new ContentDefinedChunker(SHORT_CHUNKS);
    this.#longChunker = setup.profile === "rfs"
      ? this.#chunker
      : new ContentDefinedChunker(LONG_CHUNKS);
    this.#blocks = setup.placement === undefined ? undefined : new LocalBlocks(setup.placement);
    this.#bytesUnderWay = new Int32Array(setup.bytesUnderWay);
    this.#fileDigests = new FileDigests(setup.fileDigests);
    this.#claims = new ChunkClaims(setup.chunkClaims);
    this.#turns = new Turns(setup.turns);
    if (setup.root === undefined) return;
    this.#rootFd = openRootDirectory(setup.root);
    this.#cursor = new DirectoryCursor(this.#rootFd);
  }

  handle(unit: PackUnit): { result: PackDone; transfer: Transferable[] } {
    switch (unit.kind) {
      case "files":
      case "contents": {
        const result = unit.kind === "files" ? this.#files(unit) : this.#contents(unit);
        return {
          result,
          transfer: [
            result.keys,
            result.sizes,
            result.chunkOf,
            result.offsets,
            result.duplicateOf,
            result.digests,
          ].map(({ buffer }) => buffer as ArrayBuffer),
        };
      }
      case "segment":
        return { result: this.#segment(unit), transfer: [] };
      case "chunks":
        return { result: this.#chunks(unit), transfer: [] };
      case "digest":
        return { result: this.#digest(unit), transfer: [] };
    }
  }

  close(): void {
    this.#cursor?.[Symbol.dispose]();
    if (this.#rootFd !== undefined) libc().close(this.#rootFd);
  }

  #files(unit: FilesUnit): FilesDone {
    const count = unit.names.length;
    const starts = new Uint32Array(count);
    const lengths = new Uint32Array(count);
    const changed: ChangedFile[] = [];

    let end = 0;
    let file = 0;
    for (const directory of unit.directories) {
      for (const last = file + directory.files; file < last; file++) {
        this.#stop.throwIfRaised();
        const change = this.#readSmall(unit, file, directory.path, end);
        if (change.changed !== undefined) changed.push({ file, ...change.changed });
        if (change.length === 0) continue;
        starts[file] = end;
        lengths[file] = change.length;
        end += change.length;
      }
    }
    return { ...this.#bundle(unit, this.#buffer, starts, lengths), changed };
  }

  #contents(unit: ContentsUnit): FilesDone {
    const starts = new Uint32Array(unit.lengths.length);
    let end = 0;
    unit.lengths.forEach((length, file) => {
      starts[file] = end;
      end += length;
    });
    const done = this.#bundle(unit, unit.content, starts, unit.lengths, unit.scope);
    releaseBytes(unit.content);
    return { ...done, changed: [] };
  }

  /** Seals small files that lie in `buffer`; those of the same `scope` that are equal only once. */
  #bundle(
    unit: { readonly turn: number; readonly firstFile: number },
    buffer: Bytes,
    starts: Uint32Array,
    lengths: Uint32Array,
    scope = 0,
  ): Omit<FilesDone, "changed"> {
    const count = lengths.length;
    const chunkOf = new Int32Array(count).fill(CONTENT_NONE);
    const duplicateOf = new Int32Array(count);
    const digests = new Uint8Array(count * KEY_SIZE);
    for (let i = 0; i < count; i++) {
      if (lengths[i] === 0) continue;
      this.#stop.throwIfRaised();
      digests.set(blake3(buffer.subarray(starts[i]!, starts[i]! + lengths[i]!)), i * KEY_SIZE);
    }
    // Digests are as good as random, so this keeps equal ones of different scopes apart.
    const scoped = scope === 0 ? digests : inScope(digests, scope);

    this.#turns.take(unit.turn, this.#stop, () => {
      for (let i = 0; i < count; i++) {
        if (lengths[i] === 0) continue;
        // Values start at 1, because 0 marks an empty slot; negative ones belong to the base.
        const value = unit.firstFile + i + 1;
        const first = this.#fileDigests.firstValue(scoped, i * KEY_SIZE, value);
        chunkOf[i] = first === value ? 0 : CONTENT_ELSEWHERE;
        duplicateOf[i] = first === value ? 0 : first;
      }
    });

    const sealed: Sealed = { refs: [], present: 0, storedBytes: 0 };
    const chunks: { key: BlockKey; size: number }[] = [];
    const offsets = new Uint32Array(count);
    const bundled = this.#setup.profile === "myfs";
    let bundleEnd = 0;
    for (let i = 0; i < count; i++) {
      if (chunkOf[i] !== 0) continue;
      const start = starts[i]!;
      const length = lengths[i]!;
      if (bundled) {
        // Duplicates left gaps: close them in place, towards the front.
        if (bundleEnd !== start) buffer.copyWithin(bundleEnd, start, start + length);
        offsets[i] = bundleEnd;
        bundleEnd += length;
      } else {
        chunkOf[i] = chunks.length;
        chunks.push(this.#storeChunk(buffer.subarray(start, start + length), sealed));
      }
    }
    if (bundleEnd > 0) chunks.push(this.#storeChunk(buffer.subarray(0, bundleEnd), sealed));
    return {
      kind: "files",
      ...sealed,
      keys: joinKeys(chunks),
      sizes: Float64Array.from(chunks, ({ size }) => size),
      chunkOf,
      offsets,
      duplicateOf,
      digests,
    };
  }

  /** Seals chunks that have been cut already. */
  #chunks(unit: ChunksUnit): SegmentDone {
    const sealed: Sealed = { refs: [], present: 0, storedBytes: 0 };
    let at = 0;
    const chunks = Array.from(unit.sizes, (size) => {
      at += size;
      return this.#storeChunk(unit.content.subarray(at - size, at), sealed);
    });
    releaseBytes(unit.content);
    return {
      kind: "segment",
      ...sealed,
      keys: joinKeys(chunks),
      fileOffsets: unit.fileOffsets,
      sizes: unit.sizes,
      digest: unit.digest,
      endReached: Infinity,
      changed: [],
    };
  }

  /**
   * Reads a small file into the buffer at `at`. A file that changed since the walk, or changes
   * while it is read, is read again; one that never holds still is taken as last read, and told.
   */
  #readSmall(
    unit: FilesUnit,
    file: number,
    directory: string,
    at: number,
  ): { length: number; changed?: Omit<ChangedFile, "file"> } {
    const path = joinPath(directory, unit.names[file]!);
    let fd: number;
    try {
      fd = this.#open(directory, unit.names[file]!, path);
    } catch (error) {
      return { length: 0, changed: leftOut(path, error) };
    }
    try {
      const fields = file * EXPECTED_FIELDS;
      const walked = unit.expected.subarray(fields, fields + EXPECTED_FIELDS);
      let length = this.#readFully(fd, at, walked[0]!, 0, path);
      if (!this.#status.of(fd)) throw systemError("read the attributes of", path);
      if (this.#isUnchanged(walked) && length === walked[0]) return { length };
      for (let attempt = 1; attempt < READ_ATTEMPTS; attempt++) {
        const before = this.#fields();
        length = this.#readFully(fd, at, Math.min(before[0]!, LARGE_FILE_SIZE_MIN), 0, path);
        if (!this.#status.of(fd)) throw systemError("read the attributes of", path);
        if (this.#isUnchanged(before) && length === before[0]) {
          return { length, changed: { metadata: this.#metadata(length), failure: undefined } };
        }
      }
      return {
        length,
        changed: { metadata: this.#metadata(length), failure: changedWhileRead(path) },
      };
    } catch (error) {
      return { length: 0, changed: leftOut(path, error) };
    } finally {
      libc().close(fd);
    }
  }

  #segment(unit: SegmentUnit): SegmentDone {
    const sealed: Sealed = { refs: [], present: 0, storedBytes: 0 };
    const chunks: { key: BlockKey; size: number; fileOffset: number }[] = [];
    const path = joinPath(unit.directory, unit.name);
    const isLong = unit.expected.size >= LONG_CHUNKS_FILE_SIZE_MIN;
    const chunker = isLong ? this.#longChunker : this.#chunker;
    const changed: ChangedFile[] = [];
    const hasher = unit.whole && !unit.sparse ? new Blake3Hasher() : undefined;
    let endReached = unit.end;
    let digest: Bytes | undefined;
    try {
      const fd = this.#open(unit.directory, unit.name, path);
      try {
        for (const [start, end] of unit.sparse ? dataRegions(fd, unit) : [[unit.start, unit.end]]) {
          const region = { start: start!, end: end! };
          const reached = this.#chunkRegion(fd, path, region, chunker, (chunk, fileOffset) => {
            hasher?.update(chunk);
            chunks.push({ ...this.#storeChunk(chunk, sealed), fileOffset });
          });
          if (reached < end!) endReached = Math.min(endReached, reached);
        }
        if (!this.#status.of(fd)) throw systemError("read the attributes of", path);
        if (this.#isUnchanged(expectedFields(unit.expected)) && endReached === unit.end) {
          digest = hasher?.digest();
        } else {
          const size = endReached < unit.end ? endReached : unit.expected.size;
          const metadata = this.#metadata(size);
          changed.push({ file: 0, metadata, failure: changedWhileRead(path) });
        }
      } finally {
        libc().close(fd);
      }
    } catch (error) {
      if (!isReadFailure(error)) throw error;
      changed.push({ file: 0, ...leftOut(path, error) });
    }
    return {
      kind: "segment",
      ...sealed,
      keys: joinKeys(chunks),
      fileOffsets: Float64Array.from(chunks, ({ fileOffset }) => fileOffset),
      sizes: Float64Array.from(chunks, ({ size }) => size),
      digest,
      endReached,
      changed,
    };
  }

  /** Cuts a region of `fd` into chunks; answers where the data really ended. */
  #chunkRegion(
    fd: number,
    path: string,
    { start, end }: { readonly start: number; end: number },
    chunker: Chunker,
    onChunk: (chunk: Bytes, fileOffset: number) => void,
  ): number {
    let filled = 0;
    let readAt = start;
    let chunkAt = start;
    while (readAt < end || filled > 0) {
      const wanted = Math.min(WINDOW_SIZE - filled, end - readAt);
      const length = wanted > 0 ? this.#readFully(fd, filled, wanted, readAt, path) : 0;
      readAt += length;
      filled += length;
      if (length < wanted) end = readAt;
      const isLast = readAt >= end;
      let cutFrom = 0;
      while (cutFrom < filled && (isLast || filled - cutFrom >= chunker.sizeMax)) {
        const size = chunker.cut(this.#buffer, cutFrom, filled);
        onChunk(this.#buffer.subarray(cutFrom, cutFrom + size), chunkAt);
        cutFrom += size;
        chunkAt += size;
      }
      this.#buffer.copyWithin(0, cutFrom, filled);
      filled -= cutFrom;
    }
    return end;
  }

  #digest(unit: DigestUnit): DigestDone {
    const nothing = { kind: "digest", refs: [], present: 0, storedBytes: 0 } as const;
    const path = joinPath(unit.directory, unit.name);
    const hasher = new Blake3Hasher();
    try {
      const fd = this.#open(unit.directory, unit.name, path);
      try {
        let at = 0;
        while (true) {
          this.#stop.throwIfRaised();
          const length = this.#readFully(fd, 0, WINDOW_SIZE, at, path);
          hasher.update(this.#buffer.subarray(0, length));
          at += length;
          if (length < WINDOW_SIZE) break;
        }
        const still = this.#status.of(fd) && this.#isUnchanged(expectedFields(unit.expected));
        return { ...nothing, refs: [], digest: still ? hasher.digest() : undefined };
      } finally {
        libc().close(fd);
      }
    } catch (error) {
      // The segments of the file tell the user what is wrong with it.
      if (!isReadFailure(error)) throw error;
      return { ...nothing, refs: [], digest: undefined };
    }
  }

  /** Seals and stores `chunk` unless some thread has done so, and answers its key. */
  #storeChunk(chunk: Bytes, sealed: Sealed): { key: BlockKey; size: number } {
    this.#stop.throwIfRaised();
    const key = this.#codec.keyOf(chunk);
    if (this.#claims.claim(key.toBytes())) {
      const { ref, block } = this.#codec.seal(chunk, key);
      const sent = sendRef(ref, block.length);
      sealed.refs.push(sent);
      if (this.#blocks === undefined) {
        this.#post(sent, block);
      } else {
        if (this.#blocks.put(ref.id, block) === "present") sealed.present++;
        else sealed.storedBytes += block.length;
        releaseBytes(block);
      }
    }
    return { key, size: chunk.length };
  }

  #post(ref: SentRef, block: Bytes): void {
    let waiting = Atomics.load(this.#bytesUnderWay, 0);
    while (waiting > BYTES_UNDER_WAY_MAX) {
      this.#stop.waitWhile(this.#bytesUnderWay, waiting);
      waiting = Atomics.load(this.#bytesUnderWay, 0);
    }
    Atomics.add(this.#bytesUnderWay, 0, block.length);
    const posted: PostedBlock = { ref, block };
    postNote(posted, [block.buffer]);
  }

  #open(directory: string, name: string, path: string): number {
    const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    const fd = libc().openat(this.#cursor!.enter(directory), this.#name.of(name), flags, 0);
    if (fd < 0) throw systemError("open", path);
    return fd;
  }

  /** Reads up to `length` bytes at `offset` into the buffer at `at`: fewer only at the end. */
  #readFully(fd: number, at: number, length: number, offset: number, path: string): number {
    let done = 0;
    while (done < length) {
      const target = this.#buffer.subarray(at + done, at + length);
      const count = libc().pread(fd, target, target.length, offset + done);
      if (count === 0) break;
      if (count < 0) {
        if (errno() === EINTR) continue;
        throw systemError("read", path);
      }
      done += count;
    }
    return done;
  }

  #fields(): Float64Array {
    const { size, mtime, mtimeNsec, ctime, ctimeNsec, inode } = this.#status;
    return Float64Array.of(size, mtime, mtimeNsec, ctime, ctimeNsec, inode);
  }

  #isUnchanged(expected: Float64Array): boolean {
    const status = this.#status;
    return status.size === expected[0] && status.mtime === expected[1] &&
      status.mtimeNsec === expected[2] && status.ctime === expected[3] &&
      status.ctimeNsec === expected[4] && status.inode === expected[5];
  }

  #metadata(size: number): EntryMetadata {
    const { mode, uid, gid, mtime, mtimeNsec } = this.#status;
    return { mode, uid, gid, size, mtime, mtimeNsec, rdev: 0 };
  }
}

/** `digests` with the last four bytes of each changed in a way that `scope` decides. */
function inScope(digests: Bytes, scope: number): Bytes {
  const scoped = digests.slice();
  const view = new DataView(scoped.buffer);
  for (let at = KEY_SIZE - 4; at < scoped.length; at += KEY_SIZE) {
    view.setUint32(at, (view.getUint32(at) ^ scope) >>> 0);
  }
  return scoped;
}

function sendRef(ref: BlockRef, storedSize: number): SentRef {
  return { id: ref.id, key: ref.key.toBytes(), size: ref.size, storedSize };
}

function joinKeys(chunks: readonly { readonly key: BlockKey }[]): Bytes {
  const keys = new Uint8Array(chunks.length * KEY_SIZE);
  chunks.forEach(({ key }, i) => keys.set(key.toBytes(), i * KEY_SIZE));
  return keys;
}

function expectedFields(expected: ExpectedStatus): Float64Array {
  const { size, mtime, mtimeNsec, ctime, ctimeNsec, inode } = expected;
  return Float64Array.of(size, mtime, mtimeNsec, ctime, ctimeNsec, inode);
}

/** Ranges of data between the holes of a segment (lseek(2)). */
function* dataRegions(fd: number, unit: SegmentUnit): Generator<[number, number]> {
  let at = unit.start;
  while (at < unit.end) {
    const start = Number(libc().lseek(fd, at, SEEK_DATA));
    // ENXIO: there is only a hole to the end of the file.
    if (start < 0 || start >= unit.end) return;
    const hole = Number(libc().lseek(fd, start, SEEK_HOLE));
    const end = hole < 0 ? unit.end : Math.min(hole, unit.end);
    yield [start, end];
    at = end;
  }
}

/** Failures to read a source file concern that file alone; those of the store end the pack. */
function isReadFailure(error: unknown): boolean {
  return error instanceof Error && "operation" in error;
}

function leftOut(path: string, error: unknown): Omit<ChangedFile, "file"> {
  return { metadata: undefined, failure: toFailure(displayByteString(path), error) };
}

function changedWhileRead(path: string): Failure {
  return {
    path: displayByteString(path),
    reason: "The file changed while it was read: what was packed may be a mix of old and new",
    code: "changed_while_read",
  };
}

serveTasks<PackWorkerSetup, PackUnit, PackDone>((setup, stop) => new PackWorker(setup, stop));
