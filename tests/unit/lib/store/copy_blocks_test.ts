/**
 * Goal: a copy brings every block to every store that is to have it, each checked on its way; goes on
 * where an earlier one stopped; and a move deletes nothing that is not safe elsewhere. Method: memory
 * stores with faults.
 */

import assert from "node:assert/strict";
import {
  BlockCorruptError,
  BlockNotFoundError,
  StoreUnavailableError,
  UnsupportedError,
} from "../../../../lib/base/errors.ts";
import type { BlockId } from "../../../../lib/block/block_ref.ts";
import {
  copyBlocks,
  type CopyBlocksOptions,
  type CopyFault,
  type CopyTotals,
} from "../../../../lib/store/copy_blocks.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import type { Store } from "../../../../lib/store/store.ts";
import { FaultyStore } from "../../../helpers/faulty_store.ts";
import { randomBlock } from "../../../helpers/random_block.ts";

const FULL = { start: 0, end: 255 };

/** A store with `count` blocks, and their ids. */
async function filled(count: number): Promise<{ source: MemoryStore; ids: BlockId[] }> {
  const source = new MemoryStore();
  const ids: BlockId[] = [];
  for (let i = 0; i < count; i++) {
    const { id, block } = randomBlock(100);
    await source.put(id, block);
    ids.push(id);
  }
  return { source, ids };
}

/** Puts other bytes in the place of a block. */
async function damage(store: Store, id: BlockId): Promise<void> {
  await store.put(id, new Uint8Array(100), { replace: true });
}

async function idsIn(store: MemoryStore): Promise<BlockId[]> {
  return (await Array.fromAsync(store.list())).sort();
}

/** The totals that are not zero. */
function counted(totals: CopyTotals): Partial<CopyTotals> {
  return Object.fromEntries(Object.entries(totals).filter(([, count]) => count !== 0));
}

Deno.test("copyBlocks: copies what is lacking, in more than one batch, and flushes", async () => {
  const { source, ids } = await filled(2500);
  const target = new FaultyStore(new MemoryStore());
  for (const id of ids.slice(0, 1200)) await target.put(id, await source.get(id));
  target.calls.put = 0;
  const progress: CopyTotals[] = [];
  const totals = await copyBlocks({
    ids: source.list(),
    source,
    targets: [{ ...FULL, store: target }],
    onProgress: (now) => progress.push(now),
  });
  assert.deepEqual(counted(totals), {
    blocks: 2500,
    blocksCopied: 1300,
    blocksPresent: 1200,
    copiedBytes: 130_000,
  });
  assert.equal(target.calls.put, 1300);
  assert.equal(target.calls.has, 3);
  assert.equal(target.calls.flush, 1);
  assert.deepEqual(progress.at(-1), totals);
  assert.ok((await target.has(ids)).every(Boolean));
});

Deno.test("copyBlocks: every replica gets what it lacks, and each range its own", async () => {
  const { source, ids } = await filled(200);
  const [low, high, complete, half] = Array.from({ length: 4 }, () => new MemoryStore());
  for (const id of ids) await complete!.put(id, await source.get(id));
  const [first] = ids;
  await half!.put(first!, await source.get(first!));
  const totals = await copyBlocks({
    ids,
    source,
    targets: [
      { start: 0, end: 127, store: low! },
      { start: 128, end: 255, store: high! },
      { ...FULL, store: complete! },
      { ...FULL, store: half! },
    ],
  });
  assert.equal(totals.copiedBytes, 200 * 100);
  const all = ids.toSorted();
  assert.deepEqual(await idsIn(half!), all);
  assert.deepEqual(await idsIn(low!), all.filter((id) => id < "80"));
  assert.deepEqual(await idsIn(high!), all.filter((id) => id >= "80"));
});

Deno.test("copyBlocks: leaves alone what lies in no target's range", async () => {
  const { source, ids } = await filled(100);
  const store = new MemoryStore();
  const inside = ids.filter((id) => id < "80").length;
  const totals = await copyBlocks({ ids, source, targets: [{ start: 0, end: 127, store }] });
  assert.equal(totals.blocksCopied, inside);
  assert.equal(totals.blocksOutside, 100 - inside);
});

Deno.test("copyBlocks: names what is missing or damaged at the source, and copies the rest", async () => {
  const { source, ids } = await filled(20);
  await damage(source, ids[3]!);
  await source.delete(ids[5]!);
  const target = new MemoryStore();
  const options: CopyBlocksOptions = { ids, source, targets: [{ ...FULL, store: target }] };
  const faults: CopyFault[] = [];
  const totals = await copyBlocks({ ...options, onFault: (fault) => faults.push(fault) });
  assert.deepEqual([totals.blocksCopied, totals.blocksMissing, totals.blocksCorrupt], [18, 1, 1]);
  assert.equal(totals.blocks, 20);
  assert.deepEqual(
    faults.map(({ id, code }) => [id, code]).sort(),
    [
      [ids[3], "block_corrupt"],
      [ids[5], "block_not_found"],
    ].sort(),
  );
  assert.deepEqual(await target.has([ids[3]!, ids[5]!]), [false, false]);

  await assert.rejects(copyBlocks({ ...options, ids: [ids[3]!] }), BlockCorruptError);
  await assert.rejects(copyBlocks({ ...options, ids: [ids[5]!] }), BlockNotFoundError);
});

Deno.test("copyBlocks: a store that fails ends the copy, and the next one goes on", async () => {
  const { source, ids } = await filled(50);
  const sound = new MemoryStore();
  const error = new StoreUnavailableError("mem://", "full");
  const target = new FaultyStore(sound, [{ call: "put", nth: 30, error }]);
  const options: CopyBlocksOptions = {
    ids,
    source,
    targets: [{ ...FULL, store: target }],
    concurrencyMax: 1,
    onFault: () => assert.fail("the source is sound"),
  };
  await assert.rejects(copyBlocks(options), (thrown) => thrown === error);
  assert.equal((await idsIn(sound)).length, 29);
  const totals = await copyBlocks(options);
  assert.deepEqual([totals.blocksPresent, totals.blocksCopied], [29, 21]);
});

Deno.test("copyBlocks: repairs damaged copies when it is told to look at them", async () => {
  const { source, ids } = await filled(10);
  const store = new MemoryStore();
  const options: CopyBlocksOptions = { ids, source, targets: [{ ...FULL, store }] };
  await copyBlocks(options);
  await damage(store, ids[2]!);
  assert.equal((await copyBlocks(options)).blocksPresent, 10);
  const totals = await copyBlocks({ ...options, checkPresent: true });
  assert.deepEqual(counted(totals), {
    blocks: 10,
    blocksCopied: 1,
    blocksPresent: 9,
    blocksRepaired: 1,
    copiedBytes: 100,
  });
  assert.deepEqual(await store.get(ids[2]!), await source.get(ids[2]!));
});

Deno.test("copyBlocks: a move leaves nothing but what it could not bring over", async () => {
  const { source, ids } = await filled(30);
  const store = new MemoryStore();
  // There already, right and wrong; and damaged at the source.
  await store.put(ids[0]!, await source.get(ids[0]!));
  await damage(store, ids[1]!);
  await damage(source, ids[2]!);
  const totals = await copyBlocks({
    ids: source.list(),
    source,
    targets: [{ ...FULL, store }],
    move: true,
    onFault: () => {},
  });
  assert.deepEqual(counted(totals), {
    blocks: 30,
    blocksCopied: 28,
    blocksPresent: 1,
    blocksCorrupt: 1,
    blocksRepaired: 1,
    blocksDeleted: 29,
    copiedBytes: 2800,
  });
  assert.deepEqual(await idsIn(source), [ids[2]]);
  assert.equal((await idsIn(store)).length, 29);
});

Deno.test("copyBlocks: a move deletes nothing that was not flushed and read back right", async () => {
  const cases: [name: string, target: (sound: MemoryStore) => Store, error: unknown][] = [
    [
      "flush fails",
      (sound) => new FaultyStore(sound, [{ call: "flush", error: new Error("no disk") }]),
      /no disk/,
    ],
    [
      "puts are lost",
      (sound) =>
        Object.assign(new FaultyStore(sound), { put: () => Promise.resolve("stored" as const) }),
      BlockNotFoundError,
    ],
    [
      "puts are mangled",
      (sound) =>
        Object.assign(new FaultyStore(sound), {
          put: (id: BlockId, block: Uint8Array) => sound.put(id, block.subarray(1)),
        }),
      BlockCorruptError,
    ],
  ];
  for (const [name, target, error] of cases) {
    const { source, ids } = await filled(5);
    const targets = [{ ...FULL, store: target(new MemoryStore()) }];
    const move = copyBlocks({ ids, source, targets, move: true, onFault: () => {} });
    await assert.rejects(move, error as RegExp, name);
    assert.equal((await idsIn(source)).length, 5, name);
  }
});

Deno.test("copyBlocks: refuses to move out of a store that cannot delete, and bad options", async () => {
  const { source, ids } = await filled(1);
  const keeps = new FaultyStore(source);
  Object.assign(keeps, { delete: undefined });
  const targets = [{ ...FULL, store: new MemoryStore() }];
  await assert.rejects(copyBlocks({ ids, source: keeps, targets, move: true }), UnsupportedError);
  await assert.rejects(copyBlocks({ ids, source, targets: [] }), TypeError);
  for (const concurrencyMax of [0, 257, 1.5]) {
    await assert.rejects(copyBlocks({ ids, source, targets, concurrencyMax }), RangeError);
  }
});

Deno.test("copyBlocks: keeps to its concurrency", async () => {
  const { source, ids } = await filled(40);
  let running = 0;
  let most = 0;
  const slow: Store = Object.assign(new FaultyStore(source), {
    get: async (id: BlockId) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running--;
      return await source.get(id);
    },
  });
  const targets = [{ ...FULL, store: new MemoryStore() }];
  await copyBlocks({ ids, source: slow, targets, concurrencyMax: 7 });
  assert.equal(most, 7);
});

Deno.test("copyBlocks: an abort ends it with the reason, and leaves whole blocks", async () => {
  const { source, ids } = await filled(50);
  const store = new MemoryStore();
  const controller = new AbortController();
  const reason = new Error("stop");
  const copy = copyBlocks({
    ids,
    source,
    targets: [{ ...FULL, store }],
    concurrencyMax: 1,
    signal: controller.signal,
    onFault: () => assert.fail("nothing is wrong with the source"),
    onProgress: ({ blocks }) => blocks === 10 && controller.abort(reason),
  });
  await assert.rejects(copy, (error) => error === reason);
  const there = await idsIn(store);
  assert.equal(there.length, 10);
  for (const id of there) assert.deepEqual(await store.get(id), await source.get(id));
});

Deno.test("copyBlocks: gives way to the event loop where stores answer at once", async () => {
  const { source, ids } = await filled(900);
  const controller = new AbortController();
  const reason = new Error("stop");
  const slow: Store = Object.assign(new FaultyStore(source), {
    get: (id: BlockId) => {
      const end = performance.now() + 1;
      while (performance.now() < end);
      return source.get(id);
    },
  });
  const store = new MemoryStore();
  // A timer: it fires only when the copy lets it.
  const timer = setTimeout(() => controller.abort(reason), 20);
  const copy = copyBlocks({
    ids,
    source: slow,
    targets: [{ ...FULL, store }],
    signal: controller.signal,
  });
  await assert.rejects(copy, (error) => error === reason);
  clearTimeout(timer);
  assert.ok((await idsIn(store)).length < 900);
});
