/** Goal: a wrapper hands on every call, and has exactly the optional parts of the store inside. */

import assert from "node:assert/strict";
import { MemoryStore } from "../../../../../lib/store/memory_store.ts";
import type { StoreCallOptions } from "../../../../../lib/store/store.ts";
import { StoreWrapper } from "../../../../../lib/store/wrappers/store_wrapper.ts";
import { FaultyStore } from "../../../../helpers/faulty_store.ts";
import { randomBlock } from "../../../../helpers/random_block.ts";

class PlainWrapper extends StoreWrapper {}

Deno.test("StoreWrapper: hands on every call with its options, and is disposed of with what is inside", async () => {
  const inner = new FaultyStore(new MemoryStore("plain"));
  const store = new PlainWrapper(inner);
  assert.equal(store.url, "mem://plain");
  const { id, block } = randomBlock(100);
  assert.equal(await store.put(id, block), "stored");
  assert.equal(await store.put(id, block, { replace: true }), "stored");
  assert.deepEqual(await store.get(id), block);
  assert.deepEqual(await store.has([id]), [true]);
  assert.deepEqual(await Array.fromAsync(store.list!()), [id]);
  assert.equal(await store.delete!(id), true);
  await store.flush();
  assert.deepEqual(inner.calls, { get: 1, put: 2, has: 1, list: 1, delete: 1, flush: 1 });
  const aborted: StoreCallOptions = { signal: AbortSignal.abort(new Error("stop")) };
  await assert.rejects(store.get(id, aborted), /stop/);
  await assert.rejects(Array.fromAsync(store.list!(aborted)), /stop/);
  await store[Symbol.asyncDispose]();
  assert.equal(inner.disposed, true);
});

Deno.test("StoreWrapper: lists and deletes only where the store inside does, and is never local", () => {
  const bare = Object.defineProperties(new MemoryStore(), {
    list: { value: undefined },
    delete: { value: undefined },
    local: { value: { directories: [] } },
  });
  const store = new PlainWrapper(bare);
  assert.equal(store.list, undefined);
  assert.equal(store.delete, undefined);
  assert.equal("local" in store, false);
});
