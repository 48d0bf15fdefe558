/**
 * Goal: chunk boundaries are part of the format and never move. Method: lengths that
 * `make_boundaries.py` found from the sentences of lib/block/FORMAT.md.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ContentDefinedChunker } from "../../../lib/chunk/content_defined_chunker.ts";
import { makeData } from "../block/make_data.ts";
import {
  LONG_CHUNKS,
  LONG_CHUNKS_FILE_SIZE_MIN,
  SHORT_CHUNKS,
} from "../../../lib/chunk/chunk_sizes.ts";
import cases from "./boundaries.json" with { type: "json" };

for (const { data, sizes, lengths } of cases) {
  const name = `${data.length} ${data.kind} at ${Object.values(sizes).join("/")}`;
  Deno.test(`content-defined chunker: cuts as C3 to C7 say for ${name}`, () => {
    const bytes = makeData(data);
    const chunker = new ContentDefinedChunker(sizes);
    const found: number[] = [];
    for (let at = 0; at < bytes.length;) {
      found.push(chunker.cut(bytes, at, bytes.length));
      at += found.at(-1)!;
    }
    assert.deepEqual(found, lengths);
  });
}

Deno.test("chunk sizes: are those of C3", () => {
  assert.deepEqual(SHORT_CHUNKS, cases[0]!.sizes);
  assert.deepEqual(LONG_CHUNKS, cases[3]!.sizes);
  assert.equal(LONG_CHUNKS_FILE_SIZE_MIN, 33_554_432);
});
