/**
 * Blocks of the `rfs` profile, as rfs seals and opens them: sentences B40 to B49 of `FORMAT.md`.
 *
 * @module
 */

import type { Bytes } from "../base/bytes.ts";
import { BlockCorruptError } from "../base/errors.ts";
import { checkChunk, checkId, checkTarget, Scratch } from "./block_checks.ts";
import {
  type BlockId,
  blockIdFromBytes,
  BlockKey,
  type BlockRef,
  type SealedBlock,
} from "./block_ref.ts";
import { compressSnappy, decompressSnappy, snappySizeMax } from "./compression.ts";
import { blake2b256 } from "./digest.ts";
import { type AesGcm, aesGcm, type CipherParams, NONCE_SIZE, TAG_SIZE } from "./encryption.ts";
import type { Backend } from "./native_library.ts";

/** What can be chosen about the blocks of the `rfs` profile. */
export interface RfsCodecOptions {
  /** Whether opening compares the digest of the chunk with the key. @default {true} */
  readonly verifyKey?: boolean;
  /** What encrypts. @default native where it exists */
  readonly backend?: Backend;
}

/** Seals chunks into blocks of the `rfs` profile, and opens them. */
export class RfsCodec {
  /** How its blocks are made. */
  readonly profile = "rfs";
  readonly #verifyKey: boolean;
  readonly #aesGcm: AesGcm;
  readonly #scratch = new Scratch();

  /**
   * Makes a codec of these options.
   *
   * @throws {UnsupportedError} when the native back end is asked for and not there.
   */
  constructor(options: RfsCodecOptions = {}) {
    this.#verifyKey = options.verifyKey ?? true;
    this.#aesGcm = aesGcm(options.backend);
  }

  /** See `BlockCodec.keyOf`. */
  keyOf(chunk: Uint8Array): BlockKey {
    return BlockKey.fromBytes(blake2b256(chunk));
  }

  /** See `BlockCodec.seal`. */
  seal(chunk: Uint8Array, key: BlockKey): SealedBlock {
    checkChunk(chunk);
    const data = compressSnappy(chunk);
    const block = new Uint8Array(data.length + TAG_SIZE);
    this.#aesGcm.encrypt(cipherParams(key), [data], block);
    const id = blockIdFromBytes(blake2b256(block));
    return { ref: { id, key, size: chunk.length, storedSize: block.length }, block };
  }

  /** See `BlockCodec.open`. */
  open(ref: BlockRef, block: Uint8Array, options: { readonly target?: Bytes } = {}): Bytes {
    this.verifyId(ref.id, block);
    checkTarget(ref, options.target);
    const dataSize = block.length - TAG_SIZE;
    if (dataSize < 1 || dataSize > snappySizeMax(ref.size)) {
      throw new BlockCorruptError(
        ref.id,
        `it has ${block.length} bytes, which is no length for a chunk of ${ref.size}`,
      );
    }
    const data = this.#scratch.take(dataSize);
    if (!this.#aesGcm.decrypt(cipherParams(ref.key), block, [data])) {
      throw new BlockCorruptError(ref.id, "its key does not open it");
    }
    const chunk = decompressSnappy(data, ref.size);
    if (chunk === undefined) {
      throw new BlockCorruptError(
        ref.id,
        `its Snappy data is damaged or does not hold ${ref.size} bytes`,
      );
    }
    if (this.#verifyKey && !this.keyOf(chunk).equals(ref.key)) {
      throw new BlockCorruptError(ref.id, "the digest of its content is not its key");
    }
    if (options.target === undefined) return chunk;
    options.target.set(chunk);
    return options.target;
  }

  /** See `BlockCodec.verifyId`. */
  verifyId(id: BlockId, block: Uint8Array): void {
    checkId(id, block, blake2b256);
  }
}

/** The block key is the cipher key, and its first bytes are the nonce (B43). */
function cipherParams(key: BlockKey): CipherParams {
  const bytes = key.toBytes();
  return { key: bytes, nonce: bytes.subarray(0, NONCE_SIZE) };
}
