/**
 * Reads a tar archive as it comes, entry by entry: ustar, the seventh edition's, GNU's, star's and
 * PAX, with sparse files of all forms. Memory is bounded whatever the archive claims.
 *
 * @module
 */

import { decodeByteString, displayByteString, encodeByteString } from "../../base/byte_string.ts";
import { ArchiveFormatError, LimitExceededError, UnsafePathError } from "../../base/errors.ts";
import {
  FILE_SIZE_MAX,
  LINK_TARGET_LENGTH_MAX,
  NAME_LENGTH_MAX,
  TREE_DEPTH_MAX,
  XATTR_NAME_LENGTH_MAX,
  XATTR_VALUE_SIZE_MAX,
} from "../../base/limits.ts";
import {
  type EntryKind,
  type EntryMetadata,
  makeDevice,
  modeOfKind,
  PERMISSION_MASK,
  type Xattrs,
} from "../tree_entry.ts";
import { ByteReader } from "./byte_reader.ts";
import {
  parsePaxHeader,
  parsePaxNumber,
  parsePaxSparseMap,
  parsePaxTime,
  type PaxHeader,
  type PaxRecords,
  paxXattrs,
} from "./pax_records.ts";
import {
  hasRightChecksum,
  isZeroBlock,
  parseGnuSparse,
  parseGnuSparseExtension,
  parseTarHeader,
  type SparseRegion,
  TAR_BLOCK_SIZE,
  type TarHeader,
} from "./tar_header.ts";

/** One entry of an archive. */
export interface TarEntry extends EntryMetadata {
  /** Path without a leading or final slash, empty for the root. A byte string. */
  readonly path: string;
  /** What it is; a hard link counts as a file. */
  readonly kind: EntryKind;
  /** Where a symbolic link points: a byte string. */
  readonly linkTarget?: string;
  /** Path of the entry that this is another name of. */
  readonly hardLinkTo?: string;
  /** Extended attributes, where there are any. */
  readonly xattrs?: Xattrs;
  /** Whether the file has holes. */
  readonly hasHoles: boolean;
}

/** How to read. */
export interface TarReaderOptions {
  /** What the archive is called in messages, escaped for display. */
  readonly name: string;
  /** Most entries. */
  readonly entriesMax: number;
  /** How many entries count before those of this archive. @default {0} */
  readonly entriesBefore?: number;
}

/** Largest PAX header or long name that is taken into memory. */
const EXTENSION_SIZE_MAX = 8 * 1024 * 1024;
/** Most headers that may stand before one entry. */
const EXTENSIONS_MAX = 16;
/** Most runs of data in a sparse file: 16 MiB of memory. */
const SPARSE_REGIONS_MAX = 1_000_000;
/** Longest number and newline in the map of a sparse file of version 1.0. */
const SPARSE_LINE_MAX = 21;

const KIND_OF_TYPE: Readonly<Record<string, EntryKind>> = {
  "\0": "file",
  "0": "file",
  "1": "file",
  "2": "symlink",
  "3": "char-device",
  "4": "block-device",
  "5": "directory",
  "6": "fifo",
  "7": "file",
  "S": "file",
  "D": "directory",
};

/** Reads one archive. */
export class TarReader implements AsyncDisposable {
  readonly #bytes: ByteReader;
  readonly #options: TarReaderOptions;
  #globals: PaxRecords = new Map();
  #entries = 0;
  /** Bytes of the entry that are still in the stream, and what fills up its last block. */
  #dataLeft = 0;
  #paddingLeft = 0;
  #regions: readonly SparseRegion[] = [];
  #path = "";

  /** @param source The archive, without compression. */
  constructor(source: AsyncIterable<Uint8Array>, options: TarReaderOptions) {
    this.#bytes = new ByteReader(source);
    this.#options = options;
  }

  /**
   * The next entry, or undefined at the end; then the stream has been read to its end. What is left
   * of the entry before is passed over.
   *
   * @throws {ArchiveFormatError} when the archive is damaged, ends early, or is none.
   * @throws {UnsafePathError} when a path leads out of the tree.
   * @throws {LimitExceededError} when there are too many entries.
   */
  async next(): Promise<TarEntry | undefined> {
    await this.#skipRest();
    const extensions = new Extensions();
    for (let headers = 0;; headers++) {
      const block = await this.#header();
      if (block === undefined) {
        if (headers > 0) throw this.#fault("it ends between two headers of one entry");
        return undefined;
      }
      if (headers > EXTENSIONS_MAX) throw this.#fault("one entry has too many headers");
      const header = this.#understand(() => parseTarHeader(block));
      switch (header.type) {
        case "x":
        case "X": {
          const bytes = await this.#extension(header);
          extensions.pax = this.#understand(() => parsePaxHeader(bytes));
          break;
        }
        case "g": {
          const bytes = await this.#extension(header);
          const { records } = this.#understand(() => parsePaxHeader(bytes));
          this.#globals = new Map([...this.#globals, ...records]);
          break;
        }
        case "L":
          extensions.name = untilZero(await this.#extension(header));
          break;
        case "K":
          extensions.linkName = untilZero(await this.#extension(header));
          break;
        case "V":
          await this.#extension(header);
          break;
        default: {
          const { name, entriesMax, entriesBefore = 0 } = this.#options;
          if (entriesBefore + ++this.#entries > entriesMax) {
            throw new LimitExceededError(
              `Cannot read ${name}: ${entriesBefore > 0 ? "with it, there are" : "it has"} more ` +
                `than ${entriesMax} entries`,
              { hint: "If it is meant to, raise the limit with --entries-max." },
            );
          }
          return await this.#entry(block, header, extensions);
        }
      }
    }
  }

  /**
   * Passes on the content of the entry that {@link next} gave: pieces in order, with the offset in
   * the file; between them are holes. Pieces are valid until `take` answers.
   */
  async readContent(
    take: (offset: number, bytes: Uint8Array) => void | Promise<void>,
  ): Promise<void> {
    for (const { offset, length } of this.#regions) {
      for (let done = 0; done < length;) {
        const piece = this.#bytes.take(length - done);
        if (piece.length === 0) {
          if (!await this.#bytes.fill()) throw this.#endsEarly();
          continue;
        }
        this.#dataLeft -= piece.length;
        const taking = take(offset + done, piece);
        if (taking !== undefined) await taking;
        done += piece.length;
      }
    }
    this.#regions = [];
  }

  /** Lets go of the stream. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bytes.close();
  }

  async #skipRest(): Promise<void> {
    const left = this.#dataLeft + this.#paddingLeft;
    this.#regions = [];
    if (left === 0) return;
    this.#dataLeft = 0;
    this.#paddingLeft = 0;
    if (await this.#bytes.skip(left) < left) throw this.#endsEarly();
  }

  /** The next block that is not of zeros, or undefined at the end of the archive. */
  async #header(): Promise<Uint8Array | undefined> {
    const isFirst = this.#bytes.position === 0;
    const block = await this.#block();
    if (block === undefined) {
      if (isFirst) throw this.#fault("it is empty");
      return undefined;
    }
    if (isZeroBlock(block)) {
      const second = await this.#block();
      if (second !== undefined && !isZeroBlock(second)) {
        throw this.#fault("there is a block of zeros between its entries");
      }
      await this.#bytes.drain();
      return undefined;
    }
    if (!hasRightChecksum(block)) {
      throw this.#fault(
        isFirst ? "it is no tar archive" : `the checksum of the header behind "${this.#shown}"` +
          " is wrong",
      );
    }
    return block;
  }

  async #block(): Promise<Uint8Array | undefined> {
    let block = this.#bytes.take(TAR_BLOCK_SIZE);
    if (block.length === TAR_BLOCK_SIZE) return block;
    const start = block;
    block = new Uint8Array(TAR_BLOCK_SIZE);
    block.set(start);
    const rest = await this.#bytes.read(TAR_BLOCK_SIZE - start.length);
    if (start.length + rest.length === 0) return undefined;
    if (start.length + rest.length < TAR_BLOCK_SIZE) throw this.#endsEarly();
    block.set(rest, start.length);
    return block;
  }

  async #extension({ size }: TarHeader): Promise<Uint8Array> {
    if (!(size >= 0 && size <= EXTENSION_SIZE_MAX)) {
      throw this.#fault(`a header of ${size} bytes stands behind "${this.#shown}"`);
    }
    const bytes = await this.#bytes.read(size);
    const padding = paddingOf(size);
    if (bytes.length < size || await this.#bytes.skip(padding) < padding) throw this.#endsEarly();
    return bytes;
  }

  async #entry(block: Uint8Array, header: TarHeader, own: Extensions): Promise<TarEntry> {
    const records = this.#globals.size === 0
      ? own.pax.records
      : new Map([...this.#globals, ...own.pax.records]);
    const text = (keyword: string): string | undefined => {
      const value = records.get(keyword);
      return value === undefined || value.length === 0 ? undefined : decodeByteString(value);
    };
    const number = (keyword: string): number | undefined => {
      const value = records.get(keyword);
      return value === undefined || value.length === 0
        ? undefined
        : this.#understand(() => parsePaxNumber(value));
    };
    const rawPath = text("GNU.sparse.name") ?? text("path") ?? own.name ?? header.name;
    this.#path = rawPath;
    const path = normalPath(rawPath);
    this.#path = path;
    const kind = this.#kindOf(header.type, rawPath);
    const hasData = kind === "file" && header.type !== "1" || header.type === "D";
    const storedSize = hasData ? number("size") ?? header.size : 0;
    if (!(storedSize >= 0 && storedSize <= FILE_SIZE_MAX)) {
      throw this.#fault(`"${this.#shown}" claims a size of ${storedSize} bytes`);
    }
    this.#dataLeft = storedSize;
    this.#paddingLeft = paddingOf(storedSize);
    const sparse = kind === "file" && hasData
      ? await this.#sparse(block, header, records, own.pax)
      : undefined;
    const isFile = kind === "file" && header.type !== "1";
    const size = !isFile ? 0 : sparse?.realSize ?? storedSize;
    if (isFile) this.#regions = sparse?.regions ?? [{ offset: 0, length: storedSize }];
    if (sparse !== undefined) this.#checkRegions(sparse.regions, size);

    const linkName = text("linkpath") ?? own.linkName ?? header.linkName;
    const { seconds, nanoseconds } = this.#time(records.get("mtime"), header.mtime);
    const isDevice = kind === "char-device" || kind === "block-device";
    const major = number("SCHILY.devmajor") ?? header.deviceMajor;
    const minor = number("SCHILY.devminor") ?? header.deviceMinor;
    const xattrs = this.#understand(() => paxXattrs(records));
    const entry: TarEntry = {
      path,
      kind,
      mode: modeOfKind(kind) + (header.mode & PERMISSION_MASK),
      uid: number("uid") ?? header.uid,
      gid: number("gid") ?? header.gid,
      size: kind === "symlink" ? encodeByteString(linkName).length : size,
      mtime: seconds,
      mtimeNsec: nanoseconds,
      rdev: isDevice ? makeDevice(major, minor) : 0,
      hasHoles: sparse !== undefined && holes(sparse.regions, size),
      ...(kind === "symlink" ? { linkTarget: linkName } : {}),
      ...(header.type === "1" ? { hardLinkTo: normalPath(linkName) } : {}),
      ...(xattrs === undefined ? {} : { xattrs }),
    };
    this.#check(entry);
    return entry;
  }

  #kindOf(type: string, path: string): EntryKind {
    const kind = KIND_OF_TYPE[type];
    if (kind === undefined) {
      const shown = displayByteString(type);
      throw this.#fault(
        type === "M"
          ? `"${this.#shown}" carries on from another volume`
          : `"${this.#shown}" is of the unknown type "${shown}"`,
      );
    }
    // The seventh edition had no type for directories.
    return kind === "file" && type !== "1" && path.endsWith("/") ? "directory" : kind;
  }

  #time(
    record: Uint8Array | undefined,
    mtime: number,
  ): { seconds: number; nanoseconds: number } {
    if (record === undefined || record.length === 0) return { seconds: mtime, nanoseconds: 0 };
    return this.#understand(() => parsePaxTime(record));
  }

  /** The map of a sparse file, where the entry is one. */
  async #sparse(
    block: Uint8Array,
    header: TarHeader,
    records: PaxRecords,
    pax: PaxHeader,
  ): Promise<{ regions: readonly SparseRegion[]; realSize: number } | undefined> {
    const realSizeOf = (keyword: string): number | undefined => {
      const value = records.get(keyword);
      return value === undefined ? undefined : this.#understand(() => parsePaxNumber(value));
    };
    if (header.type === "S") {
      const first = this.#understand(() => parseGnuSparse(block));
      const regions = [...first.regions];
      for (let more = first.more; more;) {
        const next = await this.#block();
        if (next === undefined) throw this.#endsEarly();
        const part = this.#understand(() => parseGnuSparseExtension(next));
        regions.push(...part.regions);
        if (regions.length > SPARSE_REGIONS_MAX) throw this.#tooManyRegions();
        more = part.more;
      }
      return { regions, realSize: first.realSize };
    }
    if (records.has("GNU.sparse.major")) {
      const version = ["GNU.sparse.major", "GNU.sparse.minor"].map((each) => realSizeOf(each) ?? 0);
      const realSize = realSizeOf("GNU.sparse.realsize");
      if (version.join(".") !== "1.0" || realSize === undefined) {
        throw this.#fault(`"${this.#shown}" is sparse in an unknown way`);
      }
      return { regions: await this.#leadingMap(), realSize };
    }
    const realSize = realSizeOf("GNU.sparse.size");
    if (realSize === undefined) return undefined;
    const map = records.get("GNU.sparse.map");
    const regions = map === undefined ? pax.sparse : this.#understand(() => parsePaxSparseMap(map));
    if (regions.length > SPARSE_REGIONS_MAX) throw this.#tooManyRegions();
    return { regions, realSize };
  }

  /** A map that stands before the data: decimal numbers, a line each, to the end of a block. */
  async #leadingMap(): Promise<SparseRegion[]> {
    let line = "";
    let block: Uint8Array = new Uint8Array(0);
    let at = 0;
    const nextNumber = async (): Promise<number> => {
      line = "";
      while (true) {
        if (at === block.length) {
          if (this.#dataLeft < TAR_BLOCK_SIZE) {
            throw this.#fault(`the sparse map of "${this.#shown}" does not fit into its data`);
          }
          const next = await this.#block();
          if (next === undefined) throw this.#endsEarly();
          this.#dataLeft -= TAR_BLOCK_SIZE;
          block = next.slice();
          at = 0;
        }
        const byte = block[at++]!;
        if (byte === 0x0a) break;
        line += String.fromCharCode(byte);
        if (line.length > SPARSE_LINE_MAX) break;
      }
      if (!/^[0-9]{1,20}$/.test(line)) {
        throw this.#fault(`the sparse map of "${this.#shown}" is not of numbers`);
      }
      return Number(line);
    };
    const count = await nextNumber();
    if (count > SPARSE_REGIONS_MAX) throw this.#tooManyRegions();
    const regions: SparseRegion[] = [];
    for (let i = 0; i < count; i++) {
      regions.push({ offset: await nextNumber(), length: await nextNumber() });
    }
    return regions;
  }

  #checkRegions(regions: readonly SparseRegion[], size: number): void {
    let end = 0;
    let data = 0;
    for (const { offset, length } of regions) {
      if (!(offset >= end && length >= 0 && offset + length <= size)) {
        throw this.#fault(`the sparse map of "${this.#shown}" is not in order`);
      }
      end = offset + length;
      data += length;
    }
    if (data !== this.#dataLeft) {
      throw this.#fault(`the sparse map of "${this.#shown}" does not fit its data`);
    }
  }

  #check(entry: TarEntry): void {
    const { uid, gid, size, mtime, rdev, linkTarget, xattrs } = entry;
    const fault = (what: string): ArchiveFormatError => this.#fault(`"${this.#shown}" has ${what}`);
    if (!(uid >= 0 && uid <= 0xffff_ffff)) throw fault(`the owner ${uid}`);
    if (!(gid >= 0 && gid <= 0xffff_ffff)) throw fault(`the group ${gid}`);
    if (!(size >= 0 && size <= FILE_SIZE_MAX)) throw fault(`a size of ${size} bytes`);
    if (!Number.isSafeInteger(mtime)) throw fault(`the time ${mtime}`);
    if (!(rdev >= 0 && rdev <= Number.MAX_SAFE_INTEGER)) throw fault(`the device number ${rdev}`);
    if (linkTarget !== undefined) {
      if (linkTarget === "" || linkTarget.includes("\0") || size > LINK_TARGET_LENGTH_MAX) {
        throw fault("a link target that is empty, too long or holds a NUL byte");
      }
    }
    for (const [name, value] of xattrs ?? []) {
      const length = encodeByteString(name).length;
      if (
        length === 0 || length > XATTR_NAME_LENGTH_MAX || name.includes("\0") ||
        value.length > XATTR_VALUE_SIZE_MAX
      ) throw fault("an extended attribute that no file can have");
    }
  }

  #understand<Result>(parse: () => Result): Result {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw this.#fault(`${error.message} (behind "${this.#shown}")`);
    }
  }

  get #shown(): string {
    return displayByteString(this.#path);
  }

  #fault(reason: string): ArchiveFormatError {
    return new ArchiveFormatError(this.#options.name, reason);
  }

  #endsEarly(): ArchiveFormatError {
    if (this.#shown === "") return this.#fault("it is too short to be a tar archive");
    return this.#fault(`it ends early, in or behind "${this.#shown}"`);
  }

  #tooManyRegions(): ArchiveFormatError {
    return this.#fault(`"${this.#shown}" has more than ${SPARSE_REGIONS_MAX} runs of data`);
  }
}

/** What headers before an entry's own say of it. */
class Extensions {
  pax: PaxHeader = { records: new Map(), sparse: [] };
  name: string | undefined;
  linkName: string | undefined;
}

/**
 * `path` as it counts in a tree: without `.`, empty components, leading and final slashes, as tar
 * does it.
 *
 * @throws {UnsafePathError} when it has `..` or a NUL byte, or more or longer names than a tree can
 * have.
 */
export function normalPath(path: string): string {
  const isPlain = path !== "" && !path.includes("//") && !path.includes("./") &&
    !path.startsWith("/") && !path.endsWith("/") && !path.endsWith(".") && !path.includes("\0") &&
    path.length < NAME_LENGTH_MAX / 3;
  if (isPlain) return path;
  if (path.includes("\0")) throw unsafe(path, "it holds a NUL byte");
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  if (names.length > TREE_DEPTH_MAX) throw unsafe(path, "it is too deep");
  for (const name of names) {
    if (name === "..") throw unsafe(path, 'it holds ".."');
    if (name.length > NAME_LENGTH_MAX / 3 && encodeByteString(name).length > NAME_LENGTH_MAX) {
      throw unsafe(path, `a name in it has more than ${NAME_LENGTH_MAX} bytes`);
    }
  }
  return names.join("/");
}

const PATH_SHOWN_MAX = 200;

function unsafe(path: string, reason: string): UnsafePathError {
  const shown = path.length > PATH_SHOWN_MAX ? `${path.slice(0, PATH_SHOWN_MAX)}…` : path;
  return new UnsafePathError(displayByteString(shown), reason);
}

function untilZero(bytes: Uint8Array): string {
  const zero = bytes.indexOf(0);
  return decodeByteString(zero < 0 ? bytes : bytes.subarray(0, zero));
}

function paddingOf(size: number): number {
  const over = size % TAR_BLOCK_SIZE;
  return over === 0 ? 0 : TAR_BLOCK_SIZE - over;
}

function holes(regions: readonly SparseRegion[], size: number): boolean {
  let data = 0;
  for (const { length } of regions) data += length;
  return data < size;
}
