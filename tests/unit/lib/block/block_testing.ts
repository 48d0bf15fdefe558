/**
 * What the tests of blocks share: running on both back ends, and blocks that are forged, with right
 * ids and tags around whatever payload one likes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { missingNativeLibraries } from "../../../../lib/block/block_codec.ts";
import { blockIdFromBytes, BlockKey, type BlockRef } from "../../../../lib/block/block_ref.ts";
import { blake2b256, blake3, Blake3Hasher, deriveBlake3Key } from "../../../../lib/block/digest.ts";
import { aesGcm } from "../../../../lib/block/encryption.ts";
import type { Backend } from "../../../../lib/block/native_library.ts";
import { type Bytes, concatBytes, equalBytes } from "../../../../lib/base/bytes.ts";

// For tests that are on their way in.
export { SeededRandom, takeSeed } from "../../../helpers/seeded_random.ts";

/** Both back ends. */
export const backends: readonly Backend[] = ["native", "portable"];

/** Registers `test` once for each back end; the native one is skipped where a library is missing. */
export function testBackends(name: string, test: (backend: Backend) => void): void {
  for (const backend of backends) {
    Deno.test({
      name: `${name} (${backend})`,
      ignore: backend === "native" && missingNativeLibraries().length > 0,
      fn: () => test(backend),
    });
  }
}

/** Asserts that both arrays hold the same bytes, without printing megabytes where they do not. */
export function assertSameBytes(actual: Uint8Array, expected: Uint8Array): void {
  assert.equal(actual.length, expected.length);
  if (!equalBytes(actual, expected)) {
    const at = actual.findIndex((byte, i) => byte !== expected[i]);
    assert.fail(`Byte ${at} is ${actual[at]} instead of ${expected[at]}`);
  }
}

/** A block with its reference. */
export interface Forged {
  readonly ref: BlockRef;
  readonly block: Bytes;
}

/** A block of the `myfs` profile around `payload`, whose reference claims `chunk`. */
export function forgeMyfsBlock(payload: Uint8Array, chunk: Uint8Array): Forged {
  const key = blake3(chunk);
  const nonce = new Blake3Hasher(deriveBlake3Key("myfs 2026-11 block nonce key v1", key))
    .update(payload).digest().subarray(0, 12);
  const sealed = new Uint8Array(payload.length + 16);
  const cipherKey = deriveBlake3Key("myfs 2026-11 block encryption key v1", key);
  aesGcm().encrypt({ key: cipherKey, nonce }, [payload], sealed);
  const block = concatBytes([nonce, sealed]);
  const id = blockIdFromBytes(blake3(block));
  return { ref: { id, key: BlockKey.fromBytes(key), size: chunk.length }, block };
}

/** A block of the `rfs` profile around `data`, whose reference claims `chunk`. */
export function forgeRfsBlock(data: Uint8Array, chunk: Uint8Array): Forged {
  const key = blake2b256(chunk);
  const block = new Uint8Array(data.length + 16);
  aesGcm().encrypt({ key, nonce: key.subarray(0, 12) }, [data], block);
  const id = blockIdFromBytes(blake2b256(block));
  return { ref: { id, key: BlockKey.fromBytes(key), size: chunk.length }, block };
}

/** What a zstd frame that is put together by hand says. */
export interface FrameParts {
  /** Claimed size of the content; undefined leaves the field out. */
  readonly contentSize?: number;
  /** The window descriptor; undefined makes a frame of a single segment, which has none. */
  readonly window?: number;
  /** Whether the header announces a checksum. */
  readonly checksum?: boolean;
  /** A dictionary id of one byte. */
  readonly dictionary?: number;
  /** Sets the reserved bit. */
  readonly reserved?: boolean;
  /** The blocks; {@link rawBlock} and {@link runBlock} make some. */
  readonly blocks: readonly Uint8Array[];
}

/** A zstd frame put together by hand (RFC 8878, section 3.1.1). */
export function zstdFrame(parts: FrameParts): Bytes {
  const { contentSize, window, checksum, dictionary, reserved, blocks } = parts;
  const descriptor = (contentSize === undefined ? 0 : 0xc0) | (window === undefined ? 0x20 : 0) |
    (reserved ? 0x08 : 0) | (checksum ? 0x04 : 0) | (dictionary === undefined ? 0 : 0x01);
  const header = [0x28, 0xb5, 0x2f, 0xfd, descriptor];
  if (window !== undefined) header.push(window);
  if (dictionary !== undefined) header.push(dictionary);
  const size = new Uint8Array(contentSize === undefined ? 0 : 8);
  if (contentSize !== undefined) {
    new DataView(size.buffer).setBigUint64(0, BigInt(contentSize), true);
  }
  return concatBytes([Uint8Array.from(header), size, ...blocks]);
}

/** A block inside of a zstd frame that holds `bytes` as they are. */
export function rawBlock(bytes: Uint8Array, isLast: boolean): Bytes {
  return concatBytes([blockHeader(0, bytes.length, isLast), bytes]);
}

/** A block inside of a zstd frame that stands for `length` times `byte`. */
export function runBlock(byte: number, length: number, isLast: boolean): Bytes {
  return concatBytes([blockHeader(1, length, isLast), Uint8Array.of(byte)]);
}

/** The header of a block inside of a zstd frame. */
export function blockHeader(type: number, size: number, isLast: boolean): Bytes {
  const header = (size << 3) | (type << 1) | (isLast ? 1 : 0);
  return Uint8Array.of(header, header >> 8, header >> 16);
}
