/** Goal: blocks that were used last are in memory, within bounds, and large ones never are. */

import assert from "node:assert/strict";
import { parseBlockId } from "../../../../mod.ts";
import { HotBlocks } from "../../../../hub/content/hot_blocks.ts";

const idOf = (digit: string): ReturnType<typeof parseBlockId> => parseBlockId(digit.repeat(64));

Deno.test("hot blocks: those that were used last stay, as far as they have room", () => {
  // Three of 1000 bytes with what each takes beside them.
  const hot = new HotBlocks(3 * 1256);
  for (const digit of ["a", "b", "c"]) hot.keep(idOf(digit), new Uint8Array(1000).fill(1));
  assert.ok(hot.get(idOf("a")));
  hot.keep(idOf("d"), new Uint8Array(1000));
  assert.equal(hot.get(idOf("b")), undefined);
  for (const digit of ["a", "c", "d"]) assert.equal(hot.get(idOf(digit))?.length, 1000);
  hot.keep(idOf("d"), new Uint8Array(1000));
  assert.ok(hot.get(idOf("a")), "a block that is there already takes nothing");
});

Deno.test("hot blocks: one that is large, or larger than all of the room, is not kept", () => {
  const large = new Uint8Array(64 * 1024 + 1);
  const hot = new HotBlocks(2 ** 30);
  hot.keep(idOf("a"), large);
  assert.equal(hot.get(idOf("a")), undefined);
  assert.ok(!HotBlocks.mayKeep(large));
  const none = new HotBlocks(0);
  none.keep(idOf("a"), new Uint8Array(1));
  assert.equal(none.get(idOf("a")), undefined);
});
