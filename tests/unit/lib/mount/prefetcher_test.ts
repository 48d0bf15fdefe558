/**
 * Goal: what was asked for is asked of the store, in order, at the rate, and to the end or the end of
 * the mount. Method: a packed tree and a store that writes down what it is asked.
 */

import assert from "node:assert/strict";
import type { BlockId } from "../../../../lib/block/block_ref.ts";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { packDirectory } from "../../../../lib/image/pack.ts";
import { LateStore } from "../../../../lib/mount/late_store.ts";
import { type Prefetch, Prefetcher } from "../../../../lib/mount/prefetcher.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

const CONTENT = new Uint8Array(3_000_000);
for (let at = 0; at < CONTENT.length; at += 60_000) {
  crypto.getRandomValues(CONTENT.subarray(at, at + 60_000));
}

async function place(): Promise<
  Disposable & {
    readonly ids: readonly BlockId[];
    readonly gets: readonly BlockId[];
    readonly failing: Set<BlockId>;
    readonly start: (what: Prefetch, bytesPerSecond?: number) => Prefetcher;
  }
> {
  const folder = new TempFolder();
  const store = new MemoryStore("prefetcher");
  const meta = folder.file("a.fl");
  await packDirectory(folder.tree("tree", { file: CONTENT }), { meta, store });
  const flist = FlistReader.open(meta);
  const gets: BlockId[] = [];
  const failing = new Set<BlockId>();
  const late = new LateStore(() =>
    Promise.resolve({
      store: Object.assign(Object.create(store), {
        get: (id: BlockId) => {
          gets.push(id);
          return failing.has(id) ? Promise.reject(new Error("no such block")) : store.get(id);
        },
      }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    })
  );
  return {
    ids: Array.from(flist.chunks(), ({ ref }) => ref.id),
    gets,
    failing,
    start: (what, bytesPerSecond = 1e9) =>
      new Prefetcher({ flist, store: late, what, bytesPerSecond }),
    [Symbol.dispose]: () => {
      flist[Symbol.dispose]();
      folder[Symbol.dispose]();
    },
  };
}

Deno.test("prefetcher: all blocks are fetched, in the flist's order", async () => {
  using at = await place();
  await using prefetcher = at.start("all");
  await prefetcher.finished;
  assert.deepEqual(at.gets, at.ids);
  const { blocks, failed, running, blockBytes } = prefetcher.statistics;
  assert.deepEqual([blocks, failed, running], [at.ids.length, 0, false]);
  assert.ok(blockBytes > CONTENT.length);
});

Deno.test("prefetcher: a list is fetched in its order, without what the flist does not name", async () => {
  using at = await place();
  const list = [at.ids[2]!, "0".repeat(64) as BlockId, at.ids[0]!];
  await using prefetcher = at.start(list);
  await prefetcher.finished;
  assert.deepEqual(at.gets, [at.ids[2], at.ids[0]]);
});

Deno.test("prefetcher: a block that fails is counted, and the others come", async () => {
  using at = await place();
  at.failing.add(at.ids[1]!);
  await using prefetcher = at.start("all");
  await prefetcher.finished;
  const { blocks, failed } = prefetcher.statistics;
  assert.deepEqual([blocks, failed], [at.ids.length - 1, 1]);
});

Deno.test("prefetcher: ends in the middle when the mount does", async () => {
  using at = await place();
  // A quarter of a second's worth comes at once, and the rest would take minutes.
  const prefetcher = at.start("all", 10_000);
  await prefetcher[Symbol.asyncDispose]();
  assert.ok(at.gets.length < at.ids.length);
  assert.equal(prefetcher.statistics.running, false);
});
