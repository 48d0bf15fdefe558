/**
 * What a writer remembers of the inodes it wrote, so that it can refuse what does not fit without
 * asking the database: 27 bytes a piece.
 *
 * @module
 */

import type { EntryKind } from "../tree/tree_entry.ts";

const KINDS: readonly EntryKind[] = [
  "file",
  "directory",
  "symlink",
  "fifo",
  "socket",
  "char-device",
  "block-device",
];

/** Bits beside the kind's index. */
const KIND_BITS = 0x0f;
const PRESENT = 0x10;
const FURTHER_NAME = 0x20;
const HAS_DIGEST = 0x40;
const HAS_CONTENT = 0x80;

/** How many inodes there is room for at first. */
const ROOM_FIRST = 1024;

/** Inodes by number, counting from 1. */
export class WrittenInodes {
  #states = new Uint8Array(ROOM_FIRST);
  #depths = new Uint16Array(ROOM_FIRST);
  #sizes = new Float64Array(ROOM_FIRST);
  /** Where the last extent ends, and how many bytes extents cover. */
  #ends = new Float64Array(ROOM_FIRST);
  #covered = new Float64Array(ROOM_FIRST);
  #last = 0;
  readonly #targets = new Map<number, number>();

  /** Adds an inode to the directory `parent`, 0 for the root. @returns its number. */
  add(parent: number, kind: EntryKind, size: number): number {
    const ino = ++this.#last;
    if (ino === this.#states.length) this.#grow();
    this.#depths[ino] = parent === 0 ? 0 : this.#depths[parent]! + 1;
    this.#states[ino] = KINDS.indexOf(kind) | PRESENT;
    this.#sizes[ino] = size;
    return ino;
  }

  /** Makes an inode a further name of `target`. */
  link(ino: number, target: number): void {
    this.#states[ino]! |= FURTHER_NAME;
    this.#targets.set(ino, target);
  }

  /** How many directories lie between an inode and the root, which is at 0. */
  depthOf(ino: number): number {
    return this.#depths[ino]!;
  }

  /** Forgets an inode. Its number is not given again. */
  remove(ino: number): void {
    this.#states[ino] = 0;
    this.#targets.delete(ino);
  }

  /** How many numbers were given. */
  get last(): number {
    return this.#last;
  }

  /** The kind of an inode, or undefined where there is none. */
  kindOf(ino: number): EntryKind | undefined {
    const state = this.#states[ino] ?? 0;
    return (state & PRESENT) === 0 ? undefined : KINDS[state & KIND_BITS];
  }

  /** Whether an inode is a hard link to another. */
  isFurtherName(ino: number): boolean {
    return (this.#states[ino]! & FURTHER_NAME) !== 0;
  }

  /** Hard links and the inodes they are further names of, in the order they were added. */
  hardLinks(): ReadonlyMap<number, number> {
    return this.#targets;
  }

  /** Size that an inode is to have. */
  sizeOf(ino: number): number {
    return this.#sizes[ino]!;
  }

  /** Changes the size of an inode. */
  setSize(ino: number, size: number): void {
    this.#sizes[ino] = size;
  }

  /** Remembers that a file has a digest. */
  noteDigest(ino: number): void {
    this.#states[ino]! |= HAS_DIGEST;
  }

  /** Whether a file may have a row that says where its content is. */
  hasContent(ino: number): boolean {
    return (this.#states[ino]! & HAS_CONTENT) !== 0;
  }

  noteContent(ino: number): void {
    this.#states[ino]! |= HAS_CONTENT;
  }

  /** Where the last extent of a file ends. */
  endOf(ino: number): number {
    return this.#ends[ino]!;
  }

  /** Remembers an extent behind all others of its file. */
  cover(ino: number, fileOffset: number, length: number): void {
    this.#ends[ino] = fileOffset + length;
    this.#covered[ino]! += length;
  }

  /**
   * The first inode whose content does not agree with its size, and how.
   *
   * @param whole Whether holes are not allowed.
   */
  contentFault(whole: boolean): { readonly ino: number; readonly reason: string } | undefined {
    for (let ino = 1; ino <= this.#last; ino++) {
      if (this.kindOf(ino) !== "file" || this.isFurtherName(ino)) continue;
      const [size, end, covered] = [this.#sizes[ino]!, this.#ends[ino]!, this.#covered[ino]!];
      const has = `its extents cover ${covered} bytes up to ${end}, its size is ${size}`;
      if (end > size) return { ino, reason: has };
      if (covered === size) continue;
      if (whole) return { ino, reason: `${has}, and the rfs profile has no holes` };
      if ((this.#states[ino]! & HAS_DIGEST) !== 0) {
        return { ino, reason: `${has}, and a file with holes has no digest` };
      }
    }
    return undefined;
  }

  #grow(): void {
    const room = this.#states.length * 2;
    const states = new Uint8Array(room);
    states.set(this.#states);
    this.#states = states;
    const depths = new Uint16Array(room);
    depths.set(this.#depths);
    this.#depths = depths;
    this.#sizes = widened(this.#sizes, room);
    this.#ends = widened(this.#ends, room);
    this.#covered = widened(this.#covered, room);
  }
}

function widened(numbers: Float64Array, room: number): Float64Array<ArrayBuffer> {
  const wider = new Float64Array(room);
  wider.set(numbers);
  return wider;
}
