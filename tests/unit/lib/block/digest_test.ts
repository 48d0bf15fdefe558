/**
 * Goal: digests in parts and of unusual arrays are right; a wrong key is an error and not the end of
 * the process. The values themselves are pinned in tests/golden/block. Method: comparisons.
 *
 * @module
 */

import assert from "node:assert/strict";
import { blake2b256, blake3, Blake3Hasher } from "../../../../lib/block/digest.ts";
import { SeededRandom } from "../../../helpers/seeded_random.ts";

const data = new SeededRandom(1).bytes(5000);

Deno.test("BLAKE3: parts give the digest of the whole, and digest() may be asked for on the way", () => {
  const hasher = new Blake3Hasher();
  for (const [from, to] of [[0, 0], [0, 1], [1, 64], [64, 1024], [1024, 5000]] as const) {
    hasher.update(data.subarray(from, to));
    assert.deepEqual(hasher.digest(), blake3(data.subarray(0, to)));
  }
});

Deno.test("digests: a part of a larger array counts as its own bytes only", () => {
  const part = data.subarray(7, 1234);
  assert.deepEqual(blake3(part), blake3(part.slice()));
  assert.deepEqual(blake2b256(part), blake2b256(part.slice()));
});

Deno.test("digests: shared memory is hashed like any other", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(data.length));
  shared.set(data);
  assert.deepEqual(blake3(shared), blake3(data));
  assert.deepEqual(blake2b256(shared), blake2b256(data));
});

Deno.test("digests: what is given back is a plain array of 32 bytes in memory of its own", () => {
  for (const digest of [blake3(data), blake2b256(data), new Blake3Hasher().digest()]) {
    assert.equal(Object.getPrototypeOf(digest), Uint8Array.prototype);
    assert.equal(digest.length, 32);
    assert.equal(digest.buffer.byteLength, 32);
  }
});

Deno.test("BLAKE3: a key of the wrong length is a RangeError", () => {
  for (const length of [0, 31, 33, 64]) {
    assert.throws(() => new Blake3Hasher(new Uint8Array(length)), RangeError);
  }
});
