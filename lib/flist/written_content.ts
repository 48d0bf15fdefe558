/**
 * Writes the content of files in the `myfs` profile: a row of `content` for each file, with the
 * place of its bytes where they lie in one piece, and rows of `extent` where they do not.
 *
 * @module
 */

import type { Extent } from "./flist_record.ts";
import { type PrepareSql, RowBatch } from "./row_batch.ts";
import type { WrittenInodes } from "./written_inodes.ts";

/** What is known so far of the file that was spoken of last. */
interface PendingFile {
  readonly ino: number;
  digest: Uint8Array | null;
  chunk: number | null;
  chunkOffset: number | null;
}

/** Content on its way into a flist. */
export class WrittenContent {
  readonly #prepare: PrepareSql;
  readonly #inodes: WrittenInodes;
  readonly #contents: RowBatch;
  readonly #extents: RowBatch;
  #pending: PendingFile | undefined;

  constructor(prepare: PrepareSql, inodes: WrittenInodes) {
    this.#prepare = prepare;
    this.#inodes = inodes;
    this.#contents = new RowBatch(prepare, "content", 4);
    this.#extents = new RowBatch(prepare, "extent", 5);
  }

  /** Takes an extent of a file, which comes behind the file's earlier ones. */
  addExtent(ino: number, extent: Extent): void {
    const { fileOffset, chunk, chunkOffset, length } = extent;
    if (fileOffset === 0 && length === this.#inodes.sizeOf(ino)) {
      const file = this.#fileOf(ino);
      file.chunk = chunk;
      file.chunkOffset = chunkOffset;
    } else {
      this.#extents.add(ino, fileOffset, chunk, chunkOffset, length);
    }
  }

  /** Takes the digest of a file, in place of an earlier one. */
  setDigest(ino: number, digest: Uint8Array): void {
    this.#fileOf(ino).digest = digest.slice();
  }

  /** Moves the place of a file's bytes to where it belongs now that the file has another size. */
  resize(ino: number, sizeBefore: number, size: number): void {
    this.flush();
    this.#run(
      `INSERT INTO extent SELECT ino, 0, chunk, chunk_offset, ? FROM content
       WHERE ino = ? AND chunk IS NOT NULL`,
      sizeBefore,
      ino,
    );
    this.#run("UPDATE content SET chunk = NULL, chunk_offset = NULL WHERE ino = ?", ino);
    this.#run(
      `INSERT INTO content SELECT ino, NULL, chunk, chunk_offset FROM extent
       WHERE ino = ? AND file_offset = 0 AND length = ?
       ON CONFLICT DO UPDATE SET chunk = excluded.chunk, chunk_offset = excluded.chunk_offset`,
      ino,
      size,
    );
    this.#run("DELETE FROM extent WHERE ino = ? AND file_offset = 0 AND length = ?", ino, size);
    this.#run("DELETE FROM content WHERE ino = ? AND digest IS NULL AND chunk IS NULL", ino);
    this.#inodes.noteContent(ino);
  }

  /** Forgets a file. @returns whether it had content. */
  remove(ino: number): boolean {
    this.flush();
    const rows = this.#run("DELETE FROM content WHERE ino = ?", ino) +
      this.#run("DELETE FROM extent WHERE ino = ?", ino);
    return rows > 0;
  }

  /** Removes chunks that no file uses. */
  dropUnusedChunks(): void {
    this.flush();
    this.#run(
      `DELETE FROM chunk WHERE chunk NOT IN (SELECT chunk FROM extent
       UNION ALL SELECT chunk FROM content WHERE chunk IS NOT NULL)`,
    );
  }

  /** Writes all that was taken. */
  flush(): void {
    this.#writePending();
    this.#contents.flush();
    this.#extents.flush();
  }

  #fileOf(ino: number): PendingFile {
    if (this.#pending?.ino === ino) return this.#pending;
    this.#writePending();
    this.#pending = { ino, digest: null, chunk: null, chunkOffset: null };
    return this.#pending;
  }

  #writePending(): void {
    if (this.#pending === undefined) return;
    const { ino, digest, chunk, chunkOffset } = this.#pending;
    this.#pending = undefined;
    if (!this.#inodes.hasContent(ino)) {
      this.#contents.add(ino, digest, chunk, chunkOffset);
      this.#inodes.noteContent(ino);
      return;
    }
    this.#contents.flush();
    this.#run(
      `INSERT INTO content VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
       digest = ifnull(excluded.digest, digest), chunk = ifnull(excluded.chunk, chunk),
       chunk_offset = ifnull(excluded.chunk_offset, chunk_offset)`,
      ino,
      digest,
      chunk,
      chunkOffset,
    );
  }

  #run(sql: string, ...parameters: (number | Uint8Array | null)[]): number {
    return Number(this.#prepare(sql).run(...parameters).changes);
  }
}
