/**
 * What a flist holds, as plain records.
 *
 * @module
 */

import type { BlockRef } from "../block/block_ref.ts";
import type { EntryKind, EntryMetadata, Xattrs } from "../tree/tree_entry.ts";

/** Number of the root directory's inode. */
export const ROOT_INO = 1;

/** One entry on its way into a flist. */
export interface InodeRecord extends EntryMetadata {
  /** Inode of the directory that holds it; 0 for the root. */
  readonly parent: number;
  /** Its name, a byte string; empty for the root. */
  readonly name: string;
  /** Where a symbolic link points, a byte string. Needed for symbolic links, refused for others. */
  readonly linkTarget?: string;
  /** Extended attributes. */
  readonly xattrs?: Xattrs;
  /**
   * Inode, added before, that this is another name of. Content, link target and extended
   * attributes are then the first name's, and so is the metadata when the flist is finished.
   */
  readonly hardLinkTo?: number;
}

/** One entry as a flist has it. */
export interface Inode extends EntryMetadata {
  /** Its number: 1 for the root, more than its parent's for all others. */
  readonly ino: number;
  /** Number of the directory that holds it; 0 for the root. */
  readonly parent: number;
  /** Its name, a byte string; empty for the root. */
  readonly name: string;
  /** What it is. */
  readonly kind: EntryKind;
  /** Where a symbolic link points, a byte string. */
  readonly linkTarget?: string;
  /** Inode of the first name, where this is another name of the same file. */
  readonly hardLinkTo?: number;
}

/** Which bytes of a file lie where in which chunk. */
export interface Extent {
  /** First byte within the file. */
  readonly fileOffset: number;
  /** Number of the chunk. */
  readonly chunk: number;
  /** First byte within the chunk. */
  readonly chunkOffset: number;
  /** How many bytes, 1 or more. */
  readonly length: number;
}

/** An extent and the file it belongs to. */
export interface ExtentRecord extends Extent {
  /** Inode of the file. */
  readonly ino: number;
}

/** A chunk's number and what finds and opens its block. */
export interface ChunkRecord {
  /** Its number, 1 or more. */
  readonly chunk: number;
  /** Its block. */
  readonly ref: BlockRef;
}

/** Digest of a whole file. */
export interface DigestRecord {
  /** Inode of the file. */
  readonly ino: number;
  /** BLAKE3-256 of the content, 32 bytes. */
  readonly digest: Uint8Array;
}

/** A range of block ids and a store that has those blocks. Ranges may overlap: replicas. */
export interface Route {
  /** Lowest first byte of a block id, 0 to 255. */
  readonly start: number;
  /** Highest first byte of a block id, 0 to 255, inclusive. */
  readonly end: number;
  /** URL of the store. */
  readonly url: string;
}

/** How many rows of each kind a flist has. */
export interface FlistCounts {
  /** Entries, the root among them. */
  readonly inodes: number;
  /** Chunks. */
  readonly chunks: number;
  /** Extents. */
  readonly extents: number;
  /** Files whose digest is known. */
  readonly digests: number;
  /** Extended attributes. */
  readonly xattrs: number;
  /** Names of files beyond their first. */
  readonly hardLinks: number;
}
