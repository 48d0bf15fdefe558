/**
 * Where the content of files lies, for the files that were read last.
 *
 * @module
 */

import { RecentMap } from "../base/recent_map.ts";
import type { FlistReader } from "../flist/flist_reader.ts";

/** Numbers an extent takes in {@link FileExtents.fields}. */
const FIELDS = 4;

/** Most files that are remembered, and most extents of all of them: 8 MiB. */
const FILES_MAX = 256;
const EXTENTS_MAX = 256 * 1024;

/** One piece of a read, with content or a hole. */
export interface Piece {
  /** Number of the chunk; 0 for a hole. */
  readonly chunk: number;
  /** First byte within the chunk. */
  readonly from: number;
  /** Byte after the last within the chunk. */
  readonly to: number;
  /** First byte within what was asked for. */
  readonly at: number;
}

/** The content of one file. */
export class FileExtents {
  /** Size of the file in bytes. */
  readonly size: number;
  /** For each extent: file offset, chunk, chunk offset, length. */
  readonly fields: Float64Array;

  constructor(size: number, fields: Float64Array) {
    this.size = size;
    this.fields = fields;
  }

  /** How many extents there are. */
  get count(): number {
    return this.fields.length / FIELDS;
  }

  /** The chunk that the content begins in; undefined where there is none but holes. */
  get firstChunk(): number | undefined {
    return this.fields[1];
  }

  /** The pieces with content of `length` bytes from `offset` on, which must lie in the file. */
  pieces(offset: number, length: number): Piece[] {
    const { fields } = this;
    const end = offset + length;
    const pieces: Piece[] = [];
    for (let index = this.#firstEndingAfter(offset); index < this.count; index++) {
      const at = index * FIELDS;
      const fileOffset = fields[at]!;
      if (fileOffset >= end) break;
      const from = Math.max(offset, fileOffset);
      const to = Math.min(end, fileOffset + fields[at + 3]!);
      const start = fields[at + 2]! + from - fileOffset;
      pieces.push({
        chunk: fields[at + 1]!,
        from: start,
        to: start + to - from,
        at: from - offset,
      });
    }
    return pieces;
  }

  /** The chunks of up to `countMax` extents that follow byte `offset`, the extent there left out. */
  chunksAfter(offset: number, countMax: number): number[] {
    const chunks: number[] = [];
    const first = this.#firstEndingAfter(offset);
    for (let index = first; index < Math.min(this.count, first + countMax); index++) {
      chunks.push(this.fields[index * FIELDS + 1]!);
    }
    return chunks;
  }

  /**
   * The next byte from `offset` on that is content (`hole` false) or not; −1 where there is none. The
   * end of the file counts as a hole.
   */
  seek(offset: number, hole: boolean): number {
    if (offset >= this.size) return -1;
    const { fields } = this;
    let at = offset;
    for (let index = this.#firstEndingAfter(offset); index < this.count; index++) {
      const start = fields[index * FIELDS]!;
      if (hole) {
        if (start > at) return at;
        at = start + fields[index * FIELDS + 3]!;
      } else return Math.max(start, offset);
    }
    return hole ? Math.min(at, this.size) : -1;
  }

  /** Index of the first extent that ends after byte `offset`. */
  #firstEndingAfter(offset: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = middle * FIELDS;
      if (this.fields[at]! + this.fields[at + 3]! > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Gives the content of files by inode number; those asked for last from memory. */
export class ExtentCache {
  readonly #flist: FlistReader;
  readonly #files = new RecentMap<number, FileExtents>({
    countMax: FILES_MAX,
    weightMax: EXTENTS_MAX,
    weigh: ({ count }) => count,
  });

  constructor(flist: FlistReader) {
    this.#flist = flist;
  }

  /**
   * The content of the regular file `ino`; undefined where there is none of that number.
   *
   * @throws {FlistFormatError} when the flist breaks a rule there.
   */
  get(ino: number): FileExtents | undefined {
    const known = this.#files.get(ino);
    if (known !== undefined) return known;
    const inode = this.#flist.inode(ino);
    if (inode?.kind !== "file" || inode.hardLinkTo !== undefined) return undefined;
    const extents = this.#flist.extentsOf(inode);
    const fields = new Float64Array(extents.length * FIELDS);
    extents.forEach(({ fileOffset, chunk, chunkOffset, length }, index) => {
      fields.set([fileOffset, chunk, chunkOffset, length], index * FIELDS);
    });
    const file = new FileExtents(inode.size, fields);
    this.#files.set(ino, file);
    return file;
  }
}
