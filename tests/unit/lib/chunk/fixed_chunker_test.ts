/**
 * Goal: fixed cuts are those of rfs. Method: direct calls.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CHUNK_SIZE_MAX } from "../../../../lib/base/limits.ts";
import { FixedChunker, RFS_CHUNK_SIZE } from "../../../../lib/chunk/fixed_chunker.ts";

Deno.test("fixed chunker: cuts every 512 KiB by default, and the rest last (C2)", () => {
  const chunker = new FixedChunker();
  assert.equal(RFS_CHUNK_SIZE, 524_288);
  assert.equal(chunker.sizeMax, 524_288);
  const bytes = new Uint8Array(1_300_000);
  assert.equal(chunker.cut(bytes, 0, bytes.length), 524_288);
  assert.equal(chunker.cut(bytes, 524_288, bytes.length), 524_288);
  assert.equal(chunker.cut(bytes, 1_048_576, bytes.length), 251_424);
  assert.equal(chunker.cut(bytes, 0, 524_288), 524_288);
  assert.equal(chunker.cut(bytes, 7, 8), 1);
  assert.equal(chunker.cut(bytes, 7, 7), 0);
});

Deno.test("fixed chunker: takes any size that a chunk may have, and no other", () => {
  assert.equal(new FixedChunker(1).cut(new Uint8Array(5), 0, 5), 1);
  assert.equal(new FixedChunker(CHUNK_SIZE_MAX).sizeMax, CHUNK_SIZE_MAX);
  for (const size of [0, -1, 1.5, NaN, Infinity, CHUNK_SIZE_MAX + 1]) {
    assert.throws(() => new FixedChunker(size), RangeError);
  }
});
