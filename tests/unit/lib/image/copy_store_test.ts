/** Goal: stores are replicated and moved as their specs say, whole or as far as flists need them. */

import assert from "node:assert/strict";
import { UnsupportedError } from "../../../../lib/base/errors.ts";
import type { ProgressEvent } from "../../../../lib/base/progress.ts";
import type { BlockId } from "../../../../lib/block/block_ref.ts";
import { blockIdsOf } from "../../../../lib/image/block_ids.ts";
import { copyStore } from "../../../../lib/image/copy_store.ts";
import { packDirectory } from "../../../../lib/image/pack.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { openStore } from "../../../../lib/store/open_store.ts";
import { FaultyStore } from "../../../helpers/faulty_store.ts";
import { randomBlock } from "../../../helpers/random_block.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { SeededRandom } from "../../../helpers/seeded_random.ts";

async function fill(spec: string, count: number): Promise<BlockId[]> {
  await using store = await openStore([spec], { create: true });
  const ids: BlockId[] = [];
  for (let i = 0; i < count; i++) {
    const { id, block } = randomBlock(100);
    await store.put(id, block);
    ids.push(id);
  }
  return ids.sort();
}

async function idsIn(spec: string): Promise<BlockId[]> {
  await using store = await openStore([spec]);
  return (await Array.fromAsync(store.list!())).sort();
}

Deno.test("copyStore: copies all blocks to every target, also where one has them already", async () => {
  using folder = new TempFolder();
  const [source, first, second] = ["a", "b", "c"].map((name) => `dir://${folder.file(name)}`);
  const ids = await fill(source!, 20);
  const one = await copyStore(source!, first!);
  assert.deepEqual([one.blocksCopied, one.copiedBytes], [20, 2000]);
  const both = await copyStore(source!, [first!, second!]);
  assert.equal(both.blocksCopied, 20);
  assert.deepEqual([both.source, both.targets], [source, [first, second]]);
  assert.deepEqual(await idsIn(second!), ids);
  assert.equal((await copyStore(source!, [first!, second!])).blocksPresent, 20);
});

Deno.test("copyStore: takes sources and targets with ranges", async () => {
  using folder = new TempFolder();
  const [low, high, whole] = ["a", "b", "c"].map((name) => `dir://${folder.file(name)}`);
  const ids = await fill(whole!, 50);
  await copyStore(whole!, [`00-7f=${low}`, `80-ff=${high}`]);
  assert.deepEqual(await idsIn(low!), ids.filter((id) => id < "80"));
  const back = `dir://${folder.file("d")}`;
  await copyStore([`00-7f=${low}`, `80-ff=${high}`], back);
  assert.deepEqual(await idsIn(back), ids);
});

Deno.test("copyStore: of flists, copies what they name from a source that cannot list", async () => {
  using folder = new TempFolder();
  const all = new MemoryStore();
  const metas: string[] = [];
  for (const seed of [1, 2, 3]) {
    const tree = folder.tree(`${seed}`, { file: new SeededRandom(seed).bytes(400_000) });
    const meta = folder.file(`${seed}.fl`);
    await packDirectory(tree, { meta, store: all, jobs: 1 });
    metas.push(meta);
  }
  const source = new FaultyStore(all);
  Object.assign(source, { list: undefined });
  const target = new MemoryStore();
  await assert.rejects(copyStore(source, target), UnsupportedError);
  const flists = metas.slice(1);
  const needed = [...blockIdsOf(flists)];
  const events: ProgressEvent[] = [];
  await copyStore(source, target, { flists, onProgress: (event) => events.push(event) });
  assert.deepEqual((await Array.fromAsync(target.list())).sort(), needed.toSorted());
  const { entries, entriesTotal } = events.at(-1)!;
  assert.deepEqual([entries, entriesTotal], [needed.length, needed.length]);

  await all.delete(needed[0]!);
  const report = await copyStore(source, new MemoryStore(), { flists });
  assert.deepEqual(report.missing.map(({ id }) => id), [needed[0]]);
  assert.match(report.missing[0]!.reason, /is not in/);
  assert.equal(report.blocksMissing, 1);
});

Deno.test("copyStore: names what is damaged at the source", async () => {
  const [source, target] = [new MemoryStore(), new MemoryStore()];
  const { id, block } = randomBlock(100);
  await source.put(id, block.map((byte) => ~byte));
  const report = await copyStore(source, target);
  assert.deepEqual(report.corrupt.map((fault) => fault.id), [id]);
  assert.equal(report.blocksCorrupt, 1);
  assert.deepEqual(await target.has([id]), [false]);
});

Deno.test("copyStore: moves blocks, but not into the store that they are in", async () => {
  using folder = new TempFolder();
  const source = `dir://${folder.file("a")}`;
  const ids = await fill(source, 10);
  await Deno.symlink("a", folder.file("link"));
  const link = `dir://${folder.file("link")}`;
  for (const to of [source, link, [`dir://${folder.file("b")}`, `80-ff=${link}`]]) {
    await assert.rejects(copyStore(source, to, { move: true }), UnsupportedError);
  }
  assert.deepEqual(await idsIn(source), ids);
  const target = `dir://${folder.file("c")}`;
  assert.equal((await copyStore(source, target, { move: true })).blocksDeleted, 10);
  assert.deepEqual([await idsIn(source), await idsIn(target)], [[], ids]);
});

Deno.test("copyStore: with two replicas as its source, passes by the damaged copy", async () => {
  using folder = new TempFolder();
  const [bad, good] = ["bad", "good"].map((name) => `dir://${folder.file(name)}`);
  const [id] = await fill(good!, 1);
  await using store = await openStore([bad!], { create: true });
  await store.put(id!, new Uint8Array(50));
  const target = new MemoryStore();
  const report = await copyStore([bad!, good!], target);
  assert.deepEqual([report.blocksCopied, report.blocksCorrupt], [1, 0]);
});
