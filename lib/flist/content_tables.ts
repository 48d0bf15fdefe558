/**
 * What both profiles can tell about the content of files, whatever tables they keep it in.
 *
 * @module
 */

import type { BlockRef } from "../block/block_ref.ts";
import type { ChunkRecord, DigestRecord, Extent, ExtentRecord, Inode } from "./flist_record.ts";

/** The content of files in one flist. Everything that is answered has been checked row by row. */
export interface ContentTables {
  /** How many chunks there are. */
  chunkCount(): number;
  /** How many extents there are. */
  extentCount(): number;
  /** How many files' digests are known. */
  digestCount(): number;
  /** The block of a chunk. @throws {FlistFormatError} when there is none of that number. */
  chunk(chunk: number): BlockRef;
  /** All chunks in number order. */
  chunks(): Iterable<ChunkRecord>;
  /** The extents of a file (not of a further name of it) in file order. */
  extents(file: Inode): Extent[];
  /** The digest of a file (not of a further name of it), where it is known. */
  digest(file: number): Uint8Array | undefined;
  /** All digests in the order of their inodes. */
  digests(): Iterable<DigestRecord>;
  /** Inodes of files whose content is not all there. */
  incompleteFiles(): Iterable<number>;
  /** All extents ordered by chunk, then file, then offset. */
  extentsByChunk(): Iterable<ExtentRecord>;
  /**
   * Goes through everything in the profile's own order, for the checks that need it all.
   *
   * @param visit Called with each extent; those of one file come in file order.
   * @param visitDigest Called with each file whose digest is known.
   */
  eachExtent(visit: (extent: ExtentRecord) => void, visitDigest: (ino: number) => void): void;
}
