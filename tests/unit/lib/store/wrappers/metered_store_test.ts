/** Goal: every call is counted once, with its bytes, its time and how it ended. */

import assert from "node:assert/strict";
import { StoreUnavailableError } from "../../../../../lib/base/errors.ts";
import { wait } from "../../../../../lib/base/clock.ts";
import { MemoryStore } from "../../../../../lib/store/memory_store.ts";
import { MeteredStore } from "../../../../../lib/store/wrappers/metered_store.ts";
import {
  type OperationMetrics,
  StoreMetricsCollector,
} from "../../../../../lib/store/wrappers/store_metrics.ts";
import { FakeClock } from "../../../../helpers/fake_clock.ts";
import { type Fault, FaultyStore } from "../../../../helpers/faulty_store.ts";
import { randomBlock } from "../../../../helpers/random_block.ts";

function metered(...faults: Fault[]): {
  store: MeteredStore;
  clock: FakeClock;
  metrics: () => Partial<Record<string, OperationMetrics>>;
} {
  const clock = new FakeClock();
  const collector = new StoreMetricsCollector();
  const inner = new FaultyStore(new MemoryStore(), faults);
  const store = new MeteredStore(inner, collector.meter(inner.url), clock);
  return { store, clock, metrics: () => collector.snapshot()[0]!.operations };
}

Deno.test("MeteredStore: counts every kind of call, with the bytes of blocks", async () => {
  const { store, metrics } = metered();
  const { id, block } = randomBlock(1000);
  await store.put(id, block);
  await store.get(id);
  await store.get(id);
  await store.has([id, id]);
  await Array.fromAsync(store.list!());
  await store.flush();
  await store.delete!(id);
  const seen = Object.entries(metrics()).map(([name, metric]) => [
    name,
    metric!.requests,
    metric!.bytesIn,
    metric!.bytesOut,
    metric!.latency.count,
  ]);
  assert.deepEqual(seen, [
    ["put", 1, 0, 1000, 1],
    ["get", 2, 2000, 0, 2],
    ["has", 1, 0, 0, 1],
    ["list", 1, 0, 0, 1],
    ["flush", 1, 0, 0, 1],
    ["delete", 1, 0, 0, 1],
  ]);
});

Deno.test("MeteredStore: counts failures by code and passes them on", async () => {
  const away = new StoreUnavailableError("mem://", "away");
  const { store, metrics } = metered({ call: "get", nth: 1, error: away }, {
    call: "list",
    error: away,
  });
  const { id } = randomBlock(10);
  await assert.rejects(store.get(id), (error) => error === away);
  await assert.rejects(store.get(id), { code: "block_not_found" });
  const signal = AbortSignal.abort(new Error("stop"));
  await assert.rejects(store.has([id], { signal }), /stop/);
  await assert.rejects(Array.fromAsync(store.list!()), (error) => error === away);
  const { get, has, list } = metrics();
  assert.deepEqual(get!.errors, { store_unavailable: 1, block_not_found: 1 });
  assert.deepEqual(has!.errors, { aborted: 1 });
  assert.deepEqual(list!.errors, { store_unavailable: 1 });
});

Deno.test("MeteredStore: the time of a list is what its reader waited, also when it leaves early", async () => {
  const { store, clock, metrics } = metered();
  for (let i = 0; i < 3; i++) {
    const { id, block } = randomBlock(10);
    await store.put(id, block);
  }
  const read = async (most: number): Promise<void> => {
    let count = 0;
    for await (const _ of store.list!()) {
      await wait(clock, 1000);
      if (++count === most) break;
    }
  };
  await clock.run(read(3));
  await clock.run(read(1));
  const { requests, latency } = metrics()["list"]!;
  assert.deepEqual([requests, latency.count, latency.maxMs], [2, 2, 0]);
});
