/**
 * Goal: the digests are those that B6 and B7 of lib/block/FORMAT.md mean. Method: digests of the
 * inputs of BLAKE3's published test vectors, computed by Python packages.
 *
 * @module
 */

import assert from "node:assert/strict";
import { blake2b256, blake3, Blake3Hasher, deriveBlake3Key } from "../../../lib/block/digest.ts";
import vectors from "./digests.json" with { type: "json" };

const key = new TextEncoder().encode(vectors.key);

for (const vector of vectors.cases) {
  Deno.test(`digests: B6 and B7 hold for ${vector.length} bytes`, () => {
    const input = Uint8Array.from({ length: vector.length }, (_, i) => i % 251);
    assert.equal(blake3(input).toHex(), vector.hash);
    assert.equal(new Blake3Hasher().update(input).digest().toHex(), vector.hash);
    assert.equal(new Blake3Hasher(key).update(input).digest().toHex(), vector.keyedHash);
    assert.equal(deriveBlake3Key(vectors.context, input).toHex(), vector.deriveKey);
    assert.equal(blake2b256(input).toHex(), vector.blake2b256);
  });
}
