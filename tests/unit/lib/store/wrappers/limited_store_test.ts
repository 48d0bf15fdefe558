/** Goal: no more calls at once than allowed, no more bytes a second, and both end with a signal. */

import assert from "node:assert/strict";
import type { Bytes } from "../../../../../lib/base/bytes.ts";
import { wait } from "../../../../../lib/base/clock.ts";
import type { BlockId } from "../../../../../lib/block/block_ref.ts";
import { MemoryStore } from "../../../../../lib/store/memory_store.ts";
import type { StoreCallOptions } from "../../../../../lib/store/store.ts";
import { LimitedStore } from "../../../../../lib/store/wrappers/limited_store.ts";
import { TokenBucket } from "../../../../../lib/store/wrappers/token_bucket.ts";
import { FakeClock } from "../../../../helpers/fake_clock.ts";
import { randomBlock } from "../../../../helpers/random_block.ts";

/** Takes 10 ms for a get and knows how many were under way at once. */
class CountingStore extends MemoryStore {
  running = 0;
  most = 0;
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    super();
    this.#clock = clock;
  }

  override async get(id: BlockId, options?: StoreCallOptions): Promise<Bytes> {
    this.most = Math.max(this.most, ++this.running);
    try {
      await wait(this.#clock, 10, options?.signal);
      return await super.get(id, options);
    } finally {
      this.running--;
    }
  }
}

Deno.test("LimitedStore: makes so many calls at once and no more", async () => {
  const clock = new FakeClock();
  const inner = new CountingStore(clock);
  await using store = new LimitedStore(inner, { concurrency: 3 });
  const { id, block } = randomBlock(100);
  await store.put(id, block);
  await clock.run(Promise.all(Array.from({ length: 10 }, () => store.get(id))));
  assert.equal(inner.most, 3);
  assert.equal(clock.now(), 40);
});

Deno.test("LimitedStore: a failed call and one that was given up make room for the next", async () => {
  const clock = new FakeClock();
  const inner = new CountingStore(clock);
  await using store = new LimitedStore(inner, { concurrency: 1 });
  const { id, block } = randomBlock(100);
  await store.put(id, block);
  const controller = new AbortController();
  const { signal } = controller;
  const underWay = store.get(id, { signal });
  const waiting = store.get(id, { signal });
  const missing = store.get(randomBlock(10).id);
  const last = store.get(id);
  await clock.advance(5);
  controller.abort(new Error("stop"));
  await assert.rejects(underWay, /stop/);
  await assert.rejects(waiting, /stop/);
  await assert.rejects(clock.run(missing), { code: "block_not_found" });
  assert.deepEqual(await clock.run(last), block);
});

Deno.test("LimitedStore: the reader of a list can make other calls", async () => {
  await using store = new LimitedStore(new MemoryStore(), { concurrency: 1 });
  const { id, block } = randomBlock(100);
  await store.put(id, block);
  for await (const listed of store.list!()) assert.deepEqual(await store.get(listed), block);
});

Deno.test("LimitedStore: puts and gets share the rate, failed ones do not count", async () => {
  const clock = new FakeClock();
  const rate = new TokenBucket(10_000, clock);
  const [one, other] = [
    new LimitedStore(new MemoryStore(), { rate }),
    new LimitedStore(new MemoryStore(), { rate }),
  ];
  const { id, block } = randomBlock(1000);
  // 2,500 bytes pass at once; then 1,000 a tenth of a second.
  const work = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) await one.put(id, block);
    for (let i = 0; i < 5; i++) await one.get(id);
    for (let i = 0; i < 5; i++) await other.put(id, block);
  };
  await clock.run(work());
  assert.ok(Math.abs(clock.now() - 1250) <= 100, `${clock.now()} ms`);
  await clock.advance(1000);
  const startedMs = clock.now();
  for (let i = 0; i < 100; i++) {
    await assert.rejects(clock.run(one.get(randomBlock(10).id)), { code: "block_not_found" });
  }
  assert.equal(clock.now(), startedMs);
});
