/**
 * Where the content of each packed file is: turns what workers answer, in whatever order they
 * finish, into chunks and extents of the flist in the order of the plan.
 *
 * @module
 */

import { toHex } from "../base/bytes.ts";
import { Breather } from "../base/concurrency.ts";
import type { Failure } from "../base/errors.ts";
import { BlockKey, type BlockRef, parseBlockId } from "../block/block_ref.ts";
import type { FlistWriter } from "../flist/flist_writer.ts";
import type { EntryMetadata } from "../tree/tree_entry.ts";
import type { PackBase } from "./pack_base.ts";
import { CONTENT_ELSEWHERE, CONTENT_NONE, EXPECTED_FIELDS, type PlannedUnit } from "./pack_plan.ts";
import type { ChangedFile, FilesDone, PackDone, SegmentDone, SentRef } from "./pack_worker.ts";

const DIGEST_SIZE = 32;

/** Stands for the inode of content that did not get one. */
const NO_INO = 0;

/** A file that is not recorded as the walk saw it. */
export interface ContentChange {
  readonly ino: number;
  /** Its size when the tree was walked. */
  readonly walkedSize: number;
  /** What to record; undefined to leave the file out. */
  readonly metadata: EntryMetadata | undefined;
  /** What to tell the user, if anything. */
  readonly failure: Failure | undefined;
}

interface Arrived {
  readonly planned: PlannedUnit;
  readonly done: PackDone;
}

/** Writes chunks, extents and digests of one pack. */
export class PackedContent {
  readonly #writer: FlistWriter;
  readonly #base: PackBase | undefined;
  /** Sealed chunks by key, in hexadecimal. */
  readonly #refs = new Map<string, SentRef>();
  /** Keys among them of chunks that were sealed before this pack. */
  readonly #known = new Set<string>();
  /** Numbers that chunks have in the flist, by key. */
  readonly #numbers = new Map<string, number>();
  /** Numbers of the base's chunks, by their number there. */
  readonly #numbersFromBase = new Map<number, number>();
  /** Answers that wait for an earlier unit's. */
  readonly #waiting = new Map<number, Arrived>();
  #next = 0;
  #isReleased = false;
  /** Chunk and offset of each file in units of files, by its index. */
  #locations = new Float64Array(2 * 1024);
  /** Where files lie that did not get into the flist: others may have the same content. */
  readonly #droppedLocations = new Map<number, { key: string; chunkOffset: number }>();
  /** Inodes by the number of their content, where that came before the inode. */
  readonly #inoOfContent = new Map<number, number>();
  readonly #changes = new Map<number, ContentChange>();
  #chunkCount = 0;
  #reusedCount = 0;
  #elsewhereCount = 0;
  #referencedBytes = 0;

  constructor(writer: FlistWriter, base: PackBase | undefined) {
    this.#writer = writer;
    this.#base = base;
  }

  /** Distinct chunks that the flist refers to. */
  get chunkCount(): number {
    return this.#chunkCount;
  }

  /** How many of them the base had, or were known otherwise. */
  get reusedCount(): number {
    return this.#reusedCount;
  }

  /** How many of them only the base's own stores have. */
  get elsewhereCount(): number {
    return this.#elsewhereCount;
  }

  /** Bytes of their blocks. */
  get referencedBytes(): number {
    return this.#referencedBytes;
  }

  /** Files that changed, in the order of the plan. */
  changes(): Iterable<ContentChange> {
    return this.#changes.values();
  }

  /** Gives `ino` the content that `baseIno` has in the base. */
  reuse(ino: number, baseIno: number): void {
    const base = this.#base!;
    base.forEachExtent(baseIno, (fileOffset, baseChunk, chunkOffset, length) => {
      let chunk = this.#numbersFromBase.get(baseChunk);
      if (chunk === undefined) {
        chunk = this.#numberOf(toHex(base.refOf(baseChunk).key.toBytes()));
        this.#numbersFromBase.set(baseChunk, chunk);
      }
      this.#writer.addExtent(ino, { fileOffset, chunk, chunkOffset, length });
    });
    const digest = base.digestOf(baseIno);
    if (digest !== undefined) this.#writer.setDigest(ino, digest);
  }

  /** Says that content number `content` is that of `ino`. Content that nobody gets is left out. */
  place(content: number, ino: number): void {
    this.#inoOfContent.set(content, ino);
  }

  /** Takes chunks that were sealed before this pack and whose blocks are there. */
  know(refs: readonly SentRef[]): void {
    for (const ref of refs) {
      const key = toHex(ref.key);
      if (this.#refs.has(key)) continue;
      this.#refs.set(key, ref);
      this.#known.add(key);
    }
  }

  /** The chunk with `key`, in hexadecimal, where a worker sealed it or it was known. */
  sentRef(key: string): SentRef | undefined {
    return this.#refs.get(key);
  }

  /** Takes the answer to unit `number` of the plan. */
  arrive(number: number, planned: PlannedUnit, done: PackDone): void {
    for (const ref of done.refs) {
      const key = toHex(ref.key);
      this.#refs.set(key, ref);
      this.#known.delete(key);
    }
    this.#waiting.set(number, { planned, done });
    if (this.#isReleased) { while (this.#writeNext()); }
  }

  /** Writes the answers from now on, those that have arrived included. */
  async release(signal?: AbortSignal): Promise<void> {
    const breather = new Breather(signal);
    while (this.#writeNext()) if (breather.due) await breather.breathe();
    this.#isReleased = true;
  }

  /** Writes the next answer; false when it has not arrived. */
  #writeNext(): boolean {
    const next = this.#waiting.get(this.#next);
    // A chunk may be claimed by a worker whose answer is still to come.
    if (next === undefined || !this.#isComplete(next.done)) return false;
    this.#waiting.delete(this.#next++);
    this.#apply(next);
    return true;
  }

  #isComplete(done: PackDone): boolean {
    if (done.kind === "digest") return true;
    for (let at = 0; at < done.keys.length; at += DIGEST_SIZE) {
      const key = toHex(done.keys.subarray(at, at + DIGEST_SIZE));
      if (!this.#refs.has(key) && this.#base?.refOfKey(key) === undefined) return false;
    }
    return true;
  }

  #apply({ planned, done }: Arrived): void {
    if (done.kind === "files") return this.#applyFiles(planned, done);
    const ino = this.#inosOf(planned)[0]!;
    if (planned.unit.kind === "segment" && done.kind === "segment") {
      return this.#applySegment(ino, planned.unit.expected.size, done);
    }
    if (done.kind === "segment") {
      if (ino !== NO_INO) this.#applySegment(ino, 0, done);
      return;
    }
    if (done.kind !== "digest") return;
    if (done.digest !== undefined && !this.#changes.has(ino)) {
      this.#writer.setDigest(ino, done.digest);
    }
  }

  #inosOf({ unit, inos }: PlannedUnit): readonly number[] {
    if (unit.kind !== "contents" && unit.kind !== "chunks") return inos;
    return inos.map((content) => this.#inoOfContent.get(content) ?? NO_INO);
  }

  #applyFiles(planned: PlannedUnit, done: FilesDone): void {
    const { unit } = planned;
    if (unit.kind !== "files" && unit.kind !== "contents") return;
    const inos = this.#inosOf(planned);
    const lengths = unit.kind === "contents"
      ? Float64Array.from(unit.lengths)
      : Float64Array.from(inos, (_, i) => unit.expected[i * EXPECTED_FIELDS]!);
    for (const change of done.changed) {
      this.#noteChange(inos[change.file]!, lengths[change.file]!, change);
      lengths[change.file] = change.metadata?.size ?? 0;
    }
    // Chunks are numbered when a file first refers to them: what no file needs is not recorded.
    const numbers: number[] = [];
    for (let i = 0; i < inos.length; i++) {
      const ino = inos[i]!;
      const own = done.chunkOf[i]!;
      if (own === CONTENT_NONE) continue;
      const digest = done.digests.subarray(i * DIGEST_SIZE, (i + 1) * DIGEST_SIZE);
      const duplicateOf = done.duplicateOf[i]!;
      if (own === CONTENT_ELSEWHERE && duplicateOf < 0) {
        this.reuse(ino, -duplicateOf);
        continue;
      }
      const key = (): string =>
        toHex(done.keys.subarray(own * DIGEST_SIZE, (own + 1) * DIGEST_SIZE));
      if (ino === NO_INO) {
        if (own !== CONTENT_ELSEWHERE) {
          const location = { key: key(), chunkOffset: done.offsets[i]! };
          this.#droppedLocations.set(unit.firstFile + i, location);
        }
        continue;
      }
      let chunk: number;
      let chunkOffset: number;
      if (own === CONTENT_ELSEWHERE) {
        const dropped = this.#droppedLocations.get(duplicateOf - 1);
        chunk = dropped === undefined
          ? this.#locations[2 * (duplicateOf - 1)]!
          : this.#numberOf(dropped.key);
        chunkOffset = dropped?.chunkOffset ?? this.#locations[2 * (duplicateOf - 1) + 1]!;
      } else {
        chunk = numbers[own] ??= this.#numberOf(key());
        chunkOffset = done.offsets[i]!;
        this.#setLocation(unit.firstFile + i, chunk, chunkOffset);
      }
      this.#writer.addExtent(ino, { fileOffset: 0, chunk, chunkOffset, length: lengths[i]! });
      this.#writer.setDigest(ino, digest);
    }
  }

  #applySegment(ino: number, walkedSize: number, done: SegmentDone): void {
    const earlier = this.#changes.get(ino);
    for (const change of done.changed) {
      // A segment that failed has the word, else the one that found the nearest end.
      const sizeBefore = earlier === undefined ? Infinity : earlier.metadata?.size ?? -1;
      if ((change.metadata?.size ?? -1) < sizeBefore) this.#noteChange(ino, walkedSize, change);
    }
    const change = this.#changes.get(ino);
    if (change !== undefined && change.metadata === undefined) return;
    const size = change?.metadata?.size ?? Infinity;
    for (let i = 0; i < done.sizes.length; i++) {
      const fileOffset = done.fileOffsets[i]!;
      const length = Math.min(done.sizes[i]!, size - fileOffset);
      if (length <= 0) continue;
      const key = toHex(done.keys.subarray(i * DIGEST_SIZE, (i + 1) * DIGEST_SIZE));
      this.#writer.addExtent(ino, {
        fileOffset,
        chunk: this.#numberOf(key),
        chunkOffset: 0,
        length,
      });
    }
    if (done.digest !== undefined) this.#writer.setDigest(ino, done.digest);
  }

  #noteChange(ino: number, walkedSize: number, { metadata, failure }: ChangedFile): void {
    this.#changes.set(ino, { ino, walkedSize, metadata, failure });
  }

  #numberOf(key: string): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const fromBase = this.#base?.refOfKey(key);
    const ref = fromBase ?? reviveRef(this.#refs.get(key)!);
    const number = this.#writer.addChunk(ref);
    this.#numbers.set(key, number);
    this.#chunkCount++;
    this.#referencedBytes += ref.storedSize ?? 0;
    if (fromBase !== undefined || this.#known.has(key)) this.#reusedCount++;
    if (fromBase !== undefined && this.#base!.isElsewhere(fromBase.id)) this.#elsewhereCount++;
    return number;
  }

  #setLocation(file: number, chunk: number, chunkOffset: number): void {
    const at = 2 * file;
    if (at + 2 > this.#locations.length) {
      const larger = new Float64Array(Math.max(2 * this.#locations.length, at + 2));
      larger.set(this.#locations);
      this.#locations = larger;
    }
    this.#locations[at] = chunk;
    this.#locations[at + 1] = chunkOffset;
  }
}

function reviveRef({ id, key, size, storedSize }: SentRef): BlockRef {
  return { id: parseBlockId(id), key: BlockKey.fromBytes(key), size, storedSize };
}
