/**
 * Turns chunks into blocks and back. `FORMAT.md` specifies what a block looks like.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import type { BlockId, BlockKey, BlockRef, SealedBlock } from "./block_ref.ts";
import { hasNativeZstd, ZSTD_LIBRARY } from "./compression.ts";
import { CRYPTO_LIBRARY, hasNativeAesGcm } from "./encryption.ts";
import { MyfsCodec } from "./myfs_codec.ts";
import type { Backend } from "./native_library.ts";
import type { Profile } from "./profile.ts";
import { RfsCodec } from "./rfs_codec.ts";

/** Where {@link BlockCodec.open} puts the chunk. */
export interface OpenBlockOptions {
  /**
   * An array of exactly the chunk's size that is filled and given back, to be used for one chunk
   * after the other. Where opening fails it holds nothing that may be used.
   *
   * @default a new array, which the caller owns
   */
  readonly target?: Bytes;
}

/**
 * Makes blocks of one profile and opens them. Everything is synchronous, for use in worker threads,
 * and a codec may be used for as many blocks as one likes; it keeps some memory, as large as the
 * largest block so far, for the next one. What it is given it only reads, and must not be changed by
 * another thread meanwhile.
 */
export interface BlockCodec {
  /** How its blocks are made. */
  readonly profile: Profile;

  /**
   * The key of `chunk`: equal chunks have equal keys. It costs one digest and no more, so that a
   * caller can tell whether it has met the chunk before.
   */
  keyOf(chunk: Uint8Array): BlockKey;

  /**
   * The block of `chunk`. The same chunk gives the same block on every machine, for the same options
   * and the same version of the runtime.
   *
   * @param key What {@link keyOf} gave for `chunk`; this is not checked again.
   * @throws {RangeError} when `chunk` is empty or longer than `CHUNK_SIZE_MAX`.
   */
  seal(chunk: Uint8Array, key: BlockKey): SealedBlock;

  /**
   * The chunk that `block` holds. Before anything is returned, the block's digest is compared with
   * the id, its tag with its content, the chunk's size with `ref.size`, and the chunk's digest with
   * the key. Memory is bounded by the size of the block and `ref.size`, whatever the block holds.
   *
   * @throws {BlockCorruptError} when anything is not as `ref` says.
   * @throws {RangeError} when `options.target` has not exactly the chunk's size.
   */
  open(ref: BlockRef, block: Uint8Array, options?: OpenBlockOptions): Bytes;

  /**
   * Makes sure that `block` is the one that `id` names. This needs no key.
   *
   * @throws {BlockCorruptError} when it is not.
   */
  verifyId(id: BlockId, block: Uint8Array): void;
}

/** What can be chosen about a {@link BlockCodec}. */
export interface BlockCodecOptions {
  /**
   * Level of zstd, 1 (fastest) to 22 (smallest). Only for the `myfs` profile.
   *
   * @default {3}
   */
  readonly level?: number;
  /**
   * 32 secret bytes that go into every key. Blocks are then shared only among those who know them,
   * and nobody else can find out whether a store holds a file that he has. Only for the `myfs`
   * profile.
   *
   * @default none: everyone can tell the key of a chunk that he has
   */
  readonly domainSecret?: Uint8Array;
  /**
   * Whether opening compares the digest of the chunk with the key. Chunks that were sealed with a
   * domain secret pass only in a codec that has it too: a reader who does not know the secret says
   * false here, and loses nothing that protects him from a store. The id, which the flist names, is
   * always checked, and so is the tag; what the digest adds is that the writer kept to the format.
   *
   * @default {true}
   */
  readonly verifyKey?: boolean;
  /**
   * What encrypts and decompresses: the system's libraries or the runtime's own code. The results
   * are the same, the speed is not.
   *
   * @default native for each of the libraries that the system has
   */
  readonly backend?: Backend;
}

/**
 * A codec for blocks of `profile`.
 *
 * @example
 * ```ts
 * import { createBlockCodec } from "myfs";
 *
 * const codec = createBlockCodec("myfs");
 * const chunk = new TextEncoder().encode("Blocks are named by their digest.");
 * const { ref, block } = codec.seal(chunk, codec.keyOf(chunk));
 * console.assert(codec.open(ref, block).length === chunk.length);
 * ```
 *
 * @throws {RangeError} when the level or the length of the domain secret is out of range.
 * @throws {TypeError} when an option does not go with the profile.
 * @throws {UnsupportedError} when the native back end is asked for and a library is missing.
 */
export function createBlockCodec(profile: Profile, options: BlockCodecOptions = {}): BlockCodec {
  if (profile === "myfs") return new MyfsCodec(options);
  for (const name of ["level", "domainSecret"] as const) {
    if (options[name] !== undefined) {
      throw new TypeError(`Cannot use option ${name} with the rfs profile: its blocks have none`);
    }
  }
  return new RfsCodec(options);
}

/**
 * File names of the system libraries that are missing and without which blocks are sealed and opened
 * several times as slowly; none where all is well.
 */
export function missingNativeLibraries(): readonly string[] {
  const missing: string[] = [];
  if (!hasNativeZstd) missing.push(ZSTD_LIBRARY);
  if (!hasNativeAesGcm) missing.push(CRYPTO_LIBRARY);
  return missing;
}
