/**
 * The plan of an unpack: which chunks a worker opens together, and what it writes from them.
 *
 * @module
 */

import { toFailure } from "../base/errors.ts";
import { LinkedAbort } from "../base/linked_abort.ts";
import { parseBlockId } from "../block/block_ref.ts";
import type { ExtentRecord, FlistReader, Inode } from "../flist/flist_reader.ts";
import type { Store } from "../store/store.ts";
import type { Xattrs } from "../tree/tree_entry.ts";
import { isBlockFault, PIECE_FIELDS, type SentChunk, type UnpackUnit } from "./unpack_messages.ts";

/** A file to be written. */
export interface UnpackTarget {
  readonly directory: string;
  readonly name: string;
  readonly inode: Inode;
  readonly xattrs: Xattrs | undefined;
}

/** A unit and the files that its numbers stand for. */
export interface PlannedUnpackUnit {
  readonly unit: UnpackUnit;
  readonly targets: readonly UnpackTarget[];
}

/** A unit ends when its chunks have this many bytes … */
const UNIT_SIZE_END = 4 * 1024 * 1024;
/**
 * … but not in the middle of a file before this many, where its blocks are not sent along: two
 * workers that write one file wait for each other most of the time, because Linux locks the file.
 */
const FILE_UNIT_SIZE_END = 64 * 1024 * 1024;
/** See {@link fetchedAhead}. */
const UNITS_FETCHED_AHEAD = 8;
/** A unit ends when it has this many pieces. */
const UNIT_PIECES_END = 4096;

/** Groups the extents of the files of `targets` by chunk. */
export class UnpackUnits {
  readonly #flist: FlistReader;
  readonly #targets: ReadonlyMap<number, UnpackTarget>;
  readonly #whole = new Set<number>();

  readonly #fileUnitSizeEnd: number;

  /**
   * @param targets The files to be written, by inode.
   * @param local Whether workers fetch the blocks themselves, so that a unit may have many.
   */
  constructor(flist: FlistReader, targets: ReadonlyMap<number, UnpackTarget>, local: boolean) {
    this.#flist = flist;
    this.#targets = targets;
    this.#fileUnitSizeEnd = local ? FILE_UNIT_SIZE_END : UNIT_SIZE_END;
  }

  /** All units, in the order of chunks. */
  *list(): Generator<PlannedUnpackUnit> {
    let unit = new UnitBuilder();
    let last = 0;
    for (const extent of this.#flist.extentsByChunk()) {
      const target = this.#targets.get(extent.ino);
      if (target === undefined) continue;
      if (extent.chunk !== last) {
        const sizeEnd = unit.lastIno === extent.ino ? this.#fileUnitSizeEnd : UNIT_SIZE_END;
        if (unit.isFull(sizeEnd)) {
          yield unit.build();
          unit = new UnitBuilder();
        }
        const { id, key, size } = this.#flist.chunk(extent.chunk);
        unit.addChunk({ id, key: key.toBytes(), size });
        last = extent.chunk;
      }
      const whole = extent.fileOffset === 0 && extent.length === target.inode.size;
      if (whole) this.#whole.add(extent.ino);
      unit.addPiece(extent, target, whole);
    }
    if (!unit.isEmpty) yield unit.build();
  }

  /** Files that {@link list} did not write and finish in one piece. */
  *unfinished(): Generator<UnpackTarget> {
    for (const [ino, target] of this.#targets) if (!this.#whole.has(ino)) yield target;
  }
}

class UnitBuilder {
  readonly #chunks: SentChunk[] = [];
  readonly #pieces: number[] = [];
  readonly #fields: number[] = [];
  readonly #directories: { path: string; files: number }[] = [];
  readonly #targets: UnpackTarget[] = [];
  readonly #numbers = new Map<number, number>();
  readonly #xattrs = new Map<number, Xattrs>();
  #size = 0;
  #lastIno = 0;

  get isEmpty(): boolean {
    return this.#chunks.length === 0;
  }

  /** Inode of the newest piece. */
  get lastIno(): number {
    return this.#lastIno;
  }

  isFull(sizeEnd: number): boolean {
    return this.#size >= sizeEnd || this.#pieces.length >= UNIT_PIECES_END * PIECE_FIELDS;
  }

  addChunk(chunk: SentChunk): void {
    this.#chunks.push(chunk);
    this.#size += chunk.size;
  }

  addPiece(extent: ExtentRecord, target: UnpackTarget, whole: boolean): void {
    let file = this.#numbers.get(extent.ino);
    if (file === undefined) {
      file = this.#addFile(target, whole);
      this.#numbers.set(extent.ino, file);
    }
    this.#lastIno = extent.ino;
    const { fileOffset, chunkOffset, length } = extent;
    this.#pieces.push(this.#chunks.length - 1, file, fileOffset, chunkOffset, length);
  }

  #addFile(target: UnpackTarget, whole: boolean): number {
    const file = this.#targets.length;
    const { mode, uid, gid, size, mtime, mtimeNsec } = target.inode;
    this.#targets.push(target);
    this.#fields.push(mode, uid, gid, size, mtime, mtimeNsec, whole ? 1 : 0);
    const last = this.#directories.at(-1);
    if (last?.path === target.directory) last.files++;
    else this.#directories.push({ path: target.directory, files: 1 });
    if (whole && target.xattrs !== undefined) this.#xattrs.set(file, target.xattrs);
    return file;
  }

  build(): PlannedUnpackUnit {
    const unit = {
      chunks: this.#chunks,
      directories: this.#directories,
      names: this.#targets.map(({ name }) => name),
      fields: Float64Array.from(this.#fields),
      pieces: Float64Array.from(this.#pieces),
      xattrs: this.#xattrs,
    };
    return { unit, targets: this.#targets };
  }
}

/**
 * How many units of a few MiB are fetched beside those that workers have: enough to hide a latency of
 * tens of milliseconds at a gigabit a second, in bounded memory. None where workers read by
 * themselves.
 */
export function fetchedAhead(store: Store): number {
  return store.local === undefined ? UNITS_FETCHED_AHEAD : 0;
}

/**
 * `chunks` with their blocks, or with what is wrong with them; where workers fetch, as they are. When
 * the store fails, the other calls are ended before that is thrown, so that nothing goes on in a
 * store that is closed.
 */
export async function fetchChunks(
  store: Store,
  chunks: readonly SentChunk[],
  signal: AbortSignal | undefined,
): Promise<readonly SentChunk[]> {
  if (store.local !== undefined) return chunks;
  using link = new LinkedAbort(signal);
  const fetches = chunks.map((chunk) => fetchChunk(store, chunk, link.signal));
  try {
    return await Promise.all(fetches);
  } catch (error) {
    link.abort(error);
    await Promise.allSettled(fetches);
    throw error;
  }
}

async function fetchChunk(
  store: Store,
  chunk: SentChunk,
  signal: AbortSignal,
): Promise<SentChunk> {
  try {
    return { ...chunk, block: await store.get(parseBlockId(chunk.id), { signal }) };
  } catch (error) {
    if (!isBlockFault(error)) throw error;
    return { ...chunk, failure: toFailure("", error) };
  }
}
