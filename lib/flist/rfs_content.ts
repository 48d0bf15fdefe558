/**
 * Content of files in the `rfs` profile: the table `block`, one row a piece, in file order. The row
 * number is the chunk's number, and a piece's place in its file follows from how many rows of the
 * same file come before it.
 *
 * @module
 */

import type { BlockRef } from "../block/block_ref.ts";
import { blockRefOf, FILE_SIZE, wholeNumber } from "./content_rows.ts";
import type { ContentTables } from "./content_tables.ts";
import type { ChunkRecord, DigestRecord, Extent, ExtentRecord, Inode } from "./flist_record.ts";
import type { ForeignDatabase, SqliteRow } from "./foreign_database.ts";
import { labelInode } from "./inode_rows.ts";
import { RFS_PIECE_SIZE } from "./schema.ts";
import { SortedNumbers } from "./sorted_numbers.ts";

/** How many pieces a file of `size` bytes has. */
export function pieceCount(size: number): number {
  return Math.ceil(size / RFS_PIECE_SIZE);
}

/** A row of the block table with its place in the file. */
interface Piece {
  readonly row: SqliteRow;
  readonly chunk: number;
  readonly ino: number;
  /** First byte within the file. */
  readonly fileOffset: number;
  /** Bytes in the piece. */
  readonly size: number;
}

/** The content tables of the `rfs` profile. */
export class RfsContent implements ContentTables {
  readonly #database: ForeignDatabase;
  /** Chunks of the file asked for last: those of one file are asked for one after the other. */
  #recent:
    | { readonly ino: number; readonly size: number; readonly chunks: SortedNumbers }
    | undefined;

  constructor(database: ForeignDatabase) {
    this.#database = database;
  }

  chunkCount(): number {
    return this.#database.count("block");
  }

  extentCount(): number {
    return this.chunkCount();
  }

  chunk(chunk: number): BlockRef {
    const row = this.#database.get(
      `SELECT b.ino, b.id, b.key, ${FILE_SIZE} FROM block b LEFT JOIN inode i ON i.ino = b.ino
       WHERE b.rowid = ?`,
      chunk,
    );
    if (row === undefined) throw this.#database.fault(`it has no chunk ${chunk}`);
    const ino = this.#inoOf(row[0]);
    const fileSize = this.#fileSizeOf(ino, row[3]);
    const index = this.#chunksOf(ino, fileSize).positionOf(chunk);
    return blockRefOf(this.#database, chunk, {
      id: row[1],
      key: row[2],
      size: pieceSize(fileSize, index * RFS_PIECE_SIZE),
    });
  }

  *chunks(): Generator<ChunkRecord> {
    for (const { row, chunk, size } of this.#pieces(", b.id, b.key")) {
      yield { chunk, ref: blockRefOf(this.#database, chunk, { id: row[3], key: row[4], size }) };
    }
  }

  extents(file: Inode): Extent[] {
    const chunks = this.#chunksOf(file.ino, file.size);
    return Array.from({ length: chunks.length }, (_, index) => {
      const fileOffset = index * RFS_PIECE_SIZE;
      const length = pieceSize(file.size, fileOffset);
      return { fileOffset, chunk: chunks.at(index), chunkOffset: 0, length };
    });
  }

  *extentsByChunk(): Generator<ExtentRecord> {
    for (const { chunk, ino, fileOffset, size } of this.#pieces("")) {
      yield { ino, fileOffset, chunk, chunkOffset: 0, length: size };
    }
  }

  digestCount(): number {
    return 0;
  }

  digest(): undefined {
    // The profile has no place for digests.
  }

  digests(): readonly DigestRecord[] {
    return [];
  }

  *incompleteFiles(): Generator<number> {
    const rows = this.#database.scan(
      `SELECT i.ino FROM inode i WHERE ${FILE_SIZE} > ${RFS_PIECE_SIZE} *
         (SELECT count(*) FROM (SELECT 1 FROM block b WHERE b.ino = i.ino LIMIT
         ${this.#database.fileSize})) AND`,
      "i.ino",
    );
    for (const [ino] of rows) yield ino as number;
  }

  eachExtent(visit: (extent: ExtentRecord) => void): void {
    for (const extent of this.extentsByChunk()) visit(extent);
  }

  /** All rows in order. Several files may be under way at once, as rfs uploads in parallel. */
  *#pieces(moreColumns: string): Generator<Piece> {
    const database = this.#database;
    const seen = new Map<number, number>();
    const rows = database.scan(
      `SELECT b.rowid, b.ino, ${FILE_SIZE}${moreColumns}
       FROM block b LEFT JOIN inode i ON i.ino = b.ino WHERE`,
      "b.rowid",
    );
    for (const row of rows) {
      const chunk = wholeNumber(
        row[0],
        "the number of a chunk",
        (reason) => database.fault(reason),
      );
      const ino = this.#inoOf(row[1]);
      const fileSize = this.#fileSizeOf(ino, row[2]);
      const index = seen.get(ino) ?? 0;
      const count = pieceCount(fileSize);
      if (index >= count) throw this.#countFault(ino, fileSize, "more");
      // Files of one piece, which most are, need not be remembered. A second piece of such a file
      // is found when its extents are asked for, and by the count that validation takes.
      if (count > 1) seen.set(ino, index + 1);
      const fileOffset = index * RFS_PIECE_SIZE;
      yield { row, chunk, ino, fileOffset, size: pieceSize(fileSize, fileOffset) };
    }
  }

  /** Numbers of a file's chunks in file order. */
  #chunksOf(ino: number, fileSize: number): SortedNumbers {
    if (this.#recent?.ino === ino && this.#recent.size === fileSize) return this.#recent.chunks;
    const chunks = new SortedNumbers(0);
    const count = pieceCount(fileSize);
    // The index on ino holds row numbers too, so their order costs no sorting.
    const rows = this.#database.scan("SELECT rowid FROM block WHERE ino = ? AND", "rowid", ino);
    for (const [chunk] of rows) {
      chunks.add(chunk as number);
      if (chunks.length > count) throw this.#countFault(ino, fileSize, "more");
    }
    if (chunks.length < count) throw this.#countFault(ino, fileSize, "fewer");
    this.#recent = { ino, size: fileSize, chunks };
    return chunks;
  }

  #inoOf(value: SqliteRow[number] | undefined): number {
    return wholeNumber(value, "the inode of a block", (reason) => this.#database.fault(reason));
  }

  #fileSizeOf(ino: number, value: SqliteRow[number] | undefined): number {
    if (value === null) {
      throw this.#database.fault(`blocks belong to inode ${ino}, which is no file`);
    }
    return wholeNumber(
      value,
      "its size",
      (reason) => this.#database.fault(`${labelInode(this.#database, ino)}: ${reason}`),
    );
  }

  #countFault(ino: number, fileSize: number, comparison: "more" | "fewer"): Error {
    return this.#database.fault(
      `${labelInode(this.#database, ino)}: it has ${comparison} blocks than the ${
        pieceCount(fileSize)
      } that ` +
        `${fileSize} bytes need`,
    );
  }
}

function pieceSize(fileSize: number, fileOffset: number): number {
  return Math.min(RFS_PIECE_SIZE, fileSize - fileOffset);
}
