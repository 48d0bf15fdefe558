/**
 * Goal: whatever is done with a cache, in whatever order, it is what a simple model of it says: which
 * blocks are there, in which order they go, that pins stay and that the limit is kept. Method: random
 * operations of two that have the same cache open; the seed is the name of the step, and SEED repeats
 * it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import type { BlockCache } from "../../lib/store/block_cache.ts";
import { BLOCK_SIZE, CachePlace, type SomeBlock } from "../helpers/cache_place.ts";
import { testIdOf } from "../helpers/random_block.ts";
import { SeededRandom, takeSeed } from "../helpers/seeded_random.ts";

const ROUNDS = 6;
const STEPS = 150;
const NAMES = ["one", "two", "three"];

const spaceOf = ({ block }: SomeBlock): number => Math.ceil(block.length / BLOCK_SIZE) * BLOCK_SIZE;

/** A cache as it should be. */
class Model {
  /** Least recently used first. */
  readonly blocks = new Set<SomeBlock>();
  readonly pins = new Map<string, readonly SomeBlock[]>();
  constructor(public sizeMax: number) {}

  get bytes(): number {
    return this.blocks.values().reduce((sum, block) => sum + spaceOf(block), 0);
  }

  isPinned(block: SomeBlock): boolean {
    return this.pins.values().some((blocks) => blocks.includes(block));
  }

  /** Whether the block is there; if so, it was used. */
  get(block: SomeBlock): boolean {
    if (!this.blocks.delete(block)) return false;
    this.blocks.add(block);
    return true;
  }

  put(block: SomeBlock): string {
    if (this.blocks.has(block)) return "present";
    if (spaceOf(block) > this.sizeMax || !this.trim(spaceOf(block))) return "skipped";
    this.blocks.add(block);
    return "stored";
  }

  /** Removes blocks until `space` more has room; whether it has. */
  trim(space = 0): boolean {
    for (const block of this.blocks) {
      if (this.bytes + space <= this.sizeMax) break;
      if (!this.isPinned(block)) this.blocks.delete(block);
    }
    return this.bytes + space <= this.sizeMax;
  }
}

async function step(
  place: CachePlace,
  caches: BlockCache[],
  model: Model,
  blocks: readonly SomeBlock[],
  random: SeededRandom,
): Promise<string> {
  const which = random.below(caches.length);
  const cache = caches[which]!;
  const block = blocks[random.below(blocks.length)]!;
  const name = NAMES[random.below(NAMES.length)]!;
  const action = random.below(100);
  if (action < 45) {
    const found = cache.get(block.id);
    assert.equal(found !== undefined, model.get(block));
    if (found !== undefined) assert.deepEqual(found, block.block);
    return "get";
  }
  if (action < 85) {
    assert.equal(await cache.put(block.id, block.block), model.put(block));
    return "put";
  }
  if (action < 88) {
    const pinned = blocks.filter(() => random.below(6) === 0);
    const { blocksPresent } = await cache.pin(name, pinned.map(({ id }) => id));
    assert.equal(blocksPresent, pinned.filter((block) => model.blocks.has(block)).length);
    model.pins.set(name, pinned);
    model.trim();
    return "pin";
  }
  if (action < 91) {
    assert.equal(await cache.unpin(name), model.pins.delete(name));
    model.trim();
    return "unpin";
  }
  if (action < 93) {
    assert.equal(cache.remove(block.id), model.blocks.delete(block));
    // The index may count it until it is fetched again; this is when it looks.
    await cache.prune();
    return "remove";
  }
  if (action < 95) {
    if (random.below(2) === 0) {
      await Deno.writeFile(`${place.folder}/index.sqlite`, random.bytes(5000));
    } else await rm(`${place.folder}/index.sqlite`, { force: true });
    return "index damaged";
  }
  if (action < 99) {
    await cache[Symbol.asyncDispose]();
    const sizeMax = random.below(3) === 0 ? BLOCK_SIZE * (4 + random.below(20)) : model.sizeMax;
    caches[which] = await place.open({ sizeMax });
    model.sizeMax = sizeMax;
    model.trim();
    return "reopen";
  }
  await cache.clear();
  for (const block of model.blocks) if (!model.isPinned(block)) model.blocks.delete(block);
  return "clear";
}

Deno.test("block cache: does what a model does, whatever is done with it", async (t) => {
  const seed = takeSeed();
  await t.step(`SEED=${seed}`, async () => {
    const random = new SeededRandom(seed);
    for (let round = 0; round < ROUNDS; round++) {
      using place = new CachePlace();
      const sizeMax = BLOCK_SIZE * (5 + random.below(15));
      const model = new Model(sizeMax);
      const blocks = Array.from({ length: 40 }, () => {
        const block = random.bytes(1 + random.below(4 * BLOCK_SIZE));
        return { id: testIdOf(block), block };
      });
      const caches = [await place.open({ sizeMax }), await place.open({ sizeMax })];
      const done: string[] = [];
      try {
        for (let count = 0; count < STEPS; count++) {
          done.push(await step(place, caches, model, blocks, random));
          const { ids, bytes } = place.look();
          const label = `round ${round}: … ${done.slice(-8).join(", ")}`;
          assert.deepEqual(ids, [...model.blocks].map(({ id }) => id).sort(), label);
          const pinned = [...model.blocks].filter((block) => model.isPinned(block));
          const pinnedBytes = pinned.reduce((sum, block) => sum + spaceOf(block), 0);
          assert.ok(bytes <= Math.max(model.sizeMax, pinnedBytes), label);
        }
      } finally {
        for (const cache of caches) await cache[Symbol.asyncDispose]();
      }
    }
  });
});
