/** Goal: every kind of call goes through `around`, with what it is, and as its caller wants it. */

import assert from "node:assert/strict";
import type { BlockId } from "../../../../../lib/block/block_ref.ts";
import { MemoryStore } from "../../../../../lib/store/memory_store.ts";
import type { StoreCallOptions } from "../../../../../lib/store/store.ts";
import {
  CallWrapper,
  describeCall,
  type MakeCall,
  type StoreCall,
} from "../../../../../lib/store/wrappers/call_wrapper.ts";
import { randomBlock } from "../../../../helpers/random_block.ts";

class RecordingWrapper extends CallWrapper {
  readonly calls: StoreCall[] = [];

  protected override async around<Result>(
    call: StoreCall,
    make: MakeCall<Result>,
    options: StoreCallOptions,
  ): Promise<Result> {
    this.calls.push(call);
    return await make(options);
  }

  protected override listInner(options: StoreCallOptions): AsyncIterable<BlockId> {
    this.calls.push({ operation: "list", bytesOut: 0 });
    return this.inner.list!(options);
  }
}

Deno.test("CallWrapper: every call goes through one method, with its options", async () => {
  await using store = new RecordingWrapper(new MemoryStore());
  const { id, block } = randomBlock(100);
  assert.equal(await store.put(id, block), "stored");
  assert.equal(await store.put(id, block), "present");
  assert.equal(await store.put(id, block, { replace: true }), "stored");
  assert.deepEqual(await store.get(id), block);
  assert.deepEqual(await store.has([id]), [true]);
  assert.deepEqual(await Array.fromAsync(store.list!()), [id]);
  await store.flush();
  assert.equal(await store.delete!(id), true);
  const put = { operation: "put", id, bytesOut: 100 };
  assert.deepEqual(store.calls, [
    put,
    put,
    put,
    { operation: "get", id, bytesOut: 0 },
    { operation: "has", bytesOut: 0 },
    { operation: "list", bytesOut: 0 },
    { operation: "flush", bytesOut: 0 },
    { operation: "delete", id, bytesOut: 0 },
  ]);
  const signal = AbortSignal.abort(new Error("stop"));
  for (const call of [store.get(id, { signal }), store.put(id, block, { signal })]) {
    await assert.rejects(call, /stop/);
  }
});

Deno.test("describeCall: says what cannot be done", () => {
  const { id } = randomBlock(10);
  assert.equal(describeCall({ operation: "get", id }), `read block ${id}`);
  assert.equal(describeCall({ operation: "put", id }), `store block ${id}`);
  assert.equal(describeCall({ operation: "delete", id }), `delete block ${id}`);
  assert.equal(describeCall({ operation: "has" }), "look for blocks");
  assert.equal(describeCall({ operation: "list" }), "list the blocks");
  assert.equal(describeCall({ operation: "flush" }), "make the blocks durable");
});
