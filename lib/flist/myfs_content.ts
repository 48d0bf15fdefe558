/**
 * Content of files in the `myfs` profile: the tables `chunk` and `extent`.
 *
 * @module
 */

import type { BlockRef } from "../block/block_ref.ts";
import { blockRefOf, FILE_SIZE, wholeNumber } from "./content_rows.ts";
import type { ContentTables } from "./content_tables.ts";
import type { ChunkRecord, Extent, ExtentRecord, Inode } from "./flist_record.ts";
import type { ForeignDatabase, SqliteRow } from "./foreign_database.ts";
import { labelInode } from "./inode_rows.ts";
import { SortedNumbers } from "./sorted_numbers.ts";

/** Rows of the extent table asked for at a time. */
const EXTENT_ROWS = 2048;

const CHUNK_COLUMNS = "SELECT chunk, id, key, size, stored_size FROM chunk";

const EXTENT_COLUMNS = `SELECT e.ino, e.file_offset, e.chunk, e.chunk_offset, e.length,
  c.size, ${FILE_SIZE} FROM extent e LEFT JOIN chunk c ON c.chunk = e.chunk
  LEFT JOIN inode i ON i.ino = e.ino`;

/** The content tables of the `myfs` profile. */
export class MyfsContent implements ContentTables {
  readonly #database: ForeignDatabase;

  constructor(database: ForeignDatabase) {
    this.#database = database;
  }

  chunkCount(): number {
    return this.#database.count("chunk");
  }

  extentCount(): number {
    return this.#database.count("extent");
  }

  chunk(chunk: number): BlockRef {
    const row = this.#database.get(`${CHUNK_COLUMNS} WHERE chunk = ?`, chunk);
    if (row === undefined) throw this.#database.fault(`it has no chunk ${chunk}`);
    return this.#chunkOf(row).ref;
  }

  *chunks(): Generator<ChunkRecord> {
    for (const row of this.#database.scan(`${CHUNK_COLUMNS} WHERE`, "chunk")) {
      yield this.#chunkOf(row);
    }
  }

  extents(file: Inode): Extent[] {
    const extents: Extent[] = [];
    let last = -1;
    let end = 0;
    for (;;) {
      const rows = this.#database.all(
        `${EXTENT_COLUMNS} WHERE e.ino = ? AND e.file_offset > ? ORDER BY e.file_offset
         LIMIT ${EXTENT_ROWS}`,
        file.ino,
        last,
      );
      for (const row of rows) {
        const { ino: _, ...extent } = this.#extentOf(row, end);
        extents.push(extent);
        last = extent.fileOffset;
        end = last + extent.length;
      }
      if (rows.length < EXTENT_ROWS) return extents;
    }
  }

  *extentsByChunk(): Generator<ExtentRecord> {
    // Sorted here, by counting, because SQLite would have to hold all rows, and the binding cannot
    // hand out a sorted result piece by piece.
    const columns = new ExtentColumns(this.extentCount());
    this.eachExtent((extent) => columns.add(extent));
    const numbers = new SortedNumbers(this.chunkCount());
    for (const [chunk] of this.#database.scan("SELECT chunk FROM chunk WHERE", "chunk")) {
      numbers.add(chunk as number);
    }
    yield* columns.byChunk(numbers);
  }

  incompleteFiles(): readonly number[] {
    // What no extent covers is a hole.
    return [];
  }

  eachExtent(visit: (extent: ExtentRecord) => void): void {
    let [ino, fileOffset, end] = [-1, -1, 0];
    for (;;) {
      const rows = this.#database.all(
        `${EXTENT_COLUMNS} WHERE (e.ino, e.file_offset) > (?, ?) ORDER BY e.ino, e.file_offset
         LIMIT ${EXTENT_ROWS}`,
        ino,
        fileOffset,
      );
      for (const row of rows) {
        const next = row[0];
        if (typeof next === "number" && next < ino) {
          throw this.#database.fault(`its extents are out of order (inode ${next} after ${ino})`);
        }
        const extent = this.#extentOf(row, next === ino ? end : 0);
        ({ ino, fileOffset } = extent);
        end = fileOffset + extent.length;
        visit(extent);
      }
      if (rows.length < EXTENT_ROWS) return;
    }
  }

  #chunkOf(row: SqliteRow): ChunkRecord {
    const [chunk, id, key, size, storedSize] = row;
    if (!Number.isSafeInteger(chunk) || (chunk as number) < 1) {
      throw this.#database.fault(`${chunk} is not a chunk number`);
    }
    const number = chunk as number;
    return {
      chunk: number,
      ref: blockRefOf(this.#database, number, { id, key, size, storedSize }),
    };
  }

  /** @param end Where the extent before ends in the same file. */
  #extentOf(row: SqliteRow, end: number): ExtentRecord {
    const database = this.#database;
    const ino = wholeNumber(row[0], "the inode of an extent", (reason) => database.fault(reason));
    const fault = (reason: string) => database.fault(`${labelInode(database, ino)}: ${reason}`);
    const fileOffset = wholeNumber(row[1], "the offset of an extent", fault);
    const chunk = wholeNumber(row[2], "the chunk of an extent", fault);
    const chunkOffset = wholeNumber(row[3], "an extent's offset in its chunk", fault);
    const length = wholeNumber(row[4], "the length of an extent", fault);
    const at = `its extent at ${fileOffset}`;
    if (length === 0) throw fault(`${at} is empty`);
    if (fileOffset < end) throw fault(`${at} overlaps the one before, which ends at ${end}`);
    if (row[5] === null) throw fault(`${at} is in chunk ${chunk}, which does not exist`);
    const chunkSize = wholeNumber(row[5], `the size of chunk ${chunk}`, fault);
    if (chunkOffset + length > chunkSize) {
      throw fault(`${at} ends at ${chunkOffset + length} in chunk ${chunk} of ${chunkSize} bytes`);
    }
    if (row[6] === null) throw database.fault(`extents belong to inode ${ino}, which is no file`);
    const fileSize = wholeNumber(row[6], "its size", fault);
    if (fileOffset + length > fileSize) {
      throw fault(`${at} ends at ${fileOffset + length}, beyond the file's ${fileSize} bytes`);
    }
    return { ino, fileOffset, chunk, chunkOffset, length };
  }
}

/** Extents as columns of numbers: 32 bytes each, where objects take four times as much. */
class ExtentColumns {
  readonly #ino: Float64Array;
  readonly #fileOffset: Float64Array;
  readonly #chunk: Float64Array;
  readonly #chunkOffset: Uint32Array;
  readonly #extentLength: Uint32Array;
  #count = 0;

  constructor(count: number) {
    this.#ino = new Float64Array(count);
    this.#fileOffset = new Float64Array(count);
    this.#chunk = new Float64Array(count);
    // Both lie within a chunk, whose size is bounded.
    this.#chunkOffset = new Uint32Array(count);
    this.#extentLength = new Uint32Array(count);
  }

  add(extent: ExtentRecord): void {
    const at = this.#count++;
    this.#ino[at] = extent.ino;
    this.#fileOffset[at] = extent.fileOffset;
    this.#chunk[at] = extent.chunk;
    this.#chunkOffset[at] = extent.chunkOffset;
    this.#extentLength[at] = extent.length;
  }

  /** All, ordered by chunk, and within a chunk as they were added. */
  *byChunk(numbers: SortedNumbers): Generator<ExtentRecord> {
    const starts = new Uint32Array(numbers.length + 1);
    const position = (at: number): number => numbers.positionOf(this.#chunk[at]!);
    for (let at = 0; at < this.#count; at++) starts[position(at) + 1]!++;
    for (let chunk = 0; chunk < numbers.length; chunk++) starts[chunk + 1]! += starts[chunk]!;
    const order = new Uint32Array(this.#count);
    for (let at = 0; at < this.#count; at++) order[starts[position(at)]!++] = at;
    for (const at of order) {
      yield {
        ino: this.#ino[at]!,
        fileOffset: this.#fileOffset[at]!,
        chunk: this.#chunk[at]!,
        chunkOffset: this.#chunkOffset[at]!,
        length: this.#extentLength[at]!,
      };
    }
  }
}
