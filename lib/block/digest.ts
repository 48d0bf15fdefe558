/**
 * The digests of both profiles: BLAKE3 (hash, keyed hash and key derivation; the paper of
 * O'Connor, Aumasson, Neves and Wilcox-O'Hearn, 2020) and BLAKE2b with 32 bytes (RFC 7693).
 *
 * @module
 */

// Deferred: its loader asks for permissions, which importing myfs shall not need.
import defer * as native from "@napi-rs/blake-hash";
import type { Buffer } from "node:buffer";
import type { Bytes } from "../base/bytes.ts";
import { DIGEST_SIZE } from "./block_ref.ts";

let blake2bParams: native.Blake2BParam | undefined;

/** BLAKE3-256 of `bytes`: 32 bytes. */
export function blake3(bytes: Uint8Array): Bytes {
  return ownBytes(native.blake3(asBuffer(bytes)));
}

/** BLAKE2b of `bytes`, unkeyed, with a digest of 32 bytes. */
export function blake2b256(bytes: Uint8Array): Bytes {
  if (blake2bParams === undefined) {
    blake2bParams = new native.Blake2BParam();
    blake2bParams.hashLength(DIGEST_SIZE);
  }
  const hasher = native.Blake2BHasher.withParams(blake2bParams);
  return ownBytes(hasher.update(asBuffer(bytes)).digestBuffer());
}

/**
 * BLAKE3's key derivation: 32 bytes that only this `context` gives for `keyMaterial`.
 *
 * @param context Fixed text that says who derives what for; never built from input.
 */
export function deriveBlake3Key(context: string, keyMaterial: Uint8Array): Bytes {
  return ownBytes(native.Blake3Hasher.deriveKey(context, asBuffer(keyMaterial)));
}

/** BLAKE3-256 of bytes that come in parts. */
export class Blake3Hasher {
  readonly #hasher: native.Blake3Hasher;

  /**
   * Starts a hash of no bytes.
   *
   * @param key 32 bytes that make it the keyed hash; without them it is the plain one.
   * @throws {RangeError} when `key` has another length.
   */
  constructor(key?: Uint8Array) {
    if (key === undefined) {
      this.#hasher = new native.Blake3Hasher();
      return;
    }
    // The library ends the whole process over a key of the wrong length.
    if (key.length !== DIGEST_SIZE) {
      throw new RangeError(
        `Cannot key BLAKE3 with ${key.length} bytes: its key has ${DIGEST_SIZE}`,
      );
    }
    this.#hasher = native.Blake3Hasher.newKeyed(asBuffer(key));
  }

  /** Adds `bytes` to what is hashed. */
  update(bytes: Uint8Array): this {
    this.#hasher.update(asBuffer(bytes));
    return this;
  }

  /** Digest of all that was added so far: 32 bytes. More may be added after. */
  digest(): Bytes {
    return ownBytes(this.#hasher.digestBuffer());
  }
}

/** The library asks for a `Buffer` by type, and takes every `Uint8Array`. */
function asBuffer(bytes: Uint8Array): Buffer {
  return bytes as Buffer;
}

/** A digest in memory of its own, as a plain array. */
function ownBytes(digest: Buffer): Bytes {
  return new Uint8Array(digest);
}
