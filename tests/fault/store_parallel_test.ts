/**
 * Goal: threads that put the same blocks at once, while others read, never see half a block; and a
 * run whose N-th call fails can be made again. Method: worker threads over one placement; a faulty
 * replica that fails at each call in turn.
 */

import assert from "node:assert/strict";
import { BlockNotFoundError, StoreUnavailableError } from "../../lib/base/errors.ts";
import { LocalBlocks } from "../../lib/store/local_blocks.ts";
import { MemoryStore } from "../../lib/store/memory_store.ts";
import { openStore } from "../../lib/store/open_store.ts";
import { RoutedStore } from "../../lib/store/wrappers/routed_store.ts";
import { FaultyStore } from "../helpers/faulty_store.ts";
import { randomBlock, testIdOf } from "../helpers/random_block.ts";
import type { StoreWorkerTask } from "../helpers/store_worker.ts";

/** Gives a task to a new worker thread; resolves with its answer. */
function runWorker(task: StoreWorkerTask): Promise<number> {
  const worker = new Worker(new URL("../helpers/store_worker.ts", import.meta.url), {
    type: "module",
  });
  return new Promise<number>((resolve, reject) => {
    worker.onmessage = (event: MessageEvent<number>) => resolve(event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    worker.postMessage(task);
  }).finally(() => worker.terminate());
}

Deno.test("directory store: threads that put the same blocks at once never show half of one", async () => {
  const path = await Deno.makeTempDir();
  try {
    await using store = await openStore([`dir://${path}/a`, `00-7f=dir://${path}/b`], {
      create: true,
    });
    const placement = store.local!;
    const blocks = Array.from({ length: 300 }, () => randomBlock(65536));
    let running = 2;
    const answers = Promise.all(
      Array.from(
        { length: running },
        () => runWorker({ placement, blocks }).finally(() => running--),
      ),
    );
    // Read along until the writers are done.
    const local = new LocalBlocks(placement);
    let reads = 0;
    while (running > 0) {
      for (const { id } of blocks) {
        try {
          assert.equal(testIdOf(local.get(id)), id);
          reads++;
        } catch (error) {
          if (!(error instanceof BlockNotFoundError)) throw error;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    const stored = await answers;
    assert(reads > 0);
    // Whoever loses a race finds the block present or writes the same again.
    assert(stored.reduce((sum, count) => sum + count, 0) >= blocks.length, stored.join());
    await store.flush();
    for (const { id, block } of blocks) assert.deepEqual(await store.get(id), block);
    assert.equal((await Array.fromAsync(store.list!())).length, blocks.length);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});

Deno.test("routed store: whichever call of a replica fails, the run can be made again", async () => {
  const blocks = Array.from({ length: 4 }, () => randomBlock(100));
  // One run makes 11 calls on each replica.
  for (let nth = 1; nth <= 11; nth++) {
    const failure = new StoreUnavailableError("mem://faulty", "Cannot reach it", {
      retryable: true,
    });
    const inner = new MemoryStore();
    const faulty = new FaultyStore(inner, [{ nth, error: failure }]);
    const sound = new MemoryStore();
    await using store = new RoutedStore([
      { start: 0, end: 255, store: faulty },
      { start: 0, end: 255, store: sound },
    ]);
    const attempt = async (): Promise<void> => {
      for (const { id, block } of blocks) await store.put(id, block);
      await store.flush();
      assert.deepEqual(await store.has(blocks.map(({ id }) => id)), blocks.map(() => true));
      for (const { id, block } of blocks) assert.deepEqual(await store.get(id), block);
      assert.equal((await Array.fromAsync(store.list!())).length, blocks.length);
    };
    try {
      await attempt();
    } catch (error) {
      assert.equal(error, failure, `call ${nth} gave ${error}`);
    }
    await attempt();
    for (const { id } of blocks) assert.deepEqual(await inner.has([id]), [true]);
  }
});
