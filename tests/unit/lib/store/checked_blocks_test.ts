/** Goal: a check counts for a while, for the very file that was checked. */

import assert from "node:assert/strict";
import { CheckedBlocks } from "../../../../lib/store/checked_blocks.ts";
import { randomBlock } from "../../../helpers/random_block.ts";

const stamp = { inode: 1, size: 100_000, mtime: 2, mtimeNsec: 3 };

Deno.test("CheckedBlocks: a check counts for a minute", () => {
  const checked = new CheckedBlocks();
  const { id } = randomBlock(8);
  assert.equal(checked.has(id, stamp, 0), false);
  checked.add(id, stamp, 1000);
  assert.equal(checked.has(id, { ...stamp }, 60_999), true);
  assert.equal(checked.has(id, stamp, 61_000), false);
  assert.equal(checked.has(id, stamp, -60_000), false);
  checked.delete(id);
  assert.equal(checked.has(id, stamp, 1000), false);
});

Deno.test("CheckedBlocks: it does not count for a file that differs in anything", () => {
  const checked = new CheckedBlocks();
  const { id } = randomBlock(8);
  checked.add(id, stamp, 0);
  for (const field of Object.keys(stamp) as (keyof typeof stamp)[]) {
    assert.equal(checked.has(id, { ...stamp, [field]: 77 }, 0), false, field);
  }
});

Deno.test("CheckedBlocks: small blocks are not remembered, and old checks are forgotten first", () => {
  const checked = new CheckedBlocks();
  const small = { ...stamp, size: 4096 };
  const { id } = randomBlock(8);
  checked.add(id, small, 0);
  assert.equal(checked.has(id, small, 0), false);
  const ids = Array.from({ length: 16_385 }, () => randomBlock(8).id);
  for (const each of ids) checked.add(each, stamp, 0);
  assert.equal(checked.has(ids[0]!, stamp, 0), false);
  assert.equal(checked.has(ids[1]!, stamp, 0), true);
  assert.equal(checked.has(ids.at(-1)!, stamp, 0), true);
});
