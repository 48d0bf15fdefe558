/** Goal: no call takes longer than it may, whatever the store inside does, and no timer stays. */

import assert from "node:assert/strict";
import type { Bytes } from "../../../../../lib/base/bytes.ts";
import { StoreUnavailableError } from "../../../../../lib/base/errors.ts";
import { wait } from "../../../../../lib/base/clock.ts";
import type { BlockId } from "../../../../../lib/block/block_ref.ts";
import { MemoryStore } from "../../../../../lib/store/memory_store.ts";
import type { StoreCallOptions } from "../../../../../lib/store/store.ts";
import { DeadlineStore } from "../../../../../lib/store/wrappers/deadline_store.ts";
import { FakeClock } from "../../../../helpers/fake_clock.ts";
import { randomBlock } from "../../../../helpers/random_block.ts";

/** Takes its time for every call and every id; deaf where it does not hear its signal. */
class SlowStore extends MemoryStore {
  readonly #clock: FakeClock;
  readonly #delayMs: number;
  readonly #isDeaf: boolean;
  idCounts: number[] = [];

  constructor(clock: FakeClock, delayMs: number, isDeaf = false) {
    super("slow");
    this.#clock = clock;
    this.#delayMs = delayMs;
    this.#isDeaf = isDeaf;
  }

  override async get(id: BlockId, options?: StoreCallOptions): Promise<Bytes> {
    await this.#wait(options);
    return await super.get(id, options);
  }

  override async has(ids: readonly BlockId[], options?: StoreCallOptions): Promise<boolean[]> {
    this.idCounts.push(ids.length);
    await this.#wait(options);
    return await super.has(ids, options);
  }

  override async *list(options?: StoreCallOptions): AsyncIterable<BlockId> {
    for await (const id of super.list(options)) {
      await this.#wait(options);
      yield id;
    }
  }

  #wait(options: StoreCallOptions = {}): Promise<void> {
    return wait(this.#clock, this.#delayMs, this.#isDeaf ? undefined : options.signal);
  }
}

const overdue = (error: unknown): boolean => {
  assert.ok(error instanceof StoreUnavailableError);
  assert.match(error.message, /^Cannot .* mem:\/\/slow did not answer within 0\.1 s$/);
  assert.equal(error.retryable, true);
  assert.equal(error.store, "mem://slow");
  assert.ok(error.hint);
  return true;
};

Deno.test("DeadlineStore: what answers in time is not touched, and leaves no timer", async () => {
  const clock = new FakeClock();
  const inner = new SlowStore(clock, 99);
  await using store = new DeadlineStore(inner, 100, clock);
  const { id, block } = randomBlock(100);
  await store.put(id, block);
  assert.deepEqual(await clock.run(store.get(id)), block);
  assert.deepEqual(await clock.run(store.has([id])), [true]);
  assert.deepEqual(await clock.run(Array.fromAsync(store.list!())), [id]);
  await assert.rejects(clock.run(store.get(randomBlock(10).id)), { code: "block_not_found" });
  assert.equal(clock.timerCount, 0);
  await store.delete!(id);
});

Deno.test("DeadlineStore: what takes longer is ended at the deadline", async () => {
  const clock = new FakeClock();
  await using store = new DeadlineStore(new SlowStore(clock, 60_000), 100, clock);
  const { id, block } = randomBlock(100);
  await store.put(id, block);
  for (const call of [() => store.get(id), () => store.has([id])]) {
    const startedMs = clock.now();
    await assert.rejects(clock.run<unknown>(call()), overdue);
    assert.equal(clock.now() - startedMs, 100);
    assert.equal(clock.timerCount, 0);
  }
  await store.delete!(id);
});

Deno.test("DeadlineStore: a store that does not hear its signal is left behind a second later", async () => {
  const clock = new FakeClock();
  await using store = new DeadlineStore(new SlowStore(clock, 60_000, true), 100, clock);
  await assert.rejects(clock.run(store.get(randomBlock(10).id)), overdue);
  assert.equal(clock.now(), 1100);
  const controller = new AbortController();
  const got = store.has([], { signal: controller.signal });
  controller.abort(new Error("stop"));
  await assert.rejects(clock.run(got), /^Error: stop$/);
  assert.equal(clock.now(), 2100);
});

Deno.test("DeadlineStore: the caller's abort ends a call at once, for its own reason", async () => {
  const clock = new FakeClock();
  await using store = new DeadlineStore(new SlowStore(clock, 60_000), 100, clock);
  const controller = new AbortController();
  const got = store.get(randomBlock(10).id, { signal: controller.signal });
  await clock.advance(50);
  controller.abort(new Error("stop"));
  await assert.rejects(got, /^Error: stop$/);
  assert.equal(clock.timerCount, 0);
});

Deno.test("DeadlineStore: asks for many ids in several calls, each with its own time", async () => {
  const clock = new FakeClock();
  const inner = new SlowStore(clock, 80);
  await using store = new DeadlineStore(inner, 100, clock);
  const { id, block } = randomBlock(100);
  await inner.put(id, block);
  const ids = Array.from({ length: 2500 }, (_, index) => index === 2400 ? id : randomBlock(4).id);
  const found = await clock.run(store.has(ids));
  assert.deepEqual(inner.idCounts, [1000, 1000, 500]);
  assert.equal(found.length, 2500);
  assert.equal(found.indexOf(true), 2400);
  assert.equal(clock.now(), 240);
  await inner.delete(id);
});

Deno.test("DeadlineStore: a list has the time for each id, and not for what its reader does", async () => {
  const clock = new FakeClock();
  const inner = new SlowStore(clock, 80);
  await using store = new DeadlineStore(inner, 100, clock);
  const blocks = Array.from({ length: 5 }, () => randomBlock(10));
  for (const { id, block } of blocks) await inner.put(id, block);
  const read = async (): Promise<number> => {
    let count = 0;
    for await (const _ of store.list!()) {
      count++;
      await wait(clock, 500);
    }
    return count;
  };
  assert.equal(await clock.run(read()), 5);
  assert.equal(clock.timerCount, 0);
  await using slower = new DeadlineStore(new SlowStore(clock, 101), 100, clock);
  await assert.rejects(clock.run(Array.fromAsync(slower.list!())), overdue);
  await using deaf = new DeadlineStore(new SlowStore(clock, 60_000, true), 100, clock);
  await assert.rejects(clock.run(Array.fromAsync(deaf.list!())), overdue);
  for (const { id } of blocks) await inner.delete(id);
});

Deno.test("DeadlineStore: an abort between two ids of a list ends it, also where nobody hears it", async () => {
  const clock = new FakeClock();
  const inner = new SlowStore(clock, 10, true);
  await using store = new DeadlineStore(inner, 100, clock);
  const blocks = Array.from({ length: 2 }, () => randomBlock(10));
  for (const { id, block } of blocks) await inner.put(id, block);
  const controller = new AbortController();
  const read = async (): Promise<void> => {
    for await (const _ of store.list!({ signal: controller.signal })) {
      controller.abort(new Error("stop"));
    }
  };
  await assert.rejects(clock.run(read()), /^Error: stop$/);
  for (const { id } of blocks) await inner.delete(id);
});
