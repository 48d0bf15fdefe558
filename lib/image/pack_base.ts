/**
 * The earlier flist that a pack builds on.
 *
 * @module
 */

import { toHex } from "../base/bytes.ts";
import { UnsupportedError, UntrustedBaseError } from "../base/errors.ts";
import type { BlockId, BlockRef } from "../block/block_ref.ts";
import type { Profile } from "../block/profile.ts";
import { FlistReader, type Inode } from "../flist/flist_reader.ts";
import type { Store } from "../store/store.ts";
import { joinPath, type ScannedEntry } from "../tree/directory_source.ts";
import { codecSetupOf } from "./flist_codec.ts";
import type { UsedStore } from "./image_stores.ts";
import { digestOfFile, isOwnFlist, SourceStamps } from "./own_flists.ts";
import type { ChunkClaims, FileDigests } from "./shared_digests.ts";

const DIGEST_SIZE = 32;
const EXTENT_FIELDS = 4;

/** How to use a base. */
export interface PackBaseOptions {
  /** Folder with the stamps of earlier packs. */
  readonly stateFolder?: string;
  /**
   * Whether files that lie where the base's did are told by their stamps.
   * @default {true}
   */
  readonly useStamps?: boolean;
  /**
   * Opens where else blocks may be: asked for those that the store does not have. Without it these
   * are packed again.
   */
  readonly elsewhere?: (() => Promise<UsedStore>) | undefined;
  /** Whether to build on a flist that was not made here. */
  readonly trustBase?: boolean;
  /** Stops the check of which blocks are there. */
  readonly signal?: AbortSignal;
}

/**
 * Knows the files of an earlier flist by path, their content by digest and their chunks by key. What
 * refers to a block that the store does not have counts as unknown, so that it is packed again.
 */
export class PackBase implements AsyncDisposable {
  readonly #reader: FlistReader;
  readonly #stamps: SourceStamps | undefined;
  /** Chunks whose blocks are there. */
  readonly #refs: ReadonlyMap<number, BlockRef>;
  /** Blocks among them that the store does not have, but the one elsewhere. */
  readonly #elsewhere: ReadonlySet<BlockId>;
  readonly #refsByKey: ReadonlyMap<string, BlockRef>;
  /** Extents sorted by inode, {@link EXTENT_FIELDS} numbers each, and where each inode's begin. */
  readonly #extents: Float64Array;
  readonly #extentStarts: Uint32Array;
  readonly #digests: Uint8Array;
  /** Index of an inode's digest plus one, or 0. */
  readonly #digestIndex: Uint32Array;
  /** Directories that the walk may come to, by path. */
  readonly #directories = new Map<string, number>([["", 1]]);
  #children = new Map<string, Inode>();
  #digestCount = 0;

  private constructor(
    reader: FlistReader,
    stamps: SourceStamps | undefined,
    { refs, elsewhere }: PresentChunks,
  ) {
    this.#reader = reader;
    this.#stamps = stamps;
    this.#refs = refs;
    this.#elsewhere = elsewhere;
    this.#refsByKey = new Map(
      refs.values().map((ref) => [toHex(ref.key.toBytes()), ref]),
    );
    [this.#extents, this.#extentStarts] = loadExtents(reader);
    const inodes = this.#extentStarts.length;
    this.#digests = new Uint8Array(reader.counts().digests * DIGEST_SIZE);
    this.#digestIndex = new Uint32Array(inodes);
    for (const { ino, digest } of reader.digests()) {
      // Without an extent there is no content to reuse.
      if (ino >= inodes || !this.#isComplete(ino)) continue;
      this.#digests.set(digest, this.#digestCount * DIGEST_SIZE);
      this.#digestIndex[ino] = ++this.#digestCount;
    }
  }

  /**
   * Opens the flist at `path` as the base of a pack of `profile` into `store`.
   *
   * @throws {UnsupportedError} when it is of another profile.
   * @throws {UntrustedBaseError} when it was not made here, unless it is to be trusted.
   */
  static async open(
    path: string,
    profile: Profile,
    store: Store,
    options: PackBaseOptions,
  ): Promise<PackBase> {
    const reader = FlistReader.open(path);
    try {
      if (reader.profile !== profile) {
        throw new UnsupportedError(
          `Cannot build on ${path}: it has the profile ${reader.profile}, not ${profile}`,
          { hint: `Pack with --profile ${reader.profile}, or without --base.` },
        );
      }
      const { stateFolder, trustBase = false, useStamps = true } = options;
      if (!trustBase && !await isOwnFlist(path, stateFolder)) throw new UntrustedBaseError(path);
      // One's own flists are in order: myfs made them.
      if (trustBase) reader.validate();
      const chunks = await presentChunks(reader, store, options);
      const stamps = stateFolder === undefined || !useStamps
        ? undefined
        : await SourceStamps.load(stateFolder, await digestOfFile(path));
      return new PackBase(reader, stamps, chunks);
    } catch (error) {
      reader[Symbol.dispose]();
      throw error;
    }
  }

  /** The flist itself, which is closed with the base. */
  get flist(): FlistReader {
    return this.#reader;
  }

  /** Whether a domain secret went into the keys of its chunks. */
  get hasSecretKeys(): boolean {
    return !codecSetupOf(this.#reader).verifyKey;
  }

  /** Contents that {@link seed} adds, at most. */
  get digestCount(): number {
    return this.#digestCount;
  }

  /** Chunks that {@link seed} claims. */
  get chunkCount(): number {
    return this.#refs.size;
  }

  /** Makes known to workers what need not be packed: contents as negative inode numbers. */
  seed(digests: FileDigests, claims: ChunkClaims): void {
    this.#digestIndex.forEach((index, ino) => {
      if (index > 0) digests.firstValue(this.#digests, (index - 1) * DIGEST_SIZE, -ino);
    });
    for (const ref of this.#refs.values()) claims.claim(ref.key.toBytes());
  }

  /** Says that the walk comes to the directory `path`; each directory comes before those in it. */
  enterDirectory(path: string): void {
    // Only they tell of a file that it did not change.
    if (this.#stamps === undefined) return;
    const ino = this.#directories.get(path);
    this.#directories.delete(path);
    this.#children = new Map();
    if (ino === undefined) return;
    for (const child of this.#reader.children(ino)) {
      if (child.kind === "directory") this.#directories.set(joinPath(path, child.name), child.ino);
      else this.#children.set(child.name, child);
    }
  }

  /** The base's inode with the content of `entry` in the entered directory, if surely the same. */
  findUnchanged(entry: ScannedEntry): number | undefined {
    const child = this.#children.get(entry.name);
    if (child === undefined || this.#stamps === undefined || child.kind !== "file") {
      return undefined;
    }
    const ino = child.hardLinkTo ?? child.ino;
    const isSame = child.size === entry.size && child.mtime === entry.mtime &&
      this.#stamps.matches(ino, entry);
    return isSame && this.#isComplete(ino) ? ino : undefined;
  }

  /** The chunk numbered `chunk` in the base. */
  refOf(chunk: number): BlockRef {
    return this.#refs.get(chunk)!;
  }

  /** The chunk with `key`, in hexadecimal, if the store has its block. */
  refOfKey(key: string): BlockRef | undefined {
    return this.#refsByKey.get(key);
  }

  /** Whether the block is not in the store of the pack, but elsewhere. */
  isElsewhere(id: BlockId): boolean {
    return this.#elsewhere.has(id);
  }

  /** A block of the content of `ino` that is nowhere. */
  missingBlock(ino: number): BlockId | undefined {
    let missing: number | undefined;
    this.forEachExtent(ino, (_, chunk) => {
      if (!this.#refs.has(chunk)) missing ??= chunk;
    });
    return missing === undefined ? undefined : this.#reader.chunk(missing).id;
  }

  /** Digest of the content of `ino`, where the base has it. */
  digestOf(ino: number): Uint8Array | undefined {
    const index = this.#digestIndex[ino] ?? 0;
    return index === 0
      ? undefined
      : this.#digests.subarray((index - 1) * DIGEST_SIZE, index * DIGEST_SIZE);
  }

  /** Calls `each` for the extents of `ino` in file order. */
  forEachExtent(
    ino: number,
    each: (fileOffset: number, chunk: number, chunkOffset: number, length: number) => void,
  ): void {
    const end = this.#extentStarts[ino + 1] ?? 0;
    for (let i = this.#extentStarts[ino] ?? 0; i < end; i++) {
      const at = i * EXTENT_FIELDS;
      const extents = this.#extents;
      each(extents[at]!, extents[at + 1]!, extents[at + 2]!, extents[at + 3]!);
    }
  }

  #isComplete(ino: number): boolean {
    let complete = true;
    this.forEachExtent(ino, (_, chunk) => complete &&= this.#refs.has(chunk));
    return complete;
  }

  /** Closes the base. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#reader[Symbol.dispose]();
    return Promise.resolve();
  }
}

/** The chunks of a base whose blocks are there. */
interface PresentChunks {
  readonly refs: ReadonlyMap<number, BlockRef>;
  /** Blocks that are not in the store of the pack. */
  readonly elsewhere: ReadonlySet<BlockId>;
}

async function presentChunks(
  reader: FlistReader,
  store: Store,
  { signal, elsewhere: open }: PackBaseOptions,
): Promise<PresentChunks> {
  const call = signal === undefined ? {} : { signal };
  const chunks = [...reader.chunks()];
  const present = await store.has(chunks.map(({ ref }) => ref.id), call);
  const refs = new Map(chunks.filter((_, i) => present[i]).map(({ chunk, ref }) => [chunk, ref]));
  const elsewhere = new Set<BlockId>();
  if (open === undefined || refs.size === chunks.length) return { refs, elsewhere };
  await using other = await open();
  const absent = chunks.filter((_, i) => !present[i]);
  const found = await other.store.has(absent.map(({ ref }) => ref.id), call);
  absent.forEach(({ chunk, ref }, i) => {
    if (!found[i]) return;
    refs.set(chunk, ref);
    elsewhere.add(ref.id);
  });
  return { refs, elsewhere };
}

/** Inode numbers of a base may leave gaps, but not so many that tables by number get out of hand. */
const INODE_SPREAD_MAX = 16;

/** One number an inode has to be kept below, found before tables by inode are made. */
function checkSpread(reader: FlistReader, highest: number): void {
  if (highest <= (reader.counts().inodes + 1024) * INODE_SPREAD_MAX) return;
  throw new UnsupportedError(
    `Cannot build on ${reader.path}: its inode numbers are scattered up to ${highest}`,
    { hint: "Pack without --base." },
  );
}

/** All extents sorted by inode with a counting sort: one pass over the flist, no query a file. */
function loadExtents(reader: FlistReader): [Float64Array, Uint32Array] {
  const rows = new NumberList();
  let highest = 1;
  for (const { ino, fileOffset, chunk, chunkOffset, length } of reader.extentsByChunk()) {
    rows.push(ino, fileOffset, chunk, chunkOffset, length);
    highest = Math.max(highest, ino);
  }
  checkSpread(reader, highest);
  const found = rows.numbers;
  const starts = new Uint32Array(highest + 2);
  for (let at = 0; at < found.length; at += 1 + EXTENT_FIELDS) starts[found[at]! + 1]!++;
  for (let ino = 0; ino <= highest; ino++) starts[ino + 1]! += starts[ino]!;
  const next = starts.slice();
  const extents = new Float64Array(found.length / (1 + EXTENT_FIELDS) * EXTENT_FIELDS);
  for (let at = 0; at < found.length; at += 1 + EXTENT_FIELDS) {
    const to = next[found[at]!]!++ * EXTENT_FIELDS;
    for (let i = 0; i < EXTENT_FIELDS; i++) extents[to + i] = found[at + 1 + i]!;
  }
  sortRuns(extents, starts);
  return [extents, starts];
}

/** Numbers that become more, without an object each. */
class NumberList {
  #room = new Float64Array(1 << 14);
  #length = 0;

  push(...numbers: number[]): void {
    if (this.#length + numbers.length > this.#room.length) {
      const larger = new Float64Array(this.#room.length * 2);
      larger.set(this.#room);
      this.#room = larger;
    }
    for (const number of numbers) this.#room[this.#length++] = number;
  }

  get numbers(): Float64Array {
    return this.#room.subarray(0, this.#length);
  }
}

/** Puts the extents of each inode into file order; nearly all have one or are in order already. */
function sortRuns(extents: Float64Array, starts: Uint32Array): void {
  for (let ino = 0; ino + 1 < starts.length; ino++) {
    const from = starts[ino]!;
    const to = starts[ino + 1]!;
    let sorted = true;
    for (let i = from + 1; i < to; i++) {
      if (extents[i * EXTENT_FIELDS]! < extents[(i - 1) * EXTENT_FIELDS]!) sorted = false;
    }
    if (sorted) continue;
    const rows = Array.from(
      { length: to - from },
      (_, i) => extents.slice((from + i) * EXTENT_FIELDS, (from + i + 1) * EXTENT_FIELDS),
    );
    rows.sort((a, b) => a[0]! - b[0]!);
    rows.forEach((row, i) => extents.set(row, (from + i) * EXTENT_FIELDS));
  }
}
