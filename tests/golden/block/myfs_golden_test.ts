/**
 * Goal: blocks of the `myfs` profile are what B10 to B23 of lib/block/FORMAT.md say, for ever.
 * Method: vectors that `make_vectors.py` made with other implementations of every primitive.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createBlockCodec } from "../../../lib/block/block_codec.ts";
import { BlockKey, parseBlockId } from "../../../lib/block/block_ref.ts";
import { compressZstd } from "../../../lib/block/compression.ts";
import { assertSameBytes, testBackends } from "../../unit/lib/block/block_testing.ts";
import { makeData } from "./make_data.ts";
import vectors from "./myfs_vectors.json" with { type: "json" };
import payloads from "./payloads.json" with { type: "json" };

function optionsOf(secret: string | null): { readonly domainSecret?: Uint8Array } {
  return secret === null ? {} : { domainSecret: Uint8Array.fromHex(secret) };
}

testBackends("myfs blocks: raw chunks are sealed as B10 to B20 say", (backend) => {
  for (const vector of vectors.raw) {
    const chunk = makeData(vector.chunk);
    const codec = createBlockCodec("myfs", { backend, ...optionsOf(vector.secret) });
    const key = codec.keyOf(chunk);
    assert.equal(key.toBytes().toHex(), vector.key, "B10, B11");
    const { ref, block } = codec.seal(chunk, key);
    assert.equal(block.subarray(0, 12).toHex(), vector.nonce, "B17, B19");
    if (vector.block !== undefined) assert.equal(block.toHex(), vector.block, "B12, B19");
    assert.equal(ref.id, vector.id, "B20");
    assert.equal(ref.size, chunk.length);
    assert.equal(ref.storedSize, vector.storedSize, "B19");
    assertSameBytes(codec.open(ref, block), chunk);
  }
});

testBackends("myfs blocks: compressed chunks are sealed as B10 to B20 say", (backend) => {
  for (const vector of vectors.written) {
    const chunk = makeData(vector.chunk);
    const codec = createBlockCodec("myfs", {
      backend,
      level: vector.level,
      ...optionsOf(vector.secret),
    });
    const { ref, block } = codec.seal(chunk, codec.keyOf(chunk));
    assert.equal(ref.key.toBytes().toHex(), vector.key, "B10, B11");
    assert.equal(block.subarray(0, 12).toHex(), vector.nonce, "B17");
    assert.equal(ref.storedSize, vector.storedSize, "B19");
    assert.equal(ref.id, vector.id, "B20");
    assertSameBytes(codec.open(ref, block), chunk);
  }
});

for (const vector of vectors.foreign) {
  testBackends(`myfs blocks: opens what others made by B12 to B19: ${vector.name}`, (backend) => {
    const chunk = makeData(vector.chunk);
    const ref = {
      id: parseBlockId(vector.id),
      key: BlockKey.fromBytes(Uint8Array.fromHex(vector.key)),
      size: chunk.length,
    };
    const opened = createBlockCodec("myfs", { backend })
      .open(ref, Uint8Array.fromBase64(vector.block));
    assertSameBytes(opened, chunk);
  });
}

Deno.test("myfs blocks: the runtime's zstd makes the frames that B15 pins", () => {
  for (const { chunk, level, frame } of payloads.zstd) {
    const found = new Uint8Array(compressZstd(makeData(chunk), level));
    assert.equal(
      found.toBase64(),
      frame,
      `level ${level} of ${chunk.kind}: the zstd of this Deno makes other frames than the pinned ` +
        "one, so blocks would no longer be shared with those that exist",
    );
  }
});
