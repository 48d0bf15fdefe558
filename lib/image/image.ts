/**
 * An image: a flist and the stores that hold its blocks, read without unpacking it.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { displayByteString } from "../base/byte_string.ts";
import { forEachBounded } from "../base/concurrency.ts";
import { MyfsError, PathNotFoundError } from "../base/errors.ts";
import type { BlockCodec } from "../block/block_codec.ts";
import type { Profile } from "../block/profile.ts";
import { FlistReader, type Inode, type Route } from "../flist/flist_reader.ts";
import { ROOT_INO } from "../flist/flist_record.ts";
import { joinPath } from "../tree/directory_source.ts";
import type { TreeEntry, Xattrs } from "../tree/tree_entry.ts";
import { ChunkCache } from "./chunk_cache.ts";
import { codecSetupOf, openFlistCodec } from "./flist_codec.ts";
import { normalizePath, resolveInode } from "./image_paths.ts";
import { type ReadStoreOptions, type UsedStore, useStoreOf } from "./image_stores.ts";

/** How to open an image. */
export type OpenImageOptions = ReadStoreOptions;

/** An entry of an image. */
export interface ImageEntry extends TreeEntry {
  /** Inode number in the flist: the same for all names of an inode. */
  readonly ino: number;
  /** BLAKE3-256 of the content, where the flist knows it. */
  readonly digest?: Uint8Array;
}

/** How to read content. */
export interface ReadOptions {
  /** Stops the reading. */
  readonly signal?: AbortSignal;
}

/** How many chunks one read fetches at a time, which hides the latency of a store far away. */
const CHUNKS_READ_AT_ONCE = 8;

/** Bytes that a stream reads ahead of its reader. */
const STREAM_PART_SIZE = 1024 * 1024;

/**
 * Opens the image whose flist is `meta`. The stores are opened when content is first read, so that
 * looking around needs the flist alone.
 *
 * @throws {FlistNotFoundError} when there is no such file.
 * @throws {FlistFormatError} when it is no flist.
 *
 * @example
 * ```ts
 * import { openImage, packDirectory } from "myfs";
 *
 * const folder = await Deno.makeTempDir();
 * await Deno.mkdir(`${folder}/tree/docs`, { recursive: true });
 * await Deno.writeTextFile(`${folder}/tree/docs/hello.txt`, "hello");
 * await packDirectory(`${folder}/tree`, {
 *   meta: `${folder}/hello.fl`,
 *   store: `dir://${folder}/blocks`,
 * });
 * {
 *   await using image = await openImage(`${folder}/hello.fl`);
 *   const paths = [];
 *   for await (const entry of image.walk()) paths.push(entry.path);
 *   console.assert(paths.join() === ",docs,docs/hello.txt");
 *   const content = await image.readFile("docs/hello.txt");
 *   console.assert(new TextDecoder().decode(content) === "hello");
 * }
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export function openImage(meta: string, options: OpenImageOptions = {}): Promise<Image> {
  return Promise.try(() => new Image(FlistReader.open(meta), options));
}

/** An open image. Paths are byte strings: names joined by `/`, empty for the root. */
export class Image implements AsyncDisposable {
  readonly #flist: FlistReader;
  readonly #options: OpenImageOptions;
  readonly #chunks: ChunkCache;
  readonly #codec: BlockCodec;
  #used: Promise<UsedStore> | undefined;
  #xattrOwners: ReadonlySet<number> | undefined;

  /** Use {@link openImage}. The image closes `flist` when it is closed. */
  constructor(flist: FlistReader, options: OpenImageOptions) {
    this.#flist = flist;
    this.#options = options;
    this.#codec = openFlistCodec(codecSetupOf(flist));
    this.#chunks = new ChunkCache((chunk) => this.#loadChunk(chunk));
  }

  /** Path of the flist. */
  get meta(): string {
    return this.#flist.path;
  }

  /** How its blocks and metadata are made. */
  get profile(): Profile {
    return this.#flist.profile;
  }

  /** What its maker wrote about it. */
  get tags(): ReadonlyMap<string, string> {
    return this.#flist.tags();
  }

  /** Where its blocks are. */
  get routes(): readonly Route[] {
    return this.#flist.routes();
  }

  /**
   * The entry at `path`; links are not followed.
   *
   * @throws {PathNotFoundError} when there is none.
   */
  stat(path: string): ImageEntry {
    return this.#entry(resolveInode(this.#flist, path), normalizePath(path));
  }

  /**
   * The entries of the directory at `path`, sorted by name bytes.
   *
   * @throws {PathNotFoundError} when there is no directory.
   */
  readDirectory(path: string): ImageEntry[] {
    const directory = resolveInode(this.#flist, path);
    if (directory.kind !== "directory") {
      throw new PathNotFoundError(`directory ${displayByteString(path)}`, this.meta);
    }
    const base = normalizePath(path);
    return Array.from(
      this.#flist.children(directory.ino),
      (inode) => this.#entry(inode, joinPath(base, inode.name)),
    );
  }

  /** The entry at `path` and all below it, each directory before what is in it. */
  async *walk(path = ""): AsyncGenerator<ImageEntry> {
    const waiting: { inode: Inode; path: string }[] = [
      { inode: resolveInode(this.#flist, path), path: normalizePath(path) },
    ];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      yield this.#entry(next.inode, next.path);
      if (next.inode.kind !== "directory") continue;
      const base = next.path;
      const children = Array.from(
        this.#flist.children(next.inode.ino),
        (inode) => ({ inode, path: joinPath(base, inode.name) }),
      );
      waiting.push(...children.reverse());
    }
  }

  /**
   * Where the symbolic link at `path` points, a byte string.
   *
   * @throws {PathNotFoundError} when there is no link.
   */
  readLink(path: string): string {
    const target = this.#content(resolveInode(this.#flist, path)).linkTarget;
    if (target === undefined) {
      throw new PathNotFoundError(`symbolic link ${displayByteString(path)}`, this.meta);
    }
    return target;
  }

  /** The extended attributes of the entry at `path`. */
  xattrs(path: string): Xattrs {
    return this.#flist.xattrs(this.#content(resolveInode(this.#flist, path)).ino);
  }

  /**
   * The whole content of the file at `path`. It has to fit in memory: {@link readStream} does
   * without.
   *
   * @throws {PathNotFoundError} when there is no file.
   * @throws {BlockNotFoundError} {BlockCorruptError} when a block of it is missing or damaged.
   */
  async readFile(path: string, options: ReadOptions = {}): Promise<Bytes> {
    const file = this.#file(path);
    return await this.#read(file, path, 0, file.size, options);
  }

  /** Up to `lengthBytes` of the file at `path` from `offsetBytes` on: fewer at its end. */
  async readAt(
    path: string,
    offsetBytes: number,
    lengthBytes: number,
    options: ReadOptions = {},
  ): Promise<Bytes> {
    if (!(offsetBytes >= 0) || !(lengthBytes >= 0)) {
      throw new RangeError(`Cannot read ${lengthBytes} bytes at ${offsetBytes}`);
    }
    return await this.#read(this.#file(path), path, offsetBytes, lengthBytes, options);
  }

  /** The content of the file at `path`, in parts. */
  readStream(path: string, options: ReadOptions = {}): ReadableStream<Bytes> {
    const file = this.#file(path);
    let at = 0;
    return new ReadableStream({
      pull: async (controller) => {
        const part = await this.#read(file, path, at, STREAM_PART_SIZE, options);
        at += part.length;
        if (part.length > 0) controller.enqueue(part);
        if (at >= file.size) controller.close();
      },
    });
  }

  async #read(
    file: Inode,
    path: string,
    offset: number,
    length: number,
    { signal }: ReadOptions,
  ): Promise<Bytes> {
    const end = Math.min(offset + length, file.size);
    const result = new Uint8Array(Math.max(0, end - offset));
    const wanted = this.#flist.extents(file.ino).filter((extent) =>
      extent.fileOffset < end && extent.fileOffset + extent.length > offset
    );
    await forEachBounded(wanted, CHUNKS_READ_AT_ONCE, async (extent) => {
      signal?.throwIfAborted();
      let chunk: Bytes;
      try {
        chunk = await this.#chunks.get(extent.chunk);
      } catch (error) {
        throw namingPath(error, path);
      }
      const from = Math.max(offset, extent.fileOffset);
      const to = Math.min(end, extent.fileOffset + extent.length);
      const start = extent.chunkOffset + from - extent.fileOffset;
      result.set(chunk.subarray(start, start + to - from), from - offset);
    });
    return result;
  }

  async #loadChunk(chunk: number): Promise<Bytes> {
    const ref = this.#flist.chunk(chunk);
    this.#used ??= useStoreOf(this.#flist, this.#options);
    const { store } = await this.#used;
    return this.#codec.open(ref, await store.get(ref.id));
  }

  #file(path: string): Inode {
    const inode = this.#content(resolveInode(this.#flist, path));
    if (inode.kind === "file") return inode;
    throw new PathNotFoundError(`regular file ${displayByteString(path)}`, this.meta, {
      hint: `It is a ${inode.kind}.`,
    });
  }

  /** The inode that has the content and metadata of all of its names. */
  #content(inode: Inode): Inode {
    return inode.hardLinkTo === undefined ? inode : this.#flist.inode(inode.hardLinkTo) ?? inode;
  }

  #entry(named: Inode, path: string): ImageEntry {
    const inode = this.#content(named);
    const { mode, uid, gid, size, mtime, mtimeNsec, rdev, kind, ino, linkTarget } = inode;
    this.#xattrOwners ??= this.#flist.xattrOwners();
    const digest = kind === "file" ? this.#flist.digest(ino) : undefined;
    return {
      path,
      kind,
      mode,
      uid,
      gid,
      size,
      mtime,
      mtimeNsec,
      rdev,
      ino,
      ...(linkTarget === undefined ? {} : { linkTarget }),
      ...(this.#xattrOwners.has(ino) ? { xattrs: this.#flist.xattrs(ino) } : {}),
      ...(named === inode ? {} : { hardLinkTo: pathOf(this.#flist, inode) }),
      ...(digest === undefined ? {} : { digest }),
    };
  }

  /** Closes the flist and the stores that were opened for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#flist[Symbol.dispose]();
    const used = await this.#used?.catch(() => undefined);
    await used?.[Symbol.asyncDispose]();
  }
}

/** Path of `inode` from the root. */
export function pathOf(flist: FlistReader, inode: Inode): string {
  const names: string[] = [];
  let at: Inode | undefined = inode;
  // Parents have lower numbers, so this ends.
  while (at !== undefined && at.ino !== ROOT_INO) {
    names.push(at.name);
    at = flist.inode(at.parent);
  }
  return names.reverse().join("/");
}

/** Says which file needs the block that `error` is about. */
function namingPath(error: unknown, path: string): unknown {
  const need = `; ${displayByteString(path)} needs it`;
  // All who wait for a chunk get the same error.
  if (error instanceof MyfsError && "id" in error && !error.message.endsWith(need)) {
    error.message += need;
  }
  return error;
}
