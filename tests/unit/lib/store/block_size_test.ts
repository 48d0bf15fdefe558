/** Goal: exactly the sizes that a block can have pass. */

import assert from "node:assert/strict";
import { BLOCK_SIZE_MAX } from "../../../../lib/base/limits.ts";
import { parseBlockId } from "../../../../lib/block/block_ref.ts";
import { assertBlockSize } from "../../../../lib/store/block_size.ts";

const id = parseBlockId("0".repeat(64));

Deno.test("assertBlockSize: accepts 1 byte to the maximum, and nothing else", () => {
  assertBlockSize(id, new Uint8Array(1));
  assertBlockSize(id, new Uint8Array(BLOCK_SIZE_MAX));
  assert.throws(() => assertBlockSize(id, new Uint8Array(0)), RangeError);
  assert.throws(() => assertBlockSize(id, new Uint8Array(BLOCK_SIZE_MAX + 1)), RangeError);
});
