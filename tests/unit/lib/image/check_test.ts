/** Goal: each missing or damaged block is found, told apart, and the files that need it are named. */

import assert from "node:assert/strict";
import { StoreUnavailableError } from "../../../../lib/base/errors.ts";
import { type BlockId } from "../../../../lib/block/block_ref.ts";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { batches, checkImage, type CheckOptions } from "../../../../lib/image/check.ts";
import { packDirectory } from "../../../../lib/image/pack.ts";
import { openStore } from "../../../../lib/store/open_store.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import type { Store } from "../../../../lib/store/store.ts";
import { FaultyStore } from "../../../helpers/faulty_store.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { SeededRandom } from "../../../helpers/seeded_random.ts";

const random = new SeededRandom(21);

/** The block that holds the content of a file. */
function blockOf(meta: string, name: string): BlockId {
  using flist = FlistReader.open(meta);
  const [extent] = flist.extents(flist.child(1, name)!.ino);
  return flist.chunk(extent!.chunk).id;
}

/** Checks an image of two large files, `a\n` and `b`, after `spoil` has been at its blocks. */
async function check(
  local: boolean,
  options: CheckOptions,
  spoil: (store: Store, idOf: (name: string) => BlockId) => Promise<void> = async () => {},
): ReturnType<typeof checkImage> {
  using folder = new TempFolder();
  const source = folder.tree("tree", { "a\n": random.bytes(300_000), "b": random.bytes(300_000) });
  const meta = folder.file("a.fl");
  await using store = local
    ? await openStore([`dir://${folder.file("blocks")}`], { create: true })
    : new MemoryStore();
  await packDirectory(source, { meta, store, jobs: 1 });
  await spoil(store, (name) => blockOf(meta, name));
  return await checkImage(meta, { store, jobs: 1, ...options });
}

async function damage(store: Store, id: BlockId): Promise<void> {
  const block = await store.get(id);
  block[block.length >> 1]! ^= 1;
  await store.put(id, block, { replace: true });
}

for (const local of [true, false]) {
  const where = local ? "on this machine" : "elsewhere";

  Deno.test(`checkImage: finds nothing wrong with good blocks ${where}`, async () => {
    const progress: number[] = [];
    const report = await check(local, { onProgress: ({ entries }) => progress.push(entries) });
    assert.ok(report.blocks >= 2 && report.blockBytes > 600_000);
    assert.equal(report.blocksOk, report.blocks);
    assert.deepEqual([report.missing, report.corrupt, report.incomplete], [[], [], []]);
    assert.equal(progress.at(-1), report.blocks);
  });

  Deno.test(`checkImage: tells missing from damaged blocks ${where}, and who needs them`, async () => {
    const ids: BlockId[] = [];
    const report = await check(local, {}, async (store, idOf) => {
      ids.push(idOf("a\n"), idOf("b"));
      await store.delete!(ids[0]!);
      await damage(store, ids[1]!);
    });
    assert.equal(report.blocksOk, report.blocks - 2);
    const told = [report.missing, report.corrupt].map((faults) =>
      faults.map(({ id, paths, pathCount }) => ({ id, paths, pathCount }))
    );
    assert.deepEqual(told, [
      [{ id: ids[0], paths: ["a\\x0a"], pathCount: 1 }],
      [{ id: ids[1], paths: ["b"], pathCount: 1 }],
    ]);
    assert.ok(report.corrupt[0]!.reason.includes(ids[1]!));
  });
}

Deno.test("checkImage: asked for presence only, it reads no block", async () => {
  const reads = new Error("a block was read");
  const options = { presenceOnly: true };
  const report = await check(false, options, async (store, idOf) => {
    await store.delete!(idOf("b"));
    await damage(store, idOf("a\n"));
    store.get = () => Promise.reject(reads);
  });
  assert.deepEqual(report.missing.map(({ paths }) => paths), [["b"]]);
  assert.deepEqual([report.corrupt, report.blockBytes], [[], 0]);
});

Deno.test("checkImage: a store that cannot be asked is an error, not a missing block", async () => {
  const error = new StoreUnavailableError("mem://", "Away");
  for (const presenceOnly of [true, false]) {
    const store = new FaultyStore(new MemoryStore(), [{ error }]);
    await assert.rejects(check(false, { store, presenceOnly }), StoreUnavailableError);
  }
});

Deno.test("checkImage: stops with the reason of its signal", async () => {
  const reason = new Error("stop");
  const signal = AbortSignal.abort(reason);
  await assert.rejects(check(true, { signal }), (error) => error === reason);
});

Deno.test("batches: groups end at the weight given, and nothing is lost", () => {
  const grouped = (items: number[]): number[][] => [...batches(items, (item) => item, 10)];
  assert.deepEqual(grouped([4, 4, 4, 1, 20, 2]), [[4, 4, 4], [1, 20], [2]]);
  assert.deepEqual(grouped([]), []);
  assert.deepEqual(grouped([10, 10]), [[10], [10]]);
});
