/** Goal: the first good block wins, soon, whatever the other replicas do; records learn from it. */

import assert from "node:assert/strict";
import type { Bytes } from "../../../../../lib/base/bytes.ts";
import { wait } from "../../../../../lib/base/clock.ts";
import { StoreUnavailableError } from "../../../../../lib/base/errors.ts";
import type { BlockId } from "../../../../../lib/block/block_ref.ts";
import { MemoryStore } from "../../../../../lib/store/memory_store.ts";
import type { StoreCallOptions } from "../../../../../lib/store/store.ts";
import { type Replica, ReplicaReader } from "../../../../../lib/store/wrappers/replica_reader.ts";
import { ReplicaRecord } from "../../../../../lib/store/wrappers/replica_record.ts";
import { FakeClock } from "../../../../helpers/fake_clock.ts";
import { randomBlock } from "../../../../helpers/random_block.ts";

const { id, block } = randomBlock(100);
const away = new StoreUnavailableError("mem://away", "away");

/** Answers after a time, or fails then. */
class TimedStore extends MemoryStore {
  gets = 0;
  aborts = 0;
  readonly #clock: FakeClock;
  readonly #delayMs: number;
  readonly #error: Error | undefined;

  constructor(clock: FakeClock, delayMs: number, error?: Error) {
    super();
    this.#clock = clock;
    this.#delayMs = delayMs;
    this.#error = error;
  }

  override async get(id: BlockId, { signal }: StoreCallOptions = {}): Promise<Bytes> {
    this.gets++;
    signal?.addEventListener("abort", () => this.aborts++);
    await wait(this.#clock, this.#delayMs, signal);
    if (this.#error !== undefined) throw this.#error;
    return await super.get(id);
  }
}

async function replica(
  clock: FakeClock,
  delayMs: number,
  error?: Error,
): Promise<Replica & { store: TimedStore }> {
  const store = new TimedStore(clock, delayMs, error);
  await store.put(id, block);
  return { store, record: new ReplicaRecord(clock) };
}

Deno.test("readFirst: asks the first alone while it answers in time", async () => {
  const clock = new FakeClock();
  await using reader = new ReplicaReader(clock);
  const [a, b] = [await replica(clock, 400), await replica(clock, 1)];
  const outcome = await clock.run(reader.readFirst([a, b], id, undefined));
  assert.deepEqual(outcome, { block, failures: [] });
  assert.deepEqual([a.store.gets, b.store.gets, clock.now(), clock.timerCount], [1, 0, 400, 0]);
});

Deno.test("readFirst: moves on at once when one fails, and leaves that one alone after", async () => {
  const clock = new FakeClock();
  await using reader = new ReplicaReader(clock);
  const [a, b] = [await replica(clock, 5, away), await replica(clock, 10)];
  const outcome = await clock.run(reader.readFirst([a, b], id, undefined));
  assert.deepEqual(outcome.block, block);
  assert.deepEqual(outcome.failures.map(({ error }) => error), [away]);
  assert.equal(clock.now(), 15);
  assert.deepEqual([a.record.isBackingOff, b.record.isBackingOff], [true, false]);
});

Deno.test("readFirst: a replica without the block is not a failing one, but slower than the others", async () => {
  const clock = new FakeClock();
  await using reader = new ReplicaReader(clock);
  const [a, b] = [await replica(clock, 1), await replica(clock, 10)];
  await a.store.delete(id);
  const outcome = await clock.run(reader.readFirst([a, b], id, undefined));
  assert.deepEqual(outcome.block, block);
  assert.equal(a.record.isBackingOff, false);
  assert.ok(a.record.paceMs > b.record.paceMs);
});

Deno.test("readFirst: races the next when one is slow; the loser is ended and counts as slow", async () => {
  const clock = new FakeClock();
  await using reader = new ReplicaReader(clock);
  const [a, b, c] = [
    await replica(clock, 60_000),
    await replica(clock, 60_000),
    await replica(clock, 10),
  ];
  const outcome = await clock.run(reader.readFirst([a, b, c], id, undefined));
  assert.deepEqual(outcome, { block, failures: [] });
  assert.equal(clock.now(), 1010);
  assert.deepEqual([a, b, c].map(({ store }) => store.aborts), [1, 1, 0]);
  assert.ok(a.record.paceMs > 100 * c.record.paceMs);
  assert.equal(a.record.isBackingOff, false);
  assert.equal(clock.timerCount, 0);
});

Deno.test("readFirst: the first can still win, and one that fails leaves the race to the others", async () => {
  const clock = new FakeClock();
  await using reader = new ReplicaReader(clock);
  const [a, b] = [await replica(clock, 600), await replica(clock, 60_000)];
  assert.deepEqual((await clock.run(reader.readFirst([a, b], id, undefined))).block, block);
  assert.deepEqual([clock.now(), b.store.gets, b.store.aborts], [600, 1, 1]);
  const [c, d] = [await replica(clock, 2000), await replica(clock, 10, away)];
  const outcome = await clock.run(reader.readFirst([c, d], id, undefined));
  assert.deepEqual(outcome.block, block);
  assert.deepEqual(outcome.failures.map(({ replica }) => replica), [d]);
});

Deno.test("readFirst: tells what each said when none gives the block", async () => {
  const clock = new FakeClock();
  await using reader = new ReplicaReader(clock);
  const [a, b] = [await replica(clock, 5, away), await replica(clock, 5)];
  await b.store.delete(id);
  const { block: none, failures } = await clock.run(reader.readFirst([a, b], id, undefined));
  assert.equal(none, undefined);
  assert.deepEqual(failures.map(({ replica }) => replica), [a, b]);
});

Deno.test("readFirst: the caller's abort ends all that is under way and teaches nothing", async () => {
  const clock = new FakeClock();
  await using reader = new ReplicaReader(clock);
  const [a, b] = [await replica(clock, 60_000), await replica(clock, 60_000)];
  const controller = new AbortController();
  const read = reader.readFirst([a, b], id, controller.signal);
  await clock.advance(600);
  const paces = [a, b].map(({ record }) => record.paceMs);
  controller.abort(new Error("stop"));
  await assert.rejects(read, /^Error: stop$/);
  assert.deepEqual([a, b].map(({ store }) => store.aborts), [1, 1]);
  assert.deepEqual([a, b].map(({ record }) => record.paceMs), paces);
  assert.deepEqual([a, b].map(({ record }) => record.isBackingOff), [false, false]);
  assert.equal(clock.timerCount, 0);
});

Deno.test("readAll: looks at every replica, and leaves alone those that failed of late", async () => {
  const clock = new FakeClock();
  await using reader = new ReplicaReader(clock);
  const [a, b, c] = [
    await replica(clock, 10),
    await replica(clock, 2000),
    await replica(clock, 10, away),
  ];
  await b.store.delete(id);
  const first = await clock.run(reader.readAll([a, b, c], id, undefined));
  assert.deepEqual(first.block, block);
  assert.deepEqual(first.failures.map(({ replica }) => replica), [b, c]);
  c.record.failed();
  const second = await clock.run(reader.readAll([a, b, c], id, undefined));
  assert.match(String(second.failures[1]!.error), /failed of late/);
  assert.equal(c.store.gets, 1);
  // With nobody else, it is asked all the same.
  c.record.failed();
  const third = await clock.run(reader.readAll([b, c], id, undefined));
  assert.equal(third.block, undefined);
  assert.equal(c.store.gets, 2);
  assert.equal(third.failures[1]!.error, away);
});

Deno.test("readAll: an abort ends it with its reason", async () => {
  const clock = new FakeClock();
  await using reader = new ReplicaReader(clock);
  const [a, b] = [await replica(clock, 60_000), await replica(clock, 60_000)];
  const controller = new AbortController();
  const read = reader.readAll([a, b], id, controller.signal);
  controller.abort(new Error("stop"));
  await assert.rejects(read, /^Error: stop$/);
});
