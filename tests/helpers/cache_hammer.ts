/**
 * A process that reads and fills a cache as fast as it can, until somebody kills it.
 *
 * Arguments: folder, limit in bytes, seed. It ends with 1 when it is given a wrong block.
 *
 * @module
 */

import { equalBytes } from "../../lib/base/bytes.ts";
import { type BlockCache, openBlockCache } from "../../lib/store/block_cache.ts";
import { SeededRandom } from "./seeded_random.ts";
import { testIdOf } from "./random_block.ts";

/** How many blocks there are to be cached. */
const BLOCK_COUNT = 300;

/** Block `index` of those that all processes read: some small, some large. */
function hammeredBlock(index: number): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(1 + (index * 7919) % (index % 10 === 0 ? 400_000 : 20_000));
  for (let at = 0; at < block.length; at++) block[at] = index + at * 31 + (at >> 8);
  return block;
}

async function hammer(cache: BlockCache, random: SeededRandom): Promise<never> {
  const blocks = Array.from({ length: BLOCK_COUNT }, (_, index) => {
    const block = hammeredBlock(index);
    return { id: testIdOf(block), block };
  });
  const work = async (): Promise<never> => {
    for (;;) {
      const { id, block } = blocks[random.below(blocks.length)]!;
      const found = cache.get(id);
      if (found !== undefined && !equalBytes(found, block)) Deno.exit(1);
      if (found === undefined) await cache.put(id, block);
      if (random.below(200) === 0) {
        await cache.pin(`pin ${random.below(3)}`, [id, blocks[random.below(20)]!.id]);
      }
      if (random.below(200) === 0) await cache.unpin(`pin ${random.below(3)}`);
      if (random.below(5) === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    }
  };
  return await Promise.race(Array.from({ length: 4 }, work));
}

if (import.meta.main) {
  const [folder, sizeMax, seed] = Deno.args as [string, string, string];
  const cache = await openBlockCache(folder, { sizeMax: Number(sizeMax), freeSpaceMin: 0 });
  await Deno.stdout.write(new TextEncoder().encode("ready\n"));
  await hammer(cache, new SeededRandom(Number(seed)));
}
