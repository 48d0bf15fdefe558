/**
 * The records of PAX headers (POSIX.1-2001): what does not fit into a header's fields.
 *
 * @module
 */

import { decodeByteString } from "../../base/byte_string.ts";
import type { SparseRegion } from "./tar_header.ts";

/** Records by keyword; a value may be any bytes. */
export type PaxRecords = ReadonlyMap<string, Uint8Array>;

/** What one PAX header says. */
export interface PaxHeader {
  /** The last record of each keyword. */
  readonly records: PaxRecords;
  /** Offsets and lengths in pairs, of sparse files as GNU tar 1.14 wrote them. */
  readonly sparse: readonly SparseRegion[];
}

const SPACE = 0x20;
const NEWLINE = 0x0a;
const EQUALS = 0x3d;
/** Digits of a record's length: no header is longer than that. */
const LENGTH_DIGITS_MAX = 10;

/**
 * Reads records of the form `length keyword=value\n`, the length being that of the whole record.
 *
 * @throws {SyntaxError} when `bytes` are something else.
 */
export function parsePaxHeader(bytes: Uint8Array): PaxHeader {
  const records = new Map<string, Uint8Array>();
  const sparse: SparseRegion[] = [];
  let offset: number | undefined;
  for (let at = 0; at < bytes.length;) {
    // Some fill what is left of the header with zeros.
    if (bytes[at] === 0) break;
    const space = bytes.indexOf(SPACE, at);
    const digits = space < 0 || space - at > LENGTH_DIGITS_MAX ? "" : ascii(bytes, at, space);
    const end = /^[0-9]+$/.test(digits) ? at + Number(digits) : 0;
    if (end <= space || end > bytes.length || bytes[end - 1] !== NEWLINE) {
      throw new SyntaxError("a PAX record has a wrong length");
    }
    const equals = bytes.indexOf(EQUALS, space);
    if (equals < 0 || equals >= end) throw new SyntaxError("a PAX record has no value");
    const keyword = decodeByteString(bytes.subarray(space + 1, equals));
    const value = bytes.slice(equals + 1, end - 1);
    if (keyword === "GNU.sparse.offset") offset = parsePaxNumber(value);
    else if (keyword === "GNU.sparse.numbytes") {
      if (offset === undefined) throw new SyntaxError("a PAX sparse map has a length too many");
      sparse.push({ offset, length: parsePaxNumber(value) });
      offset = undefined;
    } else records.set(keyword, value);
    at = end;
  }
  return { records, sparse };
}

/** A whole number, 0 or more. @throws {SyntaxError} when `value` is something else. */
export function parsePaxNumber(value: Uint8Array): number {
  const text = ascii(value, 0, value.length);
  if (!/^[0-9]{1,20}$/.test(text)) throw new SyntaxError("a PAX record is not a number");
  return Number(text);
}

/**
 * A time in seconds with a fraction, which counts to the nanosecond.
 *
 * @throws {SyntaxError} when `value` is something else.
 */
export function parsePaxTime(value: Uint8Array): { seconds: number; nanoseconds: number } {
  const match = /^(-?)([0-9]{1,19})(?:\.([0-9]*))?$/.exec(ascii(value, 0, value.length));
  if (match === null) throw new SyntaxError("a PAX record is not a time");
  const whole = Number(match[2]);
  const fraction = Number((match[3] ?? "").slice(0, 9).padEnd(9, "0"));
  if (match[1] === "") return { seconds: whole, nanoseconds: fraction };
  return fraction === 0
    ? { seconds: whole === 0 ? 0 : -whole, nanoseconds: 0 }
    : { seconds: -whole - 1, nanoseconds: 1_000_000_000 - fraction };
}

/** A sparse map as GNU tar 1.15 wrote it: `offset,length,offset,length…`. */
export function parsePaxSparseMap(value: Uint8Array): SparseRegion[] {
  const numbers = ascii(value, 0, value.length).split(",");
  if (numbers.length === 1 && numbers[0] === "") return [];
  if (numbers.length % 2 !== 0 || !numbers.every((number) => /^[0-9]{1,20}$/.test(number))) {
    throw new SyntaxError("a PAX sparse map is not pairs of numbers");
  }
  const regions: SparseRegion[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    regions.push({ offset: Number(numbers[i]), length: Number(numbers[i + 1]) });
  }
  return regions;
}

const SCHILY_XATTR = "SCHILY.xattr.";
const LIBARCHIVE_XATTR = "LIBARCHIVE.xattr.";

/**
 * The extended attributes among `records`, or undefined where there are none.
 *
 * @throws {SyntaxError} when one is not encoded as it should be.
 */
export function paxXattrs(records: PaxRecords): Map<string, Uint8Array> | undefined {
  let xattrs: Map<string, Uint8Array> | undefined;
  for (const [keyword, value] of records) {
    if (keyword.startsWith(SCHILY_XATTR)) {
      xattrs ??= new Map();
      // GNU tar escapes these two, because a keyword ends with the first "=".
      const name = keyword.slice(SCHILY_XATTR.length).replaceAll("%3D", "=").replaceAll("%25", "%");
      xattrs.set(name, value);
    } else if (keyword.startsWith(LIBARCHIVE_XATTR)) {
      xattrs ??= new Map();
      const name = percentDecoded(keyword.slice(LIBARCHIVE_XATTR.length));
      // libarchive writes both forms; the other is exact without decoding.
      if (!records.has(SCHILY_XATTR + name)) xattrs.set(name, base64Decoded(value));
    }
  }
  return xattrs;
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new SyntaxError("the name of an extended attribute is not percent-encoded");
  }
}

function base64Decoded(value: Uint8Array): Uint8Array {
  try {
    return Uint8Array.fromBase64(ascii(value, 0, value.length), { lastChunkHandling: "loose" });
  } catch {
    throw new SyntaxError("the value of an extended attribute is not Base64");
  }
}

function ascii(bytes: Uint8Array, start: number, end: number): string {
  return new TextDecoder("latin1").decode(bytes.subarray(start, end));
}
