/** Goal: the benchmark of the cache does not rot. Method: it runs with a few blocks. */

import assert from "node:assert/strict";
import { measureCache } from "./cache_bench.ts";

Deno.test("bench: measures reading through a cache, and leaves nothing behind", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const figures = await measureCache(folder, 50, 4096, 1);
    for (const value of Object.values(figures)) assert.ok(value > 0);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
