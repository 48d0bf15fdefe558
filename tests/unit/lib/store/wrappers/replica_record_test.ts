/** Goal: fast replicas first, failed ones last, and all of them tried again when time has passed. */

import assert from "node:assert/strict";
import { byPreference, ReplicaRecord } from "../../../../../lib/store/wrappers/replica_record.ts";
import { FakeClock } from "../../../../helpers/fake_clock.ts";

function records<const Names extends readonly string[]>(
  clock: FakeClock,
  ...names: Names
): { replicas: { name: string; record: ReplicaRecord }[]; order: () => string } {
  const replicas = names.map((name) => ({ name, record: new ReplicaRecord(clock) }));
  return { replicas, order: () => byPreference(replicas).map(({ name }) => name).join("") };
}

Deno.test("ReplicaRecord: replicas of which nothing is known keep their order", async () => {
  const clock = new FakeClock();
  const { order } = records(clock, "a", "b", "c");
  assert.equal(order(), "abc");
  await clock.advance(3_600_000);
  assert.equal(order(), "abc");
});

Deno.test("ReplicaRecord: the fast ones come first, those about as fast in their order", () => {
  const clock = new FakeClock();
  const { replicas: [a, b, c], order } = records(clock, "a", "b", "c");
  a!.record.served(100, 0);
  b!.record.served(10, 0);
  c!.record.served(9, 0);
  assert.equal(order(), "bca");
});

Deno.test("ReplicaRecord: what is slow because of large blocks is not slow", () => {
  const clock = new FakeClock();
  const { replicas: [a, b], order } = records(clock, "a", "b");
  a!.record.served(40, 0);
  b!.record.served(100, 2_000_000);
  assert.equal(order(), "ba");
});

Deno.test("ReplicaRecord: one odd answer does not undo many", () => {
  const clock = new FakeClock();
  const { replicas: [a, b], order } = records(clock, "a", "b");
  b!.record.served(200, 0);
  for (let i = 0; i < 20; i++) a!.record.served(10, 0);
  a!.record.served(300, 0);
  assert.equal(order(), "ab");
  for (let i = 0; i < 20; i++) a!.record.served(1000, 0);
  assert.equal(order(), "ba");
});

Deno.test("ReplicaRecord: what was slow is tried again after a while, and what was never asked", async () => {
  const clock = new FakeClock();
  const { replicas: [a, b, c], order } = records(clock, "a", "b", "c");
  b!.record.served(400, 0);
  for (let second = 0; second < 20; second++) {
    a!.record.served(50, 0);
    assert.equal(order()[0], "a", `after ${second} s`);
    await clock.advance(1000);
  }
  const tried = new Map<string, number>();
  for (let second = 20; second < 120; second++) {
    const name = order()[0]!;
    if (!tried.has(name)) tried.set(name, second);
    const record = { a: a!, b: b!, c: c! }[name]!.record;
    record.served(name === "a" ? 50 : 400, 0);
    await clock.advance(1000);
  }
  assert.deepEqual([...tried.keys()].sort(), ["a", "b", "c"]);
  // It still was slow, so it is not asked again at once.
  assert.equal(order()[0], "a");
});

Deno.test("ReplicaRecord: while one read finds out about a stale replica, others do not follow", async () => {
  const clock = new FakeClock();
  const { replicas: [a, b], order } = records(clock, "a", "b");
  a!.record.served(10, 0);
  b!.record.served(20, 0);
  await clock.advance(10_001);
  assert.equal(order(), "ab");
  a!.record.running++;
  assert.equal(order(), "ba");
  a!.record.served(10, 0);
  assert.equal(order(), "ab");
});

Deno.test("ReplicaRecord: a failing replica is left alone for a time that doubles, up to a minute", async () => {
  const clock = new FakeClock();
  const { replicas: [a, b], order } = records(clock, "a", "b");
  for (const backOffMs of [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]) {
    a!.record.failed();
    assert.equal(order(), "ba");
    assert.equal(a!.record.isBackingOff, true);
    await clock.advance(backOffMs - 1);
    assert.equal(a!.record.isBackingOff, true);
    await clock.advance(1);
    assert.equal(a!.record.isBackingOff, false);
  }
  a!.record.failed();
  a!.record.served(10, 0);
  assert.equal(a!.record.isBackingOff, false);
  a!.record.failed();
  b!.record.failed();
  b!.record.failed();
  // Of those that failed, the one comes first that may come back first.
  assert.equal(order(), "ab");
});

Deno.test("ReplicaRecord: slow is what takes longer than nearly all answers did of late", () => {
  const clock = new FakeClock();
  const record = new ReplicaRecord(clock);
  assert.equal(record.slowMs, 500);
  for (let i = 0; i < 100; i++) record.served(10, 0);
  assert.equal(record.slowMs, 100);
  for (let i = 0; i < 1000; i++) record.served(i % 10 === 0 ? 2000 : 600, 0);
  assert.equal(record.slowMs, 2000);
  for (let i = 0; i < 2000; i++) record.served(20, 0);
  assert.equal(record.slowMs, 100);
});
