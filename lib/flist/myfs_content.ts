/**
 * Content of files in the `myfs` profile: the tables `chunk`, `content` and `extent`.
 *
 * @module
 */

import { type BlockRef, DIGEST_SIZE } from "../block/block_ref.ts";
import { blockRefOf, FILE_SIZE, isDigest, wholeNumber } from "./content_rows.ts";
import type { ContentTables } from "./content_tables.ts";
import type { ChunkRecord, DigestRecord, Extent, ExtentRecord, Inode } from "./flist_record.ts";
import {
  type ForeignDatabase,
  shown,
  type SqliteRow,
  type SqliteValue,
} from "./foreign_database.ts";
import { labelInode } from "./inode_rows.ts";
import { SortedNumbers } from "./sorted_numbers.ts";

/** Rows of the extent table asked for at a time. */
const EXTENT_ROWS = 2048;

/** What stands for the length of a digest that is not known. */
const NO_DIGEST = -1;

const CHUNK_COLUMNS = "SELECT chunk, id, key, size, stored_size FROM chunk";

const EXTENT_COLUMNS = "SELECT e.ino, e.file_offset, e.chunk, e.chunk_offset, e.length";

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
    return this.#database.count("content", "chunk IS NOT NULL") + this.#database.count("extent");
  }

  digestCount(): number {
    return this.#database.count("content", "digest IS NOT NULL");
  }

  digest(file: number): Uint8Array | undefined {
    const row = this.#database.get("SELECT digest FROM content WHERE ino = ?", file);
    return row === undefined || row[0] === null ? undefined : this.#digestOf(file, row[0]);
  }

  *digests(): Generator<DigestRecord> {
    for (
      const [ino, digest] of this.#database.scan("SELECT ino, digest FROM content WHERE", "ino")
    ) {
      if (digest === null) continue;
      yield { ino: ino as number, digest: this.#digestOf(ino as number, digest) };
    }
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
    const content = this.#database.get(
      `SELECT c.chunk, c.chunk_offset, k.size FROM content c LEFT JOIN chunk k ON k.chunk = c.chunk
       WHERE c.ino = ?`,
      file.ino,
    );
    if (content !== undefined && content[0] !== null) {
      const [chunk, chunkOffset, chunkSize] = content;
      const { ino: _, ...extent } = this.#extentOf(
        [file.ino, 0, chunk!, chunkOffset!, file.size],
        0,
        file.size,
        () => chunkSize,
      );
      return [extent];
    }
    const extents: Extent[] = [];
    let last = -1;
    let end = 0;
    for (;;) {
      const rows = this.#database.all(
        `${EXTENT_COLUMNS}, k.size FROM extent e LEFT JOIN chunk k ON k.chunk = e.chunk
         WHERE e.ino = ? AND e.file_offset > ? ORDER BY e.file_offset LIMIT ${EXTENT_ROWS}`,
        file.ino,
        last,
      );
      for (const row of rows) {
        const { ino: _, ...extent } = this.#extentOf(row, end, file.size, () => row[5]);
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
    const chunks = this.#chunkSizes();
    this.#eachExtent(chunks, (extent) => columns.add(extent));
    yield* columns.byChunk(chunks.numbers);
  }

  incompleteFiles(): readonly number[] {
    // What no extent covers is a hole.
    return [];
  }

  eachExtent(visit: (extent: ExtentRecord) => void, visitDigest: (ino: number) => void): void {
    this.#eachExtent(this.#chunkSizes(), visit, visitDigest);
  }

  /** Both tables at once, in the order of files. */
  #eachExtent(
    chunks: ChunkSizes,
    visit: (extent: ExtentRecord) => void,
    visitDigest?: (ino: number) => void,
  ): void {
    const database = this.#database;
    const pieces = this.#pieces();
    let piece = pieces.next();
    let [ino, end] = [-1, 0];
    const visitPieces = (before: number) => {
      for (; piece.done !== true; piece = pieces.next()) {
        const row = piece.value;
        const next = row[0] as number;
        if (next >= before) return;
        if (next !== ino) end = 0;
        const extent = this.#extentOf(row, end, row[5], chunks.sizeOf);
        ino = next;
        end = extent.fileOffset + extent.length;
        visit(extent);
      }
    };
    const rows = database.scan(
      `SELECT c.ino, c.chunk, c.chunk_offset, ${FILE_SIZE},
         CASE typeof(c.digest) WHEN 'blob' THEN octet_length(c.digest) WHEN 'null' THEN ${NO_DIGEST} END
       FROM content c LEFT JOIN inode i ON i.ino = c.ino WHERE`,
      "c.ino",
    );
    for (const [file, chunk, chunkOffset, fileSize, digestLength] of rows) {
      visitPieces(file as number);
      if (digestLength === DIGEST_SIZE) visitDigest?.(file as number);
      else if (digestLength !== NO_DIGEST) throw this.#digestFault(file as number);
      if (chunk === null && chunkOffset === null) {
        if (digestLength === NO_DIGEST) {
          throw database.fault(`${labelInode(database, file as number)}: its content says nothing`);
        }
        continue;
      }
      if (piece.done !== true && piece.value[0] === file) {
        throw database.fault(
          `${labelInode(database, file as number)}: its content is in one piece and in several`,
        );
      }
      visit(
        this.#extentOf([file!, 0, chunk!, chunkOffset!, fileSize!], 0, fileSize, chunks.sizeOf),
      );
    }
    visitPieces(Infinity);
  }

  /** Rows of the extent table with the sizes of their files, in order of files and offsets. */
  *#pieces(): Generator<SqliteRow> {
    let [ino, fileOffset]: SqliteValue[] = [-1, -1];
    for (;;) {
      const rows = this.#database.all(
        `${EXTENT_COLUMNS}, ${FILE_SIZE} FROM extent e LEFT JOIN inode i ON i.ino = e.ino
         WHERE (e.ino, e.file_offset) > (?, ?) ORDER BY e.ino, e.file_offset LIMIT ${EXTENT_ROWS}`,
        ino!,
        fileOffset!,
      );
      for (const row of rows) {
        const next = row[0];
        if (typeof next !== "number" || next < (ino as number)) {
          throw this.#database.fault(
            `its extents are out of order (inode ${shown(next)} after ${ino})`,
          );
        }
        [ino, fileOffset] = row;
        yield row;
      }
      if (rows.length < EXTENT_ROWS) return;
    }
  }

  #chunkSizes(): ChunkSizes {
    const sizes = new ChunkSizes(this.chunkCount());
    for (
      const [chunk, size] of this.#database.scan("SELECT chunk, size FROM chunk WHERE", "chunk")
    ) {
      sizes.add(chunk as number, size);
    }
    return sizes;
  }

  #digestOf(ino: number, value: SqliteValue | undefined): Uint8Array {
    if (!isDigest(value)) throw this.#digestFault(ino);
    return value;
  }

  #digestFault(ino: number): Error {
    return this.#database.fault(
      `${labelInode(this.#database, ino)}: its digest is not ${DIGEST_SIZE} bytes`,
    );
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

  /**
   * @param row Inode, offset in the file, chunk, offset in the chunk, and length.
   * @param end Where the extent before ends in the same file.
   * @param sizeOfFile NULL where there is no such file.
   * @param sizeOfChunk Gives NULL where there is no such chunk.
   */
  #extentOf(
    row: SqliteRow,
    end: number,
    sizeOfFile: SqliteValue | undefined,
    sizeOfChunk: (chunk: number) => SqliteValue | undefined,
  ): ExtentRecord {
    const database = this.#database;
    const ino = wholeNumber(row[0], "the inode of an extent", (reason) => database.fault(reason));
    const fault = (reason: string) => database.fault(`${labelInode(database, ino)}: ${reason}`);
    if (sizeOfFile === null) {
      throw database.fault(`extents belong to inode ${ino}, which is no file`);
    }
    const fileOffset = wholeNumber(row[1], "the offset of an extent", fault);
    const chunk = wholeNumber(row[2], "the chunk of an extent", fault);
    const chunkOffset = wholeNumber(row[3], "an extent's offset in its chunk", fault);
    const length = wholeNumber(row[4], "the length of an extent", fault);
    const at = `its extent at ${fileOffset}`;
    if (length === 0) throw fault(`${at} is empty`);
    if (fileOffset < end) throw fault(`${at} overlaps the one before, which ends at ${end}`);
    const chunkValue = sizeOfChunk(chunk);
    if (chunkValue === null || chunkValue === undefined) {
      throw fault(`${at} is in chunk ${chunk}, which does not exist`);
    }
    const chunkSize = wholeNumber(chunkValue, `the size of chunk ${chunk}`, fault);
    if (chunkOffset + length > chunkSize) {
      throw fault(`${at} ends at ${chunkOffset + length} in chunk ${chunk} of ${chunkSize} bytes`);
    }
    const fileSize = wholeNumber(sizeOfFile, "its size", fault);
    if (fileOffset + length > fileSize) {
      throw fault(`${at} ends at ${fileOffset + length}, beyond the file's ${fileSize} bytes`);
    }
    return { ino, fileOffset, chunk, chunkOffset, length };
  }
}

/** Sizes of all chunks by number. */
class ChunkSizes {
  readonly numbers: SortedNumbers;
  readonly #sizes: SqliteValue[] = [];

  constructor(count: number) {
    this.numbers = new SortedNumbers(count);
  }

  add(chunk: number, size: SqliteValue | undefined): void {
    this.numbers.add(chunk);
    this.#sizes.push(size!);
  }

  /** As the table has it; undefined where there is no such chunk. */
  readonly sizeOf = (chunk: number): SqliteValue | undefined =>
    this.#sizes[this.numbers.positionOf(chunk)];
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
