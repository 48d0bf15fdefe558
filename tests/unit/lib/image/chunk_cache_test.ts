/** Goal: a chunk is loaded once for many readers, memory stays bounded, and failures do not stick. */

import assert from "node:assert/strict";
import { ChunkCache } from "../../../../lib/image/chunk_cache.ts";

const MIB = 1024 * 1024;

Deno.test("ChunkCache: many who want a chunk at once have it loaded once", async () => {
  const loads: number[] = [];
  const gate = Promise.withResolvers<void>();
  const cache = new ChunkCache(async (chunk) => {
    loads.push(chunk);
    await gate.promise;
    return Uint8Array.of(chunk);
  });
  const reads = [1, 1, 2, 1].map((chunk) => cache.get(chunk));
  gate.resolve();
  assert.deepEqual((await Promise.all(reads)).map(([byte]) => byte), [1, 1, 2, 1]);
  await cache.get(2);
  assert.deepEqual(loads, [1, 2]);
});

Deno.test("ChunkCache: what was used longest ago goes when 32 MiB are full", async () => {
  const loads: number[] = [];
  const cache = new ChunkCache((chunk) => {
    loads.push(chunk);
    return Promise.resolve(new Uint8Array(8 * MIB));
  });
  for (const chunk of [1, 2, 3, 4, 1, 5]) await cache.get(chunk);
  assert.deepEqual(loads, [1, 2, 3, 4, 5]);
  // 2 had to go; 1 was used again, and stays.
  for (const chunk of [1, 3, 4, 5]) await cache.get(chunk);
  assert.deepEqual(loads, [1, 2, 3, 4, 5]);
  await cache.get(2);
  assert.deepEqual(loads, [1, 2, 3, 4, 5, 2]);
});

Deno.test("ChunkCache: a failure reaches all who wait, and the next asks again", async () => {
  let calls = 0;
  const cache = new ChunkCache(() =>
    ++calls === 1 ? Promise.reject(new Error("away")) : Promise.resolve(Uint8Array.of(9))
  );
  const reads = await Promise.allSettled([cache.get(1), cache.get(1)]);
  assert.deepEqual(reads.map(({ status }) => status), ["rejected", "rejected"]);
  assert.deepEqual(await cache.get(1), Uint8Array.of(9));
  assert.equal(calls, 2);
});
