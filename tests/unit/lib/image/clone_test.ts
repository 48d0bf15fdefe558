/** Goal: a clone has all blocks, checked; a second run goes on; and damage is not passed on. */

import assert from "node:assert/strict";
import {
  BlockCorruptError,
  BlockNotFoundError,
  StoreUnavailableError,
  SystemError,
} from "../../../../lib/base/errors.ts";
import type { BlockId } from "../../../../lib/block/block_ref.ts";
import { cloneImage } from "../../../../lib/image/clone.ts";
import { openImage } from "../../../../lib/image/image.ts";
import { inspectImage } from "../../../../lib/image/inspect.ts";
import { packDirectory } from "../../../../lib/image/pack.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { SeededRandom } from "../../../helpers/seeded_random.ts";

const CONTENT = new SeededRandom(31).bytes(900_000);

interface Packed {
  readonly meta: string;
  readonly source: MemoryStore;
  readonly ids: readonly BlockId[];
}

async function pack(folder: TempFolder): Promise<Packed> {
  const tree = folder.tree("tree", { "file": CONTENT, "small": "small" });
  const [meta, source] = [folder.file("1.fl"), new MemoryStore()];
  await packDirectory(tree, { meta, store: source, jobs: 1 });
  return { meta, source, ids: await Array.fromAsync(source.list()) };
}

Deno.test("cloneImage: brings every block, and a flist that leads to them", async () => {
  using folder = new TempFolder();
  const { meta, source, ids } = await pack(folder);
  const target = folder.file("2.fl");
  const store = `mem://${crypto.randomUUID()}`;
  const report = await cloneImage(meta, { target, store, source });
  assert.deepEqual([report.blocksCopied, report.blocksPresent], [ids.length, 0]);
  const { referencedBytes, routes } = await inspectImage(target);
  assert.equal(report.copiedBytes, referencedBytes);
  assert.deepEqual(routes, [{ start: 0, end: 255, url: store }]);
  await using image = await openImage(target);
  assert.deepEqual(await image.readFile("file"), CONTENT);
  // What was cloned stays as it was.
  assert.deepEqual((await inspectImage(meta)).routes.map(({ url }) => url), ["mem://"]);
});

Deno.test("cloneImage: copies only what is not there yet", async () => {
  using folder = new TempFolder();
  const { meta, source, ids } = await pack(folder);
  const store = new MemoryStore();
  await store.put(ids[0]!, await source.get(ids[0]!));
  const target = folder.file("2.fl");
  const first = await cloneImage(meta, { target, store, source });
  assert.deepEqual([first.blocksCopied, first.blocksPresent], [ids.length - 1, 1]);
  const second = await cloneImage(meta, { target, store, source });
  assert.deepEqual([second.blocksCopied, second.copiedBytes], [0, 0]);
});

Deno.test("cloneImage: a damaged or missing block ends it, and no flist appears", async () => {
  using folder = new TempFolder();
  const { meta, source, ids } = await pack(folder);
  const options = { target: folder.file("2.fl"), source };
  const good = await source.get(ids[0]!);
  const bad = good.slice();
  bad[0]! ^= 1;
  await source.put(ids[0]!, bad, { replace: true });
  const store = new MemoryStore();
  await assert.rejects(cloneImage(meta, { ...options, store }), (error) => {
    assert.ok(error instanceof BlockCorruptError);
    assert.equal(error.id, ids[0]);
    return true;
  });
  assert.deepEqual(await store.has([ids[0]!]), [false]);
  await source.delete(ids[0]!);
  await assert.rejects(cloneImage(meta, { ...options, store }), BlockNotFoundError);
  assert.deepEqual(folder.names(), ["1.fl", "tree"]);
});

Deno.test("cloneImage: an abort leaves no flist, and concurrency has its bounds", async () => {
  using folder = new TempFolder();
  const { meta, source } = await pack(folder);
  const reason = new Error("stop");
  const options = { target: folder.file("2.fl"), store: new MemoryStore(), source };
  const signal = AbortSignal.abort(reason);
  await assert.rejects(cloneImage(meta, { ...options, signal }), (error) => error === reason);
  for (const concurrencyMax of [0, 257, 1.5]) {
    await assert.rejects(cloneImage(meta, { ...options, concurrencyMax }), RangeError);
  }
  assert.deepEqual(folder.names(), ["1.fl", "tree"]);
});

Deno.test("cloneImage: fills every replica, also where another has the blocks", async () => {
  using folder = new TempFolder();
  const { meta, source, ids } = await pack(folder);
  const [full, empty] = [crypto.randomUUID(), crypto.randomUUID()];
  const target = folder.file("2.fl");
  await cloneImage(meta, { target, store: `mem://${full}`, source });
  const store = [`mem://${full}`, `mem://${empty}`];
  const report = await cloneImage(meta, { target, store, source });
  assert.deepEqual([report.blocksCopied, report.blocksPresent], [ids.length, 0]);
  const found = await Array.fromAsync(new MemoryStore(empty).list());
  assert.deepEqual(found.sort(), ids.toSorted());
  assert.deepEqual((await inspectImage(target)).routes.map(({ url }) => url), store);
});

Deno.test("cloneImage: fails at once where blocks or flist have no place", async () => {
  using folder = new TempFolder();
  const { meta, source } = await pack(folder);
  const name = crypto.randomUUID();
  const target = folder.file("2.fl");
  const nowhere = cloneImage(meta, { target, store: `00-00=mem://${name}`, source });
  await assert.rejects(nowhere, StoreUnavailableError);
  const options = { target: folder.file("missing/2.fl"), store: `mem://${name}`, source };
  await assert.rejects(cloneImage(meta, options), SystemError);
  assert.deepEqual(await Array.fromAsync(new MemoryStore(name).list()), []);
  assert.deepEqual(folder.names(), ["1.fl", "tree"]);
});
