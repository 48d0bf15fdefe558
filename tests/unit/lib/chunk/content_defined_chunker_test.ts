/**
 * Goal: content-defined cuts keep their limits and their mean. Where exactly they lie is pinned in
 * tests/golden/chunk. Method: data of a fixed seed.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CHUNK_SIZE_MAX } from "../../../../lib/base/limits.ts";
import { ContentDefinedChunker } from "../../../../lib/chunk/content_defined_chunker.ts";
import { SHORT_CHUNKS } from "../../../../lib/chunk/chunk_sizes.ts";
import { SeededRandom } from "../../../helpers/seeded_random.ts";

function lengthsOf(chunker: ContentDefinedChunker, bytes: Uint8Array): number[] {
  const lengths: number[] = [];
  for (let at = 0; at < bytes.length;) {
    lengths.push(chunker.cut(bytes, at, bytes.length));
    at += lengths.at(-1)!;
  }
  return lengths;
}

Deno.test("content-defined chunker: random content has chunks of the mean size asked for", () => {
  const bytes = new SeededRandom(1).bytes(4_000_000);
  for (
    const sizes of [
      { sizeMin: 512, sizeMean: 1024, sizeMax: 4096 },
      { sizeMin: 1024, sizeMean: 4096, sizeMax: 16_384 },
      { sizeMin: 4096, sizeMean: 8192, sizeMax: 32_768 },
    ]
  ) {
    const mean = bytes.length / lengthsOf(new ContentDefinedChunker(sizes), bytes).length;
    assert.ok(Math.abs(mean / sizes.sizeMean - 1) < 0.1, `${mean} instead of ${sizes.sizeMean}`);
  }
});

Deno.test("content-defined chunker: data of one byte value is cut at the maximum (C9)", () => {
  const chunker = new ContentDefinedChunker({ sizeMin: 1024, sizeMean: 65_536, sizeMax: 131_072 });
  for (let value = 0; value < 256; value++) {
    const bytes = new Uint8Array(131_073).fill(value);
    assert.equal(chunker.cut(bytes, 0, bytes.length), 131_072, `value ${value}`);
  }
});

Deno.test("content-defined chunker: data that ends early is one chunk, and no data is none", () => {
  const chunker = new ContentDefinedChunker(SHORT_CHUNKS);
  const bytes = new SeededRandom(2).bytes(chunker.sizeMin);
  assert.equal(chunker.cut(bytes, 0, bytes.length), bytes.length);
  assert.equal(chunker.cut(bytes, 5, 6), 1);
  assert.equal(chunker.cut(bytes, 5, 5), 0);
});

Deno.test("content-defined chunker: a cut depends on the 32 bytes before it (C5)", () => {
  const random = new SeededRandom(3);
  const chunker = new ContentDefinedChunker({ sizeMin: 256, sizeMean: 1024, sizeMax: 4096 });
  const bytes = random.bytes(200_000);
  const first = lengthsOf(chunker, bytes).find((length) => length > 400 && length < 4000)!;
  let at = 0;
  for (const length of lengthsOf(chunker, bytes)) {
    if (length === first) break;
    at += length;
  }
  const rest = bytes.subarray(at);
  assert.equal(chunker.cut(rest, 0, rest.length), first);
  // Zeros before the window meet no condition, so that the cut stays where the window says.
  const blanked = rest.slice();
  blanked.fill(0, 0, first - 32);
  assert.equal(chunker.cut(blanked, 0, blanked.length), first);
});

Deno.test("content-defined chunker: sizes outside of what C3 allows are a RangeError", () => {
  const refused = [
    { sizeMean: 0 },
    { sizeMean: 512, sizeMin: 64 },
    { sizeMean: 1000, sizeMin: 64 },
    { sizeMean: 2 ** 25, sizeMax: 2 ** 25 },
    { sizeMean: NaN },
    { sizeMin: 31 },
    { sizeMin: 0 },
    { sizeMin: 1000.5 },
    { sizeMin: 196_609 },
    { sizeMax: 262_143 },
    { sizeMax: CHUNK_SIZE_MAX + 1 },
    { sizeMax: Infinity },
  ];
  const allowed = { sizeMin: 131_072, sizeMean: 262_144, sizeMax: 1_048_576 };
  for (const change of refused) {
    const sizes = { ...allowed, ...change };
    assert.throws(() => new ContentDefinedChunker(sizes), RangeError, JSON.stringify(change));
  }
  const widest = { sizeMin: 32, sizeMean: 1024, sizeMax: CHUNK_SIZE_MAX };
  assert.equal(new ContentDefinedChunker(widest).sizeMax, CHUNK_SIZE_MAX);
  const tightest = { sizeMin: 768, sizeMean: 1024, sizeMax: 1024 };
  assert.equal(new ContentDefinedChunker(tightest).sizeMin, 768);
});
