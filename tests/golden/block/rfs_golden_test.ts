/**
 * Goal: blocks of the `rfs` profile are those that rfs reads and writes, as B40 to B48 of
 * lib/block/FORMAT.md say. Method: vectors that `make_vectors.py` made with hashlib, OpenSSL, and a
 * Snappy encoder and decoder of its own.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createBlockCodec } from "../../../lib/block/block_codec.ts";
import { BlockKey, parseBlockId } from "../../../lib/block/block_ref.ts";
import { assertSameBytes, testBackends } from "../../unit/lib/block/block_testing.ts";
import { makeData } from "./make_data.ts";
import vectors from "./rfs_vectors.json" with { type: "json" };

testBackends("rfs blocks: are sealed as B41 to B45 say", (backend) => {
  const codec = createBlockCodec("rfs", { backend });
  for (const vector of vectors.written) {
    const chunk = makeData(vector.chunk);
    const key = codec.keyOf(chunk);
    assert.equal(key.toBytes().toHex(), vector.key, "B41");
    const { ref, block } = codec.seal(chunk, key);
    assert.equal(ref.storedSize, vector.storedSize, "B44");
    assert.equal(ref.id, vector.id, "B45");
    assertSameBytes(codec.open(ref, block), chunk);
  }
});

for (const vector of vectors.foreign) {
  testBackends(`rfs blocks: opens what others made by B41 to B45: ${vector.name}`, (backend) => {
    const chunk = makeData(vector.chunk);
    const ref = {
      id: parseBlockId(vector.id),
      key: BlockKey.fromBytes(Uint8Array.fromHex(vector.key)),
      size: chunk.length,
    };
    const opened = createBlockCodec("rfs", { backend })
      .open(ref, Uint8Array.fromBase64(vector.block));
    assertSameBytes(opened, chunk);
  });
}
