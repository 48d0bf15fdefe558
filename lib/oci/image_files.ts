/**
 * Files that images are made of, in a directory or inside a tar archive, which is read in place.
 *
 * @module
 */

import { type Bytes, concatBytes } from "../base/bytes.ts";
import { ImageFormatError, ImageNotFoundError } from "../base/errors.ts";
import { asSystemError } from "../linux/errno.ts";
import { type ArchiveEntry, readArchiveIndex } from "./archive_index.ts";

/** Files by their paths, which are relative and have no `..`. */
export interface ImageFiles extends AsyncDisposable {
  /** Size of a file in bytes; undefined where there is none. */
  size(path: string): Promise<number | undefined>;
  /** The content of a file, in pieces that become the reader's. @throws {ImageNotFoundError} */
  read(path: string, signal?: AbortSignal): AsyncGenerator<Bytes, void>;
}

/** What is read at a time, in bytes. */
const PIECE_SIZE = 256 * 1024;

/** A small file as a whole. @throws {ImageFormatError} when it is larger than `sizeMax`. */
export async function readSmallFile(
  files: ImageFiles,
  reference: string,
  path: string,
  sizeMax: number,
  signal?: AbortSignal,
): Promise<Bytes> {
  const size = await files.size(path);
  if (size === undefined) throw missing(reference, path);
  if (size > sizeMax) throw new ImageFormatError(reference, `its ${path} has ${size} bytes`);
  const pieces: Bytes[] = [];
  let read = 0;
  for await (const piece of files.read(path, signal)) {
    read += piece.length;
    if (read > sizeMax) throw new ImageFormatError(reference, `its ${path} grows while it is read`);
    pieces.push(piece);
  }
  return concatBytes(pieces);
}

/** Files below a directory. */
export class DirectoryFiles implements ImageFiles {
  readonly #reference: string;
  readonly #root: string;

  /** @param reference The image, for errors. */
  constructor(reference: string, root: string) {
    this.#reference = reference;
    this.#root = root;
  }

  async size(path: string): Promise<number | undefined> {
    try {
      const { isFile, size } = await Deno.stat(`${this.#root}/${path}`);
      // To open a pipe or a device could wait for ever.
      return isFile ? size : undefined;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw asSystemError("read", `${this.#root}/${path}`, error);
    }
  }

  async *read(path: string, signal?: AbortSignal): AsyncGenerator<Bytes, void> {
    if (await this.size(path) === undefined) throw missing(this.#reference, path);
    let file: Deno.FsFile;
    try {
      file = await Deno.open(`${this.#root}/${path}`);
    } catch (error) {
      throw asSystemError("open", `${this.#root}/${path}`, error);
    }
    using _closed = file;
    yield* readPieces(file, 0, Infinity, signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** Files in a tar archive without compression. */
export class ArchiveFiles implements ImageFiles {
  readonly #reference: string;
  readonly #path: string;
  readonly #entries: ReadonlyMap<string, ArchiveEntry>;

  private constructor(
    reference: string,
    path: string,
    entries: ReadonlyMap<string, ArchiveEntry>,
  ) {
    this.#reference = reference;
    this.#path = path;
    this.#entries = entries;
  }

  /**
   * Reads the archive's headers.
   *
   * @throws {ImageNotFoundError} {ImageFormatError} when there is no such archive, or it is none.
   */
  static async open(
    reference: string,
    path: string,
    signal?: AbortSignal,
  ): Promise<ArchiveFiles> {
    let file: Deno.FsFile;
    try {
      const { isFile } = await Deno.stat(path);
      if (!isFile) throw new ImageFormatError(reference, `${path} is no file`);
      file = await Deno.open(path);
    } catch (error) {
      if (error instanceof ImageFormatError) throw error;
      if (error instanceof Deno.errors.NotFound) {
        throw new ImageNotFoundError(reference, `there is no file ${path}`);
      }
      throw asSystemError("open", path, error);
    }
    using _closed = file;
    return new ArchiveFiles(reference, path, await readArchiveIndex(reference, file, signal));
  }

  size(path: string): Promise<number | undefined> {
    return Promise.resolve(this.#find(path)?.size);
  }

  async *read(path: string, signal?: AbortSignal): AsyncGenerator<Bytes, void> {
    const entry = this.#find(path);
    if (entry === undefined) throw missing(this.#reference, path);
    using file = await Deno.open(this.#path);
    let left = entry.size;
    for await (const piece of readPieces(file, entry.offset, entry.size, signal)) {
      left -= piece.length;
      yield piece;
    }
    if (left > 0) throw new ImageFormatError(this.#reference, "its archive is cut off");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  /** Docker names a layer that two images share once, and links to it. */
  #find(path: string): ArchiveEntry | undefined {
    let entry = this.#entries.get(path);
    for (let links = 0; entry?.linkTarget !== undefined; links++) {
      // More than any program writes: a circle.
      if (links === 8) return undefined;
      entry = this.#entries.get(entry.linkTarget);
    }
    return entry;
  }
}

async function* readPieces(
  file: Deno.FsFile,
  offset: number,
  length: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Bytes, void> {
  if (offset > 0) await file.seek(offset, Deno.SeekMode.Start);
  for (let left = length; left > 0;) {
    signal?.throwIfAborted();
    const buffer = new Uint8Array(Math.min(PIECE_SIZE, left));
    const count = await file.read(buffer);
    if (count === null) return;
    left -= count;
    yield count === buffer.length ? buffer : buffer.slice(0, count);
  }
}

function missing(reference: string, path: string): ImageNotFoundError {
  return new ImageNotFoundError(reference, `it lacks the file ${path}`);
}
