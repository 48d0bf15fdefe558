/**
 * What reading through a cache that has everything costs beside a directory store: `get` calls, 16
 * at a time, of 2,000 blocks of 512 KiB and 20,000 of 4 KiB, all in the system's memory.
 *
 *     deno run -A tests/bench/cache_bench.ts [folder]
 *
 * A block that the cache checked within the last minute is not checked again, so the first reading,
 * by a cache that was just opened, and later ones are told apart.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a program that prints

import { forEachBounded } from "../../lib/base/concurrency.ts";
import type { BlockId } from "../../lib/block/block_ref.ts";
import { openBlockCache } from "../../lib/store/block_cache.ts";
import { DirectoryStore } from "../../lib/store/directory_store.ts";
import { MemoryStore } from "../../lib/store/memory_store.ts";
import type { Store } from "../../lib/store/store.ts";
import { CachedStore } from "../../lib/store/wrappers/cached_store.ts";
import { testIdOf } from "../helpers/random_block.ts";

/** Reads under way at a time. */
const CONCURRENCY = 16;

/** Microseconds a block: of the directory store, and of the cache when it checks and later. */
export interface CacheFigures {
  readonly directory: number;
  readonly first: number;
  readonly later: number;
}

/**
 * Measures in `folder`, which must be empty and is left so.
 *
 * @param rounds How often all blocks are read; the middle one counts.
 */
export async function measureCache(
  folder: string,
  count: number,
  sizeBytes: number,
  rounds: number,
): Promise<CacheFigures> {
  await using directory = await DirectoryStore.open(`${folder}/store`, { create: true });
  const ids: BlockId[] = [];
  {
    await using filled = await openBlockCache(`${folder}/cache`, { freeSpaceMin: 0 });
    const block = new Uint8Array(sizeBytes);
    for (let i = 0; i < count; i++) {
      crypto.getRandomValues(block.subarray(0, 64));
      const id = testIdOf(block);
      ids.push(id);
      await directory.put(id, block);
      await filled.put(id, block);
    }
  }
  const read = async (store: Store): Promise<number> => {
    const startedMs = performance.now();
    await forEachBounded(ids, CONCURRENCY, async (id) => {
      await store.get(id);
    });
    return (performance.now() - startedMs) * 1000 / count;
  };
  const figures = { directory: [] as number[], first: [] as number[], later: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    await using cache = await openBlockCache(`${folder}/cache`, { freeSpaceMin: 0 });
    // What is not in the cache would fail.
    await using cached = new CachedStore(new MemoryStore(), cache);
    figures.first.push(await read(cached));
    figures.directory.push(await read(directory));
    figures.later.push(await read(cached));
  }
  await Deno.remove(`${folder}/store`, { recursive: true });
  await Deno.remove(`${folder}/cache`, { recursive: true });
  const middle = (values: number[]): number => values.toSorted((a, b) => a - b)[rounds >> 1]!;
  return {
    directory: middle(figures.directory),
    first: middle(figures.first),
    later: middle(figures.later),
  };
}

if (import.meta.main) {
  const folder = await Deno.makeTempDir(Deno.args[0] === undefined ? {} : { dir: Deno.args[0] });
  for (const [count, sizeBytes] of [[2000, 512 * 1024], [20_000, 4096]] as const) {
    const { directory, first, later } = await measureCache(folder, count, sizeBytes, 7);
    console.log(
      `${count} blocks of ${sizeBytes / 1024} KiB, µs each: directory store ` +
        `${directory.toFixed(1)}; cache ${later.toFixed(1)} (${(later / directory).toFixed(2)} ` +
        `times), at first ${first.toFixed(1)} (${(first / directory).toFixed(2)} times)`,
    );
  }
  await Deno.remove(folder, { recursive: true });
}
