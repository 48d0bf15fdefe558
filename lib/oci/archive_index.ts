/**
 * What lies where in a tar archive that holds an image. Only what programs write into such archives is
 * understood; the layers, which hold everything that tar can say, are read by another reader.
 *
 * @module
 */

import { ImageFormatError } from "../base/errors.ts";

/** A file in the archive. */
export interface ArchiveEntry {
  /** Where its content begins, in bytes from the start of the archive. */
  readonly offset: number;
  /** In bytes. */
  readonly size: number;
  /** The file in the archive that it stands for; undefined where it has content of its own. */
  readonly linkTarget: string | undefined;
}

const RECORD_SIZE = 512;

/** Most entries: an image has a few for each of its layers. */
const ENTRIES_MAX = 100_000;

/** Largest header of the PAX or GNU format, in bytes. */
const EXTENSION_SIZE_MAX = 1024 * 1024;

const decoder = new TextDecoder();

/**
 * Reads the headers of an archive, and skips what is between them. Of files with one name the last
 * counts, as when it is unpacked.
 *
 * @param reference The image, for errors.
 * @throws {ImageFormatError} when it is no tar archive, or a compressed one.
 */
export async function readArchiveIndex(
  reference: string,
  file: Deno.FsFile,
  signal?: AbortSignal,
): Promise<Map<string, ArchiveEntry>> {
  const refuse = (reason: string, hint?: string): ImageFormatError =>
    new ImageFormatError(reference, reason, hint === undefined ? {} : { hint });
  const { size: archiveSize } = await file.stat();
  const entries = new Map<string, ArchiveEntry>();
  const header = new Uint8Array(RECORD_SIZE);
  let extended = new Map<string, string>();
  for (let at = 0; at + RECORD_SIZE <= archiveSize;) {
    signal?.throwIfAborted();
    await file.seek(at, Deno.SeekMode.Start);
    await readFull(file, header);
    if (header.every((byte) => byte === 0)) return entries;
    if (at === 0 && isCompressed(header)) {
      throw refuse("its archive is compressed", "Decompress it first, for example with zstd -d.");
    }
    if (!hasGoodChecksum(header)) throw refuse("its archive is damaged, or no tar archive");
    const type = String.fromCharCode(header[156]!);
    const size = numberOf(extended.get("size")) ?? headerNumber(header.subarray(124, 136));
    const offset = at + RECORD_SIZE;
    if (size === undefined || offset + size > archiveSize) throw refuse("its archive is cut off");
    at = offset + Math.ceil(size / RECORD_SIZE) * RECORD_SIZE;
    if ("xgLK".includes(type)) {
      if (size > EXTENSION_SIZE_MAX) throw refuse("its archive has a header that is too large");
      const bytes = new Uint8Array(size);
      await readFull(file, bytes);
      if (type === "x") readPax(bytes, extended);
      else if (type !== "g") extended.set(type === "L" ? "path" : "linkpath", untilNul(bytes));
      continue;
    }
    const name = normalName(extended.get("path") ?? headerName(header));
    const target = extended.get("linkpath") ?? untilNul(header.subarray(157, 257));
    extended = new Map();
    const linkTarget = type === "2"
      ? relativeName(name, target)
      : type === "1"
      ? normalName(target)
      : undefined;
    if (linkTarget === undefined && !"07\0".includes(type)) continue;
    entries.set(name, { offset, size, linkTarget });
    if (entries.size > ENTRIES_MAX) throw refuse(`its archive has more than ${ENTRIES_MAX} files`);
  }
  if (entries.size === 0) throw refuse("its archive is empty, or no tar archive");
  return entries;
}

async function readFull(file: Deno.FsFile, target: Uint8Array): Promise<void> {
  for (let at = 0; at < target.length;) {
    const count = await file.read(target.subarray(at));
    if (count === null) return void target.fill(0, at);
    at += count;
  }
}

/** Whether the bytes begin as gzip, zstd, bzip2 or xz do. */
export function isCompressed(bytes: Uint8Array): boolean {
  const magic = bytes.subarray(0, 4).toHex();
  return magic.startsWith("1f8b") || magic === "28b52ffd" || magic.startsWith("425a68") ||
    magic === "fd377a58";
}

function hasGoodChecksum(header: Uint8Array): boolean {
  let sum = 0;
  for (let i = 0; i < RECORD_SIZE; i++) sum += i >= 148 && i < 156 ? 0x20 : header[i]!;
  return sum === headerNumber(header.subarray(148, 156));
}

/** An octal number, or a binary one as GNU writes those that are large; undefined where it is none. */
function headerNumber(field: Uint8Array): number | undefined {
  if ((field[0]! & 0x80) === 0) return numberOf(untilNul(field).trim(), 8);
  let value = field[0]! & 0x7f;
  for (const byte of field.subarray(1)) value = value * 256 + byte;
  return Number.isSafeInteger(value) ? value : undefined;
}

function numberOf(text: string | undefined, radix: 8 | 10 = 10): number | undefined {
  if (text === undefined || !(radix === 8 ? /^[0-7]+$/ : /^[0-9]+$/).test(text)) return undefined;
  const value = Number.parseInt(text, radix);
  return Number.isSafeInteger(value) ? value : undefined;
}

function headerName(header: Uint8Array): string {
  const name = untilNul(header.subarray(0, 100));
  const isUstar = untilNul(header.subarray(257, 263)) === "ustar";
  const prefix = isUstar ? untilNul(header.subarray(345, 500)) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

function readPax(bytes: Uint8Array, into: Map<string, string>): void {
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const length = space < 0 ? undefined : numberOf(decoder.decode(bytes.subarray(at, space)));
    if (length === undefined || length < space - at + 3) return;
    const record = decoder.decode(bytes.subarray(space + 1, at + length - 1));
    const equals = record.indexOf("=");
    if (equals > 0) into.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
}

function untilNul(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** A path without `.`, `..`, and slashes that say nothing: only a key, never opened. */
function normalName(name: string): string {
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

function relativeName(from: string, target: string): string {
  return normalName(target.startsWith("/") ? target : `${from}/../${target}`);
}
