/**
 * What the threads of an unpack say to each other.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { type Failure, MyfsError, SystemError } from "../base/errors.ts";
import type { LocalPlacement } from "../store/store.ts";
import type { Xattrs } from "../tree/tree_entry.ts";
import type { FlistCodecSetup } from "./flist_codec.ts";

/** First message to a worker. */
export interface UnpackWorkerSetup {
  /** Directory to write into. */
  readonly root: string;
  readonly codec: FlistCodecSetup;
  /** Where the blocks are when that is on this machine; else they come with the units. */
  readonly placement: LocalPlacement | undefined;
  readonly preserveOwnership: boolean;
}

/** A chunk to be opened. */
export interface SentChunk {
  readonly id: string;
  readonly key: Bytes;
  readonly size: number;
  /** The block, or why it could not be had; absent when the worker fetches it. */
  readonly block?: Bytes;
  readonly failure?: Failure;
}

/** Numbers that describe a file in {@link UnpackUnit.fields}. */
export const FILE_FIELDS = 7;

/** Numbers that describe a piece in {@link UnpackUnit.pieces}. */
export const PIECE_FIELDS = 5;

/** Some chunks and all that is to be written from them. */
export interface UnpackUnit {
  readonly chunks: readonly SentChunk[];
  /** Directories of the files, and how many of the files, in order, are in each. */
  readonly directories: readonly { readonly path: string; readonly files: number }[];
  readonly names: readonly string[];
  /** Of each file: mode, uid, gid, size, mtime, mtimeNsec, and 1 if one piece is all of it. */
  readonly fields: Float64Array;
  /** Of each piece, by chunk: chunk and file in this unit, offsets in file and chunk, length. */
  readonly pieces: Float64Array;
  /** Extended attributes of files that are whole, by their number. */
  readonly xattrs: ReadonlyMap<number, Xattrs>;
}

/** The check of the whole flist, which goes on while the first entries are made. */
export interface ValidationTask {
  /** Path of the flist. */
  readonly validate: string;
}

/** One task of a worker. */
export type UnpackTask = UnpackUnit | ValidationTask;

/** What became of an {@link UnpackUnit}. */
export interface UnpackDone {
  /** Files that could not be written, by their number in the unit. */
  readonly failures: readonly { readonly file: number; readonly failure: Failure }[];
  readonly losses: readonly { readonly what: string; readonly path: string }[];
  readonly bytesWritten: number;
  readonly blocksRead: number;
  readonly blockBytes: number;
}

/** Errors that every further file would meet too. */
const FATAL = new Set(["ENOSPC", "EDQUOT", "EROFS", "EIO", "EMFILE", "ENFILE", "ENOMEM"]);

/** Whether `error` means that nothing more can be written. */
export function isFatal(error: unknown): boolean {
  return error instanceof SystemError && FATAL.has(error.errno);
}

/** Whether `error` concerns one block, so that the files that do not need it can be written. */
export function isBlockFault(error: unknown): boolean {
  return error instanceof MyfsError &&
    (error.code === "block_not_found" || error.code === "block_corrupt");
}
