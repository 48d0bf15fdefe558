/**
 * One reply to READDIR or READDIRPLUS, filled entry by entry.
 *
 * @module
 */

import { copyWords } from "./file_system.ts";
import { ATTR, DIRENT, ENTRY_OUT, setUint64 } from "./wire_structs.ts";

/** Length of an entry's attributes in READDIRPLUS, in words. */
const ENTRY_WORDS = ENTRY_OUT.size / 4;
const ATTRIBUTES_AT = ENTRY_OUT.at.attr / 4;
const DIRENT_WORDS = DIRENT.size / 4;
const OFFSET_AT = DIRENT.at.off / 4;
const NAME_LENGTH_AT = DIRENT.at.namelen / 4;
const TYPE_AT = DIRENT.at.type / 4;
/** The bits of st_mode that say the type, and how far to shift them for d_type of readdir(3). */
const TYPE_SHIFT = 12;
const DIRECTORY_TYPE = 4;
/** Index of the mode among the words of attributes. */
const MODE_AT = ATTR.at.mode / 4;
const DOTS = new TextEncoder().encode("..");

/** Entries of a directory, in a reply buffer that is used again for every request. */
export class DirectoryPage {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  /** Seconds that the kernel may keep names and attributes. */
  readonly #validSeconds: number;
  #start = 0;
  #at = 0;
  #end = 0;
  /** Whether entries come with attributes (READDIRPLUS). */
  hasAttributes = false;

  /** @param bytes The reply; starts at a multiple of 8 bytes of its buffer. */
  constructor(bytes: Uint8Array, words: Uint32Array, validSeconds: number) {
    this.#bytes = bytes;
    this.#words = words;
    this.#validSeconds = validSeconds;
  }

  /** Begins a page of at most `size` bytes at byte `at` of the reply. */
  begin(at: number, size: number, hasAttributes: boolean): void {
    this.#start = at;
    this.#at = at;
    this.#end = at + size;
    this.hasAttributes = hasAttributes;
  }

  /** Bytes that the entries take. */
  get length(): number {
    return this.#at - this.#start;
  }

  /**
   * Adds an entry: the `nameLength` bytes (1 to 255, no slash) from `nameAt` on of `name`, the
   * attributes of its inode (`encodeAttributes`), and the offset at which reading goes on after it.
   *
   * @returns false when it does not fit: nothing was added then, and nothing will fit.
   */
  add(
    name: Uint8Array,
    nameAt: number,
    nameLength: number,
    attributes: Uint32Array,
    attributesAt: number,
    nextOffset: number,
  ): boolean {
    const words = this.#words;
    const length = this.#entryLength(nameLength);
    if (this.#at + length > this.#end) return false;
    let at = this.#at / 4;
    const inoLow = attributes[attributesAt]!;
    const inoHigh = attributes[attributesAt + 1]!;
    if (this.hasAttributes) {
      words[at] = inoLow;
      words[at + 1] = inoHigh;
      words[at + 2] = 0;
      words[at + 3] = 0;
      words[at + 4] = this.#validSeconds;
      words[at + 5] = 0;
      words[at + 6] = this.#validSeconds;
      words[at + 7] = 0;
      words[at + 8] = 0;
      words[at + 9] = 0;
      copyWords(attributes, attributesAt, words, at + ATTRIBUTES_AT);
      at += ENTRY_WORDS;
    }
    words[at] = inoLow;
    words[at + 1] = inoHigh;
    const type = attributes[attributesAt + MODE_AT]! >>> TYPE_SHIFT;
    this.#finish(at, name, nameAt, nameLength, type, nextOffset);
    return true;
  }

  /** Adds `.` (`dots` 1) or `..` (2) with the number of the directory that it means. */
  addDots(dots: 1 | 2, ino: number, nextOffset: number): boolean {
    const length = this.#entryLength(dots);
    if (this.#at + length > this.#end) return false;
    let at = this.#at / 4;
    if (this.hasAttributes) {
      // A node id of 0 says that there are no attributes here. The kernel wants none for these.
      this.#words.fill(0, at, at + ENTRY_WORDS);
      at += ENTRY_WORDS;
    }
    setUint64(this.#words, at, ino);
    this.#finish(at, DOTS, 0, dots, DIRECTORY_TYPE, nextOffset);
    return true;
  }

  #entryLength(nameLength: number): number {
    const fixed = this.hasAttributes ? ENTRY_OUT.size + DIRENT.size : DIRENT.size;
    return (fixed + nameLength + 7) & ~7;
  }

  #finish(
    at: number,
    name: Uint8Array,
    nameAt: number,
    nameLength: number,
    type: number,
    nextOffset: number,
  ): void {
    const words = this.#words;
    setUint64(words, at + OFFSET_AT, nextOffset);
    words[at + NAME_LENGTH_AT] = nameLength;
    words[at + TYPE_AT] = type;
    const bytes = this.#bytes;
    let to = (at + DIRENT_WORDS) * 4;
    for (let i = 0; i < nameLength; i++) bytes[to++] = name[nameAt + i]!;
    while ((to & 7) !== 0) bytes[to++] = 0;
    this.#at = to;
  }
}
