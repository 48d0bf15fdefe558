/**
 * Blocks of the `myfs` profile: sentences B10 to B39 of `FORMAT.md`.
 *
 * @module
 */

import { type Bytes, releaseBytes } from "../base/bytes.ts";
import { BlockCorruptError } from "../base/errors.ts";
import { checkChunk, checkId, checkTarget, Scratch } from "./block_checks.ts";
import {
  type BlockId,
  blockIdFromBytes,
  BlockKey,
  type BlockRef,
  DIGEST_SIZE,
  type SealedBlock,
} from "./block_ref.ts";
import {
  compressZstd,
  ZSTD_LEVEL_DEFAULT,
  ZSTD_LEVEL_MAX,
  ZSTD_LEVEL_MIN,
  type ZstdDecompressor,
  zstdDecompressor,
} from "./compression.ts";
import { blake3, Blake3Hasher, deriveBlake3Key } from "./digest.ts";
import { type AesGcm, aesGcm, NONCE_SIZE, TAG_SIZE } from "./encryption.ts";
import type { Backend } from "./native_library.ts";

/** What can be chosen about the blocks of the `myfs` profile. */
export interface MyfsCodecOptions {
  /** Level of zstd, 1 (fastest) to 22 (smallest). @default {3} */
  readonly level?: number;
  /** 32 secret bytes: only who knows them can tell the key of a chunk from its content. */
  readonly domainSecret?: Uint8Array;
  /** Whether opening compares the digest of the chunk with the key. @default {true} */
  readonly verifyKey?: boolean;
  /** What decompresses and encrypts. @default native where it exists */
  readonly backend?: Backend;
}

/** Contexts of the two keys that a block key gives (B16). Part of the format. */
const CIPHER_KEY_CONTEXT = "myfs 2026-11 block encryption key v1";
const NONCE_KEY_CONTEXT = "myfs 2026-11 block nonce key v1";

/** First byte of the payload: what follows is the chunk itself, or a zstd frame of it (B12). */
const METHOD_RAW = 0;
const METHOD_ZSTD = 1;

/** Zstd is kept where its frame has at most this part of the chunk's size, in hundredths (B14). */
const ZSTD_PERCENT_MAX = 97;

/** Bytes of a block beyond the data of its payload: nonce, method and tag. */
const OVERHEAD = NONCE_SIZE + 1 + TAG_SIZE;

/** Seals chunks into blocks of the `myfs` profile, and opens them. */
export class MyfsCodec {
  /** How its blocks are made. */
  readonly profile = "myfs";
  readonly #level: number;
  readonly #domainSecret: Bytes | undefined;
  readonly #verifyKey: boolean;
  readonly #aesGcm: AesGcm;
  readonly #decompress: ZstdDecompressor;
  readonly #scratch = new Scratch();
  readonly #method = new Uint8Array(1);

  /**
   * Makes a codec of these options.
   *
   * @throws {RangeError} when the level or the length of the domain secret is out of range.
   * @throws {UnsupportedError} when the native back end is asked for and not there.
   */
  constructor(options: MyfsCodecOptions = {}) {
    const { level = ZSTD_LEVEL_DEFAULT, domainSecret, verifyKey = true, backend } = options;
    if (!Number.isInteger(level) || level < ZSTD_LEVEL_MIN || level > ZSTD_LEVEL_MAX) {
      throw new RangeError(
        `Cannot compress at level ${level}: ` +
          `it is an integer from ${ZSTD_LEVEL_MIN} to ${ZSTD_LEVEL_MAX}`,
      );
    }
    if (domainSecret !== undefined && domainSecret.length !== DIGEST_SIZE) {
      throw new RangeError(
        `Cannot use a domain secret of ${domainSecret.length} bytes: it has ${DIGEST_SIZE}`,
      );
    }
    this.#level = level;
    this.#domainSecret = domainSecret === undefined ? undefined : new Uint8Array(domainSecret);
    this.#verifyKey = verifyKey;
    this.#aesGcm = aesGcm(backend);
    this.#decompress = zstdDecompressor(backend);
  }

  /** See `BlockCodec.keyOf`. */
  keyOf(chunk: Uint8Array): BlockKey {
    return BlockKey.fromBytes(
      this.#domainSecret === undefined
        ? blake3(chunk)
        : new Blake3Hasher(this.#domainSecret).update(chunk).digest(),
    );
  }

  /** See `BlockCodec.seal`. */
  seal(chunk: Uint8Array, key: BlockKey): SealedBlock {
    checkChunk(chunk);
    const frame = compressZstd(chunk, this.#level);
    const isRaw = frame.length * 100 > chunk.length * ZSTD_PERCENT_MAX;
    const data = isRaw ? chunk : frame;
    const method = this.#method;
    method[0] = isRaw ? METHOD_RAW : METHOD_ZSTD;

    const keyBytes = key.toBytes();
    const nonceKey = deriveBlake3Key(NONCE_KEY_CONTEXT, keyBytes);
    const nonce = new Blake3Hasher(nonceKey).update(method).update(data).digest()
      .subarray(0, NONCE_SIZE);
    const block = new Uint8Array(data.length + OVERHEAD);
    block.set(nonce);
    this.#aesGcm.encrypt(
      { key: deriveBlake3Key(CIPHER_KEY_CONTEXT, keyBytes), nonce },
      [method, data],
      block.subarray(NONCE_SIZE),
    );
    releaseBytes(frame);
    const id = blockIdFromBytes(blake3(block));
    return { ref: { id, key, size: chunk.length, storedSize: block.length }, block };
  }

  /** See `BlockCodec.open`. */
  open(ref: BlockRef, block: Uint8Array, options: { readonly target?: Bytes } = {}): Bytes {
    this.verifyId(ref.id, block);
    checkTarget(ref, options.target);
    const chunk = options.target ?? new Uint8Array(ref.size);
    // A frame is shorter than its chunk (B14), so the length tells where the data is to go before
    // the method has been decrypted: what is raw goes straight to its place.
    const dataSize = block.length - OVERHEAD;
    const isRaw = dataSize === chunk.length;
    if (dataSize < 1 || dataSize > chunk.length) {
      throw new BlockCorruptError(
        ref.id,
        `it has ${block.length} bytes, which is no length for a chunk of ${chunk.length}`,
      );
    }
    const data = isRaw ? chunk : this.#scratch.take(dataSize);
    const method = this.#method;
    const isGenuine = this.#aesGcm.decrypt(
      {
        key: deriveBlake3Key(CIPHER_KEY_CONTEXT, ref.key.toBytes()),
        nonce: block.subarray(0, NONCE_SIZE),
      },
      block.subarray(NONCE_SIZE),
      [method, data],
    );
    if (!isGenuine) throw new BlockCorruptError(ref.id, "its key does not open it");
    if (method[0] !== (isRaw ? METHOD_RAW : METHOD_ZSTD)) {
      throw new BlockCorruptError(
        ref.id,
        `its method is ${method[0]}, which is unknown or does not go with its length`,
      );
    }
    if (!isRaw) {
      const fault = this.#decompress(data, chunk);
      if (fault !== undefined) throw new BlockCorruptError(ref.id, fault);
    }
    if (this.#verifyKey && !this.keyOf(chunk).equals(ref.key)) {
      throw new BlockCorruptError(ref.id, "the digest of its content is not its key");
    }
    return chunk;
  }

  /** See `BlockCodec.verifyId`. */
  verifyId(id: BlockId, block: Uint8Array): void {
    checkId(id, block, blake3);
  }
}
