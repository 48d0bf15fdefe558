/**
 * Goal: the contract finds a store that breaks it. Method: stores with one mistake each, and the
 * check that must fail for it.
 */

import assert from "node:assert/strict";
import type { BlockId } from "../../../../lib/block/block_ref.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import type { Store } from "../../../../lib/store/store.ts";
import { STORE_CONTRACT } from "../../../../lib/store/store_contract.ts";
import { randomBlock, testIdOf } from "../../../helpers/random_block.ts";

/** A memory store with some members replaced, which get the sound store to work with. */
function broken(replace: (sound: MemoryStore) => Partial<Store>): Store {
  const sound = new MemoryStore();
  const replaced: Partial<Store> = replace(sound);
  return new Proxy(sound, {
    get: (target, name) => {
      if (name in replaced) return Reflect.get(replaced, name);
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Names of the checks that a store fails, up to the colon and beyond. */
async function failedChecks(store: () => Store): Promise<string[]> {
  const failed: string[] = [];
  for (const check of STORE_CONTRACT) {
    try {
      await check.run({ store: store(), idOf: testIdOf });
    } catch {
      failed.push(check.name);
    }
  }
  return failed;
}

const { id: strayId } = randomBlock(10);
const keptArrays = new Map<BlockId, Uint8Array<ArrayBuffer>>();

const MISTAKES: Record<string, [store: () => Store, failing: RegExp]> = {
  "truncates large blocks": [
    () => broken((sound) => ({ put: (id, block) => sound.put(id, block.subarray(0, 1 << 20)) })),
    /^get: gives back a block of 2 MiB/,
  ],
  "throws something else for a missing block": [
    () => broken(() => ({ get: () => Promise.reject(new Error("no such key")) })),
    /^get: throws BlockNotFoundError/,
  ],
  "keeps the caller's array": [
    () =>
      broken((sound) => ({
        put: (id, block, options) => {
          keptArrays.set(id, block as Uint8Array<ArrayBuffer>);
          return sound.put(id, block, options);
        },
        get: (id, options) => sound.get(id, options).then((copy) => keptArrays.get(id) ?? copy),
      })),
    /^(put: keeps the bytes as they were|get: gives bytes that the caller may change)/,
  ],
  "stores the whole buffer": [
    () => broken((sound) => ({ put: (id, block) => sound.put(id, new Uint8Array(block.buffer)) })),
    /^put: keeps only the part/,
  ],
  "answers has as a set": [
    () => broken((sound) => ({ has: (ids) => sound.has([...new Set(ids)]) })),
    /^has: answers in the order asked/,
  ],
  "lists a block twice": [
    () =>
      broken((sound) => ({
        async *list(): AsyncIterable<BlockId> {
          yield* sound.list();
          yield* sound.list();
        },
      })),
    /^list: gives every block once/,
  ],
  "lists what is not there": [
    () =>
      broken(() => ({
        async *list(): AsyncIterable<BlockId> {
          yield await Promise.resolve(strayId);
        },
      })),
    /^list: gives nothing when the store is empty/,
  ],
  "always says that a delete worked": [
    () => broken((sound) => ({ delete: (id) => sound.delete(id).then(() => true) })),
    /^delete: /,
  ],
  "ignores the signal": [
    () => broken((sound) => ({ put: (id, block) => sound.put(id, block) })),
    /^signal: /,
  ],
  "ignores replace": [
    () =>
      broken((sound) => ({
        put: (id, block, { signal } = {}) => sound.put(id, block, { ...(signal && { signal }) }),
      })),
    /^put: writes again when told to replace/,
  ],
};

for (const [mistake, [store, failing]] of Object.entries(MISTAKES)) {
  Deno.test(`store contract: finds a store that ${mistake}`, async () => {
    const failed = await failedChecks(store);
    assert(failed.some((name) => failing.test(name)), `it failed only: ${failed.join("; ")}`);
  });
}

Deno.test("store contract: a sound store fails no check", async () => {
  assert.deepEqual(await failedChecks(() => new MemoryStore()), []);
});
