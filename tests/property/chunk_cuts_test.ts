/**
 * Goal: chunkers cut alike however the data is fed, within their limits, and content-defined cuts
 * stay where they are when the content changes elsewhere. Method: random data; the seed is the name
 * of the step, and SEED repeats it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { concatBytes } from "../../lib/base/bytes.ts";
import type { Chunker } from "../../lib/chunk/chunker.ts";
import { ContentDefinedChunker } from "../../lib/chunk/content_defined_chunker.ts";
import { FixedChunker } from "../../lib/chunk/fixed_chunker.ts";
import { blake3 } from "../../lib/block/digest.ts";
import { SeededRandom, takeSeed } from "../helpers/seeded_random.ts";

const sizes = { sizeMin: 256, sizeMean: 1024, sizeMax: 4096 };

function lengthsOf(chunker: Chunker, bytes: Uint8Array): number[] {
  const lengths: number[] = [];
  for (let at = 0; at < bytes.length;) {
    lengths.push(chunker.cut(bytes, at, bytes.length));
    at += lengths.at(-1)!;
  }
  return lengths;
}

/** Cuts like a reader that gets the data in portions and keeps no more than it must. */
function lengthsOfPortions(chunker: Chunker, bytes: Uint8Array, random: SeededRandom): number[] {
  const lengths: number[] = [];
  // Bytes before and after the data that are none of the chunker's business.
  const margin = random.below(50);
  const buffer = random.bytes(margin + chunker.sizeMax * 3);
  let start = margin;
  let end = margin;
  for (let at = 0;;) {
    while (end - start < chunker.sizeMax && at < bytes.length) {
      if (start > margin) {
        buffer.copyWithin(margin, start, end);
        end -= start - margin;
        start = margin;
      }
      const room = Math.min(buffer.length - end, bytes.length - at);
      const portion = Math.min(1 + random.below(2000), room);
      buffer.set(bytes.subarray(at, at + portion), end);
      at += portion;
      end += portion;
    }
    if (start === end) return lengths;
    const length = chunker.cut(buffer, start, end);
    lengths.push(length);
    start += length;
  }
}

function someData(random: SeededRandom): Uint8Array {
  const length = random.below(60_000);
  const kind = random.below(4);
  if (kind === 0) return new Uint8Array(length);
  if (kind === 1) return random.runs(length);
  if (kind === 2) return random.bytes(length);
  return concatBytes([random.bytes(length >> 1), new Uint8Array(length >> 1)]);
}

Deno.test("chunkers: any way of feeding gives the same cuts, within the limits", async (t) => {
  const seed = takeSeed();
  await t.step(`SEED=${seed}`, () => {
    const random = new SeededRandom(seed);
    for (let round = 0; round < 100; round++) {
      const bytes = someData(random);
      for (const chunker of [new ContentDefinedChunker(sizes), new FixedChunker(1000)]) {
        const lengths = lengthsOf(chunker, bytes);
        assert.deepEqual(lengthsOfPortions(chunker, bytes, random), lengths);
        assert.equal(lengths.reduce((sum, length) => sum + length, 0), bytes.length);
        const sizeMin = chunker instanceof ContentDefinedChunker ? chunker.sizeMin : 1000;
        for (const length of lengths.slice(0, -1)) {
          assert.ok(length >= sizeMin && length <= chunker.sizeMax);
        }
        if (lengths.length > 0) assert.ok(lengths.at(-1)! > 0);
      }
    }
  });
});

Deno.test("content-defined chunker: a change moves only the cuts near it", async (t) => {
  const seed = takeSeed();
  await t.step(`SEED=${seed}`, () => {
    const random = new SeededRandom(seed);
    const chunker = new ContentDefinedChunker(sizes);
    for (let round = 0; round < 10; round++) {
      const before = random.bytes(400_000);
      const at = random.below(before.length);
      const removed = random.below(300);
      const inserted = random.bytes(random.below(300));
      const after = concatBytes([
        before.subarray(0, at),
        inserted,
        before.subarray(Math.min(before.length, at + removed)),
      ]);
      const known = new Set(digestsOf(chunker, before));
      const added = digestsOf(chunker, after).filter((digest) => !known.has(digest));
      // Of about 400 chunks: the one that was changed, and those until the cuts meet again. That
      // takes two or three on average; 60 is out of reach for chance.
      assert.ok(added.length <= 60, `${added.length} chunks are new`);
    }
  });
});

function digestsOf(chunker: Chunker, bytes: Uint8Array): string[] {
  let at = 0;
  return lengthsOf(chunker, bytes).map((length) =>
    blake3(bytes.subarray(at, at += length)).toHex()
  );
}
