/** Goal: who shares the blocks of a memory store. The rest is in the contract. */

import assert from "node:assert/strict";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { randomBlock } from "../../../helpers/random_block.ts";

Deno.test("MemoryStore: stores of one name share their blocks, others do not", async () => {
  const { id, block } = randomBlock(100);
  const name = crypto.randomUUID();
  await using first = new MemoryStore(name);
  await first.put(id, block);
  await using second = new MemoryStore(name);
  assert.deepEqual(await second.get(id), block);
  assert.equal(second.url, `mem://${name}`);
  await using other = new MemoryStore(crypto.randomUUID());
  assert.deepEqual(await other.has([id]), [false]);
});

Deno.test("MemoryStore: keeps the blocks of a name when a store of it is closed", async () => {
  const { id, block } = randomBlock(100);
  const name = crypto.randomUUID();
  {
    await using store = new MemoryStore(name);
    await store.put(id, block);
  }
  await using store = new MemoryStore(name);
  assert.deepEqual(await store.has([id]), [true]);
});

Deno.test("MemoryStore: without a name shares with nobody", async () => {
  const { id, block } = randomBlock(100);
  await using store = new MemoryStore();
  await store.put(id, block);
  await using other = new MemoryStore();
  assert.deepEqual(await other.has([id]), [false]);
});
