/**
 * One header block of a tar archive: 512 bytes (POSIX.1-1988 ustar, and what GNU tar, star and the
 * seventh edition made of it).
 *
 * @module
 */

import { decodeByteString } from "../../base/byte_string.ts";

/** Everything in a tar archive comes in blocks of this many bytes. */
export const TAR_BLOCK_SIZE = 512;

/** Fields of a header as they stand there. */
export interface TarHeader {
  /** Name with its prefix: a byte string. */
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  /** One character that says what the entry is. */
  readonly type: string;
  readonly linkName: string;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

/** Where the fields lie: start and end. */
const NAME = [0, 100] as const;
const MODE = [100, 108] as const;
const UID = [108, 116] as const;
const GID = [116, 124] as const;
const SIZE = [124, 136] as const;
const MTIME = [136, 148] as const;
const CHECKSUM = [148, 156] as const;
const TYPE_AT = 156;
const LINK_NAME = [157, 257] as const;
const MAGIC = [257, 263] as const;
const DEVICE_MAJOR = [329, 337] as const;
const DEVICE_MINOR = [337, 345] as const;
const PREFIX = [345, 500] as const;
/** star keeps times behind a shorter prefix, and says so at the end of the block. */
const STAR_PREFIX = [345, 476] as const;
const STAR_MAGIC = [508, 512] as const;

/** GNU's old form of sparse files keeps the first pieces of its map in the header. */
const GNU_SPARSE_AT = 386;
const GNU_SPARSE_COUNT = 4;
const GNU_SPARSE_MORE_AT = 482;
const GNU_REAL_SIZE = [483, 495] as const;
const EXTENSION_COUNT = 21;
const EXTENSION_MORE_AT = 504;
const SPARSE_FIELD_SIZE = 12;

/** Whether `block` holds zeros only: the end of an archive. */
export function isZeroBlock(block: Uint8Array): boolean {
  for (let i = 0; i < block.length; i++) if (block[i] !== 0) return false;
  return true;
}

/** Whether the header's checksum is right, with bytes summed as unsigned or, as some do, signed. */
export function hasRightChecksum(block: Uint8Array): boolean {
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < TAR_BLOCK_SIZE; i++) {
    const byte = i >= CHECKSUM[0] && i < CHECKSUM[1] ? 0x20 : block[i]!;
    unsigned += byte;
    signed += byte >= 0x80 ? byte - 0x100 : byte;
  }
  const stored = parseNumber(block, ...CHECKSUM);
  return stored === unsigned || stored === signed;
}

/**
 * The fields of `block`.
 *
 * @throws {SyntaxError} when a number in it is not one.
 */
export function parseTarHeader(block: Uint8Array): TarHeader {
  const type = String.fromCharCode(block[TYPE_AT]!);
  const name = parseText(block, ...NAME);
  const magic = parseText(block, ...MAGIC);
  // GNU's own magic is "ustar  ": it uses the place of the prefix for other things.
  const isUstar = magic === "ustar";
  const isStar = isUstar && parseText(block, ...STAR_MAGIC) === "tar";
  const [prefixStart, prefixEnd] = isStar ? STAR_PREFIX : PREFIX;
  const prefix = isUstar ? parseText(block, prefixStart, prefixEnd) : "";
  const isDevice = type === "3" || type === "4";
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    mode: parseNumber(block, ...MODE),
    uid: parseNumber(block, ...UID),
    gid: parseNumber(block, ...GID),
    size: parseNumber(block, ...SIZE),
    mtime: parseNumber(block, ...MTIME),
    type,
    linkName: parseText(block, ...LINK_NAME),
    deviceMajor: isDevice ? parseNumber(block, ...DEVICE_MAJOR) : 0,
    deviceMinor: isDevice ? parseNumber(block, ...DEVICE_MINOR) : 0,
  };
}

/** A run of data in a sparse file. */
export interface SparseRegion {
  readonly offset: number;
  readonly length: number;
}

/** The part of a sparse map that a block holds. */
export interface SparsePart {
  readonly regions: readonly SparseRegion[];
  /** Whether another block of the map follows. */
  readonly more: boolean;
}

/** What an old GNU header (type `S`) says of the file's map, and of its size with holes. */
export function parseGnuSparse(block: Uint8Array): SparsePart & { readonly realSize: number } {
  return {
    regions: parseRegions(block, GNU_SPARSE_AT, GNU_SPARSE_COUNT),
    more: block[GNU_SPARSE_MORE_AT] !== 0,
    realSize: parseNumber(block, ...GNU_REAL_SIZE),
  };
}

/** What a block says that carries on an old GNU map. */
export function parseGnuSparseExtension(block: Uint8Array): SparsePart {
  return {
    regions: parseRegions(block, 0, EXTENSION_COUNT),
    more: block[EXTENSION_MORE_AT] !== 0,
  };
}

function parseRegions(block: Uint8Array, start: number, count: number): SparseRegion[] {
  const regions: SparseRegion[] = [];
  for (let i = 0; i < count; i++) {
    const at = start + i * 2 * SPARSE_FIELD_SIZE;
    if (block[at] === 0) break;
    const middle = at + SPARSE_FIELD_SIZE;
    regions.push({
      offset: parseNumber(block, at, middle),
      length: parseNumber(block, middle, middle + SPARSE_FIELD_SIZE),
    });
  }
  return regions;
}

function parseText(block: Uint8Array, start: number, end: number): string {
  const zero = block.indexOf(0, start);
  return decodeByteString(block.subarray(start, zero < 0 || zero > end ? end : zero));
}

/**
 * A number of a header: octal digits, or binary, big-endian two's complement behind a set first bit.
 * What no JavaScript number holds exactly is still about as large, and for the caller to refuse.
 */
function parseNumber(block: Uint8Array, start: number, end: number): number {
  const first = block[start]!;
  if (first >= 0x80) {
    const isNegative = (first & 0x40) !== 0;
    let value = isNegative ? -1 : 0;
    for (let i = start; i < end; i++) {
      const byte = i > start ? block[i]! : isNegative ? first : first & 0x7f;
      value = i === start && isNegative ? byte - 0x100 : value * 0x100 + byte;
    }
    return value;
  }
  let value = 0;
  let at = start;
  while (at < end && block[at] === 0x20) at++;
  for (; at < end; at++) {
    const byte = block[at]!;
    if (byte === 0 || byte === 0x20) break;
    if (byte < 0x30 || byte > 0x37) {
      throw new SyntaxError(`byte ${at} of the header is not an octal digit`);
    }
    value = value * 8 + byte - 0x30;
  }
  return value;
}
