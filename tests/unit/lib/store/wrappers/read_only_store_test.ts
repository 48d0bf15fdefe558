/** Goal: what is read only can be read, and says what to do about the rest. */

import assert from "node:assert/strict";
import { StoreDeniedError } from "../../../../../lib/base/errors.ts";
import { MemoryStore } from "../../../../../lib/store/memory_store.ts";
import { ReadOnlyStore } from "../../../../../lib/store/wrappers/read_only_store.ts";
import { randomBlock } from "../../../../helpers/random_block.ts";

Deno.test("ReadOnlyStore: reads, and denies put and delete with a hint", async () => {
  const inner = new MemoryStore("kept");
  await using store = new ReadOnlyStore(inner);
  const [kept, other] = [randomBlock(100), randomBlock(100)];
  await inner.put(kept.id, kept.block);
  assert.deepEqual(await store.get(kept.id), kept.block);
  assert.deepEqual(await store.has([kept.id, other.id]), [true, false]);
  assert.deepEqual(await Array.fromAsync(store.list!()), [kept.id]);
  const expected = (error: unknown): boolean => {
    assert.ok(error instanceof StoreDeniedError);
    assert.match(error.message, /^Cannot (store|delete) block .* mem:\/\/kept: .*read only$/);
    assert.match(error.hint!, /readOnly/);
    return true;
  };
  await assert.rejects(store.put(other.id, other.block), expected);
  await assert.rejects(store.put(kept.id, kept.block, { replace: true }), expected);
  await assert.rejects(store.delete!(kept.id), expected);
  const signal = AbortSignal.abort(new Error("stop"));
  await assert.rejects(store.put(other.id, other.block, { signal }), /^Error: stop$/);
  assert.deepEqual(await inner.has([kept.id, other.id]), [true, false]);
  await inner.delete(kept.id);
});
