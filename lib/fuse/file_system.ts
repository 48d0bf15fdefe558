/**
 * What a file system has to offer so that the kernel can mount it: read only, and never changing
 * while it is mounted.
 *
 * @module
 */

import type { DirectoryPage } from "./directory_page.ts";
import { ATTRIBUTE_WORDS } from "./wire_structs.ts";

/** Inode number of the root directory, fixed by the protocol. */
export const ROOT_INO = 1;

/** What a method returns when the answer will be written later by someone else. */
export const LATER = -1;

/** What a method returns when it has done what was asked. */
export const DONE = 0;

/**
 * A read-only file system.
 *
 * Obligations of every method:
 *
 * - It answers at once, from memory or from local files: while it runs, its device thread answers
 *   nothing else. Only {@link FileSystem.read} may put off its answer.
 * - It returns {@link DONE}, or the number of an error such as ENOENT (positive). What it throws
 *   becomes EIO and is reported; it never ends the mount.
 * - Arguments are foreign: any program may ask about any inode number, name and offset.
 * - Byte arrays that are passed in belong to the caller and are overwritten by the next request.
 *
 * One object serves one device thread; several threads have one each, over the same data. Inode
 * numbers are whole numbers from 1 (the root) to 2⁵³ and name the same inode on all threads and for
 * as long as the mount lives, across a takeover by another process too.
 */
export interface FileSystem {
  /** What the kernel is told at the start. */
  readonly features: FileSystemFeatures;

  /** Finds the entry called `name` in a directory and writes its attributes. */
  lookup(directory: number, name: Uint8Array, found: AttributeTarget): number;

  /** Writes the attributes of an inode. */
  getAttributes(ino: number, found: AttributeTarget): number;

  /**
   * Adds entries to `page` from the position `offset` on until it says that it is full, or there are
   * no more. Offset 0 is the start; others are those that earlier entries came with. A page that
   * gets no entry tells that the directory ends.
   */
  readDirectory(directory: number, offset: number, page: DirectoryPage): number;

  /** The target of a symbolic link, 1 to 4095 bytes, or an error number. */
  readLink(ino: number): Uint8Array | number;

  /**
   * Reads up to `size` bytes at `offset` into `reply`. Fewer only where the file ends.
   *
   * Returns {@link LATER} when the bytes must come from elsewhere first. It then owes an answer to
   * `reply.unique`, which anybody who has the device may write (`writeReply` of
   * `kernel_device.ts`), from any thread, exactly once.
   */
  read(ino: number, offset: number, size: number, reply: ReadReply): number;

  /**
   * The next data (`hole` false) or hole (`hole` true) from `offset` on, as SEEK_DATA and SEEK_HOLE
   * of lseek(2) define them; a negative error number where there is none. Without this method every
   * file counts as data throughout.
   */
  seek?(ino: number, offset: number, hole: boolean): number;

  /** An extended attribute's value, or an error number: ENODATA where there is no such attribute. */
  getXattr?(ino: number, name: Uint8Array): Uint8Array | number;

  /** Names of all extended attributes, each with a NUL after it, or an error number. */
  listXattr?(ino: number): Uint8Array | number;

  /** Sizes of the whole. Must not wait for anything. */
  statFileSystem(): FileSystemSize;

  /**
   * A program no longer waits for the answer to a read that was put off. It is still owed, and
   * should be EINTR, soon. The request may be another thread's, unknown, or answered already.
   */
  interrupted?(uniqueLow: number, uniqueHigh: number): void;

  /** The kernel dropped `count` references to an inode. Nothing needs to be done about it. */
  forget?(ino: number, count: number): void;

  /** The mount is gone. */
  destroyed?(): void;
}

/** What the kernel is told about a file system at the start. */
export interface FileSystemFeatures {
  /**
   * Whether any inode has extended attributes. Without, the kernel asks for them once only.
   *
   * @default {true} where the file system has `getXattr`
   */
  readonly xattrs?: boolean;
  /**
   * Whether access control lists (`system.posix_acl_access`) decide who may do what. It costs a
   * request an inode that others than its owner look at.
   *
   * @default {false}
   */
  readonly accessControlLists?: boolean;
  /**
   * Whether STATX is answered. Without, the kernel asks once and makes do with GETATTR, which knows
   * as much: no more than a time of creation, which nobody has here, sets them apart.
   *
   * @default {false}
   */
  readonly statx?: boolean;
}

/** Sizes of a whole file system, as statfs(2) has them. */
export interface FileSystemSize {
  /** Bytes of all content. */
  readonly sizeBytes: number;
  /** How many inodes there are. */
  readonly inodeCount: number;
}

/** Where the attributes of one inode are to be written. */
export class AttributeTarget {
  /** The words of the reply. */
  readonly words: Uint32Array;
  /** Index of the first of the {@link ATTRIBUTE_WORDS} words. */
  at = 0;

  constructor(words: Uint32Array) {
    this.words = words;
  }

  /** Copies attributes that were encoded before (`encodeAttributes`). */
  copyFrom(source: Uint32Array, sourceAt: number): void {
    copyWords(source, sourceAt, this.words, this.at);
  }
}

/** Copies the words of one inode's attributes. A loop, because a view would have to be allocated. */
export function copyWords(
  source: Uint32Array,
  sourceAt: number,
  target: Uint32Array,
  targetAt: number,
): void {
  for (let i = 0; i < ATTRIBUTE_WORDS; i++) target[targetAt + i] = source[sourceAt + i]!;
}

/** Where the bytes of a read are to be written, and who is waiting for them. */
export class ReadReply {
  /** The bytes of the reply. */
  readonly bytes: Uint8Array;
  /** Index of the first byte of content in `bytes`: as many as were asked for fit from there on. */
  readonly at: number;
  /** How many bytes there are. Set by the file system. */
  length = 0;
  /** The two halves of the number that names the request. */
  uniqueLow = 0;
  uniqueHigh = 0;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }
}
