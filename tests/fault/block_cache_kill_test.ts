/**
 * Goal: processes that share a cache and are killed at any moment leave no wrong block, stay within
 * the limit at every moment, and leave a cache that the next one can use. Method: three processes
 * read, fill, pin and make room in one folder; one after the other is killed with SIGKILL, and
 * replaced. Meanwhile and in the end, the space is measured under the lock of the cache.
 */

import assert from "node:assert/strict";
import { openBlockCache } from "../../lib/store/block_cache.ts";
import { BLOCK_SIZE, CachePlace } from "../helpers/cache_place.ts";
import { SeededRandom, takeSeed } from "../helpers/seeded_random.ts";

const HAMMER = new URL("../helpers/cache_hammer.ts", import.meta.url).pathname;
const SIZE_MAX = 1_000_000;
const KILLS = 10;

/** Starts a process that hammers the cache, and waits until it does. */
async function startHammer(folder: string, seed: number): Promise<Deno.ChildProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", HAMMER, folder, String(SIZE_MAX), String(seed)],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  assert.equal(new TextDecoder().decode(value), "ready\n");
  await reader.cancel();
  return child;
}

/** Space of all blocks and of the one under way, while nobody changes anything. */
function measure(place: CachePlace): number {
  using marker = Deno.openSync(`${place.folder}/CACHEDIR.TAG`);
  marker.lockSync(true);
  const { bytes } = place.look();
  let incoming = 0;
  try {
    incoming = Deno.statSync(`${place.folder}/incoming`).size;
  } catch (error) {
    assert.ok(error instanceof Deno.errors.NotFound);
  }
  marker.unlockSync();
  return bytes + Math.ceil(incoming / BLOCK_SIZE) * BLOCK_SIZE;
}

Deno.test("block cache: processes that share it and are killed leave it whole and within its limit", async () => {
  const seed = takeSeed();
  // deno-lint-ignore no-console -- what is random is printed
  console.log(`SEED=${seed}`);
  const random = new SeededRandom(seed);
  using place = new CachePlace();
  {
    await using _cache = await openBlockCache(place.folder, { sizeMax: SIZE_MAX });
  }
  const start = (): Promise<Deno.ChildProcess> =>
    startHammer(place.folder, 1 + random.below(2 ** 30));
  const running = await Promise.all([start(), start(), start()]);
  let most = 0;
  try {
    for (let kills = 0; kills < KILLS; kills++) {
      await new Promise((resolve) => setTimeout(resolve, random.below(60)));
      const victim = random.below(running.length);
      running[victim]!.kill("SIGKILL");
      const status = await running[victim]!.status;
      // A process that was given a wrong block has ended by itself.
      assert.equal(status.signal, "SIGKILL", `it ended with ${status.code}`);
      most = Math.max(most, measure(place));
      assert.ok(most <= SIZE_MAX, `${most} bytes after ${kills} kills`);
      running[victim] = await start();
    }
  } finally {
    for (const child of running) child.kill("SIGKILL");
    for (const child of running) await child.status;
  }
  // It was full, or the limit would not have been tried.
  assert.ok(most > SIZE_MAX / 2, `${most}`);
  assert.ok(measure(place) <= SIZE_MAX);
  await using cache = await place.open();
  const before = place.look();
  const { blocks, damaged } = await cache.verify();
  assert.deepEqual(damaged, []);
  assert.equal(blocks, before.ids.length);
  const status = await cache.status();
  assert.equal(status.bytes, place.look().bytes);
  assert.equal(status.sizeMax, SIZE_MAX);
  await place.fill(cache, 20);
  assert.ok(measure(place) <= SIZE_MAX);
  assert.equal(place.names("cache").includes("incoming"), false);
  assert.deepEqual(place.warnings, []);
});
