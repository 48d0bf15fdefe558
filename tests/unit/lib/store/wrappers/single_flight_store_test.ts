/** Goal: one inner call for all who ask side by side, with nothing shared that they could notice. */

import assert from "node:assert/strict";
import type { Bytes } from "../../../../../lib/base/bytes.ts";
import type { BlockId } from "../../../../../lib/block/block_ref.ts";
import { MemoryStore } from "../../../../../lib/store/memory_store.ts";
import type { StoreCallOptions } from "../../../../../lib/store/store.ts";
import { SingleFlightStore } from "../../../../../lib/store/wrappers/single_flight_store.ts";
import { FaultyStore } from "../../../../helpers/faulty_store.ts";
import { randomBlock } from "../../../../helpers/random_block.ts";

/** Answers when it is told to. */
class HeldStore extends MemoryStore {
  readonly calls: { signal: AbortSignal; settle: PromiseWithResolvers<Bytes> }[] = [];

  override async get(_id: BlockId, { signal }: StoreCallOptions = {}): Promise<Bytes> {
    const settle = Promise.withResolvers<Bytes>();
    signal!.addEventListener("abort", () => settle.reject(signal!.reason));
    this.calls.push({ signal: signal!, settle });
    return await settle.promise;
  }
}

Deno.test("SingleFlightStore: gets of one block side by side are one, and each owns its bytes", async () => {
  const inner = new FaultyStore(new MemoryStore());
  await using store = new SingleFlightStore(inner);
  const [one, other] = [randomBlock(100), randomBlock(100)];
  for (const { id, block } of [one, other]) await store.put(id, block);
  const got = await Promise.all([one.id, one.id, other.id, one.id].map(async (id) => {
    const block = await store.get(id);
    const copy = block.slice();
    // As if it were handed to another thread.
    structuredClone(block, { transfer: [block.buffer] });
    return copy;
  }));
  assert.deepEqual(got, [one.block, one.block, other.block, one.block]);
  assert.equal(inner.calls.get, 2);
  await store.get(one.id);
  assert.equal(inner.calls.get, 3);
});

Deno.test("SingleFlightStore: a failure reaches all who wait and is not kept", async () => {
  const inner = new HeldStore();
  await using store = new SingleFlightStore(inner);
  const { id, block } = randomBlock(10);
  const gets = [store.get(id), store.get(id)];
  inner.calls[0]!.settle.reject(new Error("broken"));
  for (const get of gets) await assert.rejects(get, /broken/);
  const again = store.get(id);
  inner.calls[1]!.settle.resolve(block);
  assert.equal(await again, block);
});

Deno.test("SingleFlightStore: who gives up leaves the others undisturbed", async () => {
  const inner = new HeldStore();
  await using store = new SingleFlightStore(inner);
  const { id, block } = randomBlock(10);
  const controllers = [new AbortController(), new AbortController()];
  const [first, second] = controllers.map(({ signal }) => store.get(id, { signal }));
  controllers[0]!.abort(new Error("first"));
  await assert.rejects(first!, /first/);
  assert.equal(inner.calls[0]!.signal.aborted, false);
  inner.calls[0]!.settle.resolve(block);
  assert.deepEqual(await second, block);
});

Deno.test("SingleFlightStore: when the last one gives up, the inner call is ended, and the next is a new one", async () => {
  const inner = new HeldStore();
  await using store = new SingleFlightStore(inner);
  const { id, block } = randomBlock(10);
  const controllers = [new AbortController(), new AbortController()];
  const gets = controllers.map(({ signal }) => store.get(id, { signal }));
  for (const controller of controllers) controller.abort(new Error("stop"));
  const next = store.get(id);
  for (const get of gets) await assert.rejects(get, /stop/);
  assert.deepEqual(inner.calls.map(({ signal }) => signal.aborted), [true, false]);
  inner.calls[1]!.settle.resolve(block);
  assert.deepEqual(await next, block);
});
