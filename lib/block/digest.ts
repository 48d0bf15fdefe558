/**
 * The digests of both profiles: BLAKE3 (hash, keyed hash and key derivation; the paper of
 * O'Connor, Aumasson, Neves and Wilcox-O'Hearn, 2020) and BLAKE2b with 32 bytes (RFC 7693).
 *
 * @module
 */

import {
  Blake2BHasher,
  Blake2BParam,
  blake3 as blake3Native,
  Blake3Hasher as Blake3HasherNative,
} from "@napi-rs/blake-hash";
import type { Buffer } from "node:buffer";
import type { Bytes } from "../base/bytes.ts";
import { DIGEST_SIZE } from "./block_ref.ts";

const blake2bParams = new Blake2BParam();
blake2bParams.hashLength(DIGEST_SIZE);

/** BLAKE3-256 of `bytes`: 32 bytes. */
export function blake3(bytes: Uint8Array): Bytes {
  return ownBytes(blake3Native(asBuffer(bytes)));
}

/** BLAKE2b of `bytes`, unkeyed, with a digest of 32 bytes. */
export function blake2b256(bytes: Uint8Array): Bytes {
  return ownBytes(Blake2BHasher.withParams(blake2bParams).update(asBuffer(bytes)).digestBuffer());
}

/**
 * BLAKE3's key derivation: 32 bytes that only this `context` gives for `keyMaterial`.
 *
 * @param context Fixed text that says who derives what for; never built from input.
 */
export function deriveBlake3Key(context: string, keyMaterial: Uint8Array): Bytes {
  return ownBytes(Blake3HasherNative.deriveKey(context, asBuffer(keyMaterial)));
}

/** BLAKE3-256 of bytes that come in parts. */
export class Blake3Hasher {
  readonly #hasher: Blake3HasherNative;

  /**
   * Starts a hash of no bytes.
   *
   * @param key 32 bytes that make it the keyed hash; without them it is the plain one.
   * @throws {RangeError} when `key` has another length.
   */
  constructor(key?: Uint8Array) {
    if (key === undefined) {
      this.#hasher = new Blake3HasherNative();
      return;
    }
    // The library ends the whole process over a key of the wrong length.
    if (key.length !== DIGEST_SIZE) {
      throw new RangeError(
        `Cannot key BLAKE3 with ${key.length} bytes: its key has ${DIGEST_SIZE}`,
      );
    }
    this.#hasher = Blake3HasherNative.newKeyed(asBuffer(key));
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
