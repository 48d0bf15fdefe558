/** Goal: the checks of reading find a store that breaks them. Method: stores with one mistake each. */

import assert from "node:assert/strict";
import type { BlockId } from "../../../../lib/block/block_ref.ts";
import { checkEitherDigest } from "../../../../lib/store/block_check.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import type { Store } from "../../../../lib/store/store.ts";
import { STORE_READ_CONTRACT } from "../../../../lib/store/store_read_contract.ts";
import { FaultyStore } from "../../../helpers/faulty_store.ts";
import { randomBlock } from "../../../helpers/random_block.ts";

/** Names of the checks that a store fails. */
async function failed(change: (sound: MemoryStore) => Partial<Store>): Promise<string[]> {
  const sound = new MemoryStore();
  const blocks = [randomBlock(10), randomBlock(10)];
  for (const { id, block } of blocks) await sound.put(id, block);
  const store = Object.assign(new FaultyStore(sound), change(sound));
  const context = {
    store,
    ids: blocks.map(({ id }) => id),
    strayId: randomBlock(10).id,
    verify: checkEitherDigest,
  };
  const names: string[] = [];
  for (const { name, run } of STORE_READ_CONTRACT) {
    await run(context).catch(() => names.push(name));
  }
  return names;
}

const MISTAKES: Record<string, [change: (sound: MemoryStore) => Partial<Store>, failing: RegExp]> =
  {
    "says that it has everything": [
      () => ({ has: (ids) => Promise.resolve(ids.map(() => true)) }),
      /^read: has says that a block is missing/,
    ],
    "gives an empty block for a missing one": [
      (sound) => ({ get: (id) => sound.get(id).catch(() => new Uint8Array(0)) }),
      /^read: get throws BlockNotFoundError/,
    ],
    "answers in reverse": [
      (sound) => ({ has: async (ids) => (await sound.has(ids)).reverse() }),
      /^read: has knows the blocks/,
    ],
    "gives other bytes": [
      (sound) => ({ get: (id) => sound.get(id).then((block) => block.fill(0)) }),
      /^read: get gives blocks whose digest/,
    ],
    "lists a block twice": [
      (sound) => ({
        async *list(): AsyncIterable<BlockId> {
          yield* sound.list();
          yield* sound.list();
        },
      }),
      /^read: list gives ids/,
    ],
    "lists what is not there": [
      () => ({
        async *list(): AsyncIterable<BlockId> {
          yield await Promise.resolve(randomBlock(10).id);
        },
      }),
      /^read: list gives ids/,
    ],
  };

for (const [mistake, [change, failing]] of Object.entries(MISTAKES)) {
  Deno.test(`store read contract: finds a store that ${mistake}`, async () => {
    const names = await failed(change);
    assert.ok(names.some((name) => failing.test(name)), `it failed only: ${names.join("; ")}`);
  });
}

Deno.test("store read contract: a sound store fails no check", async () => {
  assert.deepEqual(await failed(() => ({})), []);
});
