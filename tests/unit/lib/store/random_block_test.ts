/** Goal: blocks of random bytes have their size, are all different, and have the id that was asked for. */

import assert from "node:assert/strict";
import { parseBlockId } from "../../../../lib/block/block_ref.ts";
import { blake3IdOf, randomBlock } from "../../../../lib/store/random_block.ts";

Deno.test("randomBlock: is random to its end, at any size", () => {
  for (const size of [1, 65536, 65537, 300_000]) {
    const { id, block } = randomBlock(size);
    assert.equal(block.length, size);
    assert.equal(id, blake3IdOf(block));
  }
  const { block } = randomBlock(200_000);
  for (let at = 0; at < block.length; at += 1000) {
    assert.ok(block.subarray(at, at + 1000).some((byte) => byte !== 0), `zeros at ${at}`);
  }
  assert.notEqual(randomBlock(32).id, randomBlock(32).id);
  const id = parseBlockId("ab".repeat(32));
  assert.equal(randomBlock(10, () => id).id, id);
});
