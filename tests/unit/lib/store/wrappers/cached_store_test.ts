/** Goal: what was read once comes from the cache, and a cache that fails fails no read. */

import assert from "node:assert/strict";
import { StoreUnavailableError } from "../../../../../lib/base/errors.ts";
import { MemoryStore } from "../../../../../lib/store/memory_store.ts";
import { CachedStore, withBlockCache } from "../../../../../lib/store/wrappers/cached_store.ts";
import { CachePlace } from "../../../../helpers/cache_place.ts";
import { FaultyStore } from "../../../../helpers/faulty_store.ts";
import { randomBlock } from "../../../../helpers/random_block.ts";

Deno.test("CachedStore: asks the store inside once for a block, and not for what is in the cache", async () => {
  using place = new CachePlace();
  await using cache = await place.open();
  const inner = new FaultyStore(new MemoryStore());
  await using store = new CachedStore(inner, cache);
  const [one, other] = [randomBlock(5000), randomBlock(100)];
  for (const { id, block } of [one, other]) await store.put(id, block);
  // What is put is not thereby read.
  assert.deepEqual(place.look().ids, []);
  for (let i = 0; i < 3; i++) assert.deepEqual(await store.get(one.id), one.block);
  assert.equal(inner.calls.get, 1);
  const absent = randomBlock(10);
  assert.deepEqual(await store.has([one.id, absent.id, other.id, one.id]), [
    true,
    false,
    true,
    true,
  ]);
  assert.deepEqual(await store.has([one.id]), [true]);
  assert.equal(inner.calls.has, 1);
  await assert.rejects(store.get(absent.id), { code: "block_not_found" });
});

Deno.test("CachedStore: reads on when the store inside is gone", async () => {
  using place = new CachePlace();
  await using cache = await place.open();
  const { id, block } = randomBlock(5000);
  const memory = new MemoryStore();
  await memory.put(id, block);
  const gone = new StoreUnavailableError("mem://", "It is gone");
  await using store = withBlockCache(
    new FaultyStore(memory, [{ call: "get", nth: 2, error: gone }]),
    cache,
  );
  await store.get(id);
  assert.deepEqual(await store.get(id), block);
  await assert.rejects(store.get(randomBlock(10).id), gone);
});

Deno.test("CachedStore: a damaged block in the cache is fetched again; one from the store is an error", async () => {
  using place = new CachePlace();
  await using cache = await place.open();
  const inner = new FaultyStore(new MemoryStore());
  await using store = new CachedStore(inner, cache);
  const { id, block } = randomBlock(5000);
  await store.put(id, block);
  await store.get(id);
  await Deno.truncate(place.pathOf(id), 50);
  assert.deepEqual(await store.get(id), block);
  assert.equal(inner.calls.get, 2);
  assert.deepEqual(await Deno.readFile(place.pathOf(id)), block);
  const wrong = randomBlock(100);
  await store.put(wrong.id, block);
  await assert.rejects(store.get(wrong.id), { code: "block_corrupt" });
  assert.equal(cache.has(wrong.id), false);
});

Deno.test("CachedStore: a cache that is closed, or too small, fails no read", async () => {
  using place = new CachePlace();
  const cache = await place.open({ sizeMax: 0 });
  await using store = new CachedStore(new MemoryStore(), cache);
  const { id, block } = randomBlock(5000);
  await store.put(id, block);
  assert.deepEqual(await store.get(id), block);
  await cache[Symbol.asyncDispose]();
  assert.deepEqual(await store.get(id), block);
});

Deno.test("CachedStore: closes the store inside, and not the cache", async () => {
  using place = new CachePlace();
  await using cache = await place.open();
  const inner = new FaultyStore(new MemoryStore());
  {
    await using _store = new CachedStore(inner, cache);
  }
  assert.equal(inner.disposed, true);
  assert.equal((await place.fill(cache, 1)).length, 1);
  assert.equal((await cache.status()).blocks, 1);
});
