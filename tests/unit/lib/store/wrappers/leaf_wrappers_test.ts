/** Goal: what stands around a store, in which order, and that local ones are left as they are. */

import assert from "node:assert/strict";
import {
  BlockCorruptError,
  StoreDeniedError,
  StoreUnavailableError,
} from "../../../../../lib/base/errors.ts";
import { MemoryStore } from "../../../../../lib/store/memory_store.ts";
import {
  checkTuning,
  openPatiently,
  sharedRate,
  wrapLeaf,
} from "../../../../../lib/store/wrappers/leaf_wrappers.ts";
import { StoreMetricsCollector } from "../../../../../lib/store/wrappers/store_metrics.ts";
import { FaultyStore } from "../../../../helpers/faulty_store.ts";
import { randomBlock } from "../../../../helpers/random_block.ts";

const REMOTE = { isRemote: true, isAlone: true, rate: undefined };
const LOCAL = { isRemote: false, isAlone: true, rate: undefined };

const away = new StoreUnavailableError("mem://", "away", { retryable: true });

Deno.test("wrapLeaf: a local store that is alone stays as it is, whatever is said about networks", () => {
  const leaf = new MemoryStore();
  assert.equal(wrapLeaf(leaf, LOCAL, {}), leaf);
  assert.equal(wrapLeaf(leaf, LOCAL, { deadlineMs: 5, attempts: 2, concurrency: 1 }), leaf);
});

Deno.test("wrapLeaf: a local replica is checked and stays local", async () => {
  const local = { directories: [] };
  const leaf = Object.defineProperty(new MemoryStore(), "local", { value: local });
  const store = wrapLeaf(leaf, { ...LOCAL, isAlone: false }, {});
  assert.equal(store.local, local);
  const { id } = randomBlock(10);
  await leaf.put(id, new Uint8Array(10));
  await assert.rejects(store.get(id), BlockCorruptError);
  const unchecked = wrapLeaf(leaf, { ...LOCAL, isAlone: false }, { verify: false });
  assert.equal((await unchecked.get(id)).length, 10);
});

Deno.test("wrapLeaf: what is asked for sees every call of a local store, which is not local then", async () => {
  const local = { directories: [] };
  const leaf = (): MemoryStore =>
    Object.defineProperty(new MemoryStore(), "local", { value: local });
  const metrics = new StoreMetricsCollector();
  const counted = wrapLeaf(leaf(), LOCAL, { metrics });
  assert.equal(counted.local, undefined);
  await counted.has([]);
  assert.equal(metrics.snapshot()[0]!.operations.has!.requests, 1);
  const limited = wrapLeaf(leaf(), { ...LOCAL, rate: sharedRate({ bytesPerSecond: 1000 }) }, {});
  assert.equal(limited.local, undefined);
  assert.equal(wrapLeaf(leaf(), LOCAL, { verify: true }).local, local);
});

Deno.test("wrapLeaf: each attempt at a store on the network is counted and has its own deadline", async () => {
  const metrics = new StoreMetricsCollector();
  const inner = new FaultyStore(new MemoryStore(), [{ call: "get", nth: 1, delayMs: 60_000 }]);
  const store = wrapLeaf(inner, REMOTE, { metrics, deadlineMs: 20 });
  const { id, block } = randomBlock(10);
  await store.put(id, block);
  assert.deepEqual(await store.get(id), block);
  const { requests, errors } = metrics.snapshot()[0]!.operations.get!;
  assert.deepEqual([requests, errors], [2, { store_unavailable: 1 }]);
});

Deno.test("wrapLeaf: attempts can be forbidden, and a damaged answer is asked for once more", async () => {
  const failing = new FaultyStore(new MemoryStore(), [{ call: "get", error: away }]);
  const { id } = randomBlock(10);
  await assert.rejects(wrapLeaf(failing, REMOTE, { attempts: 1 }).get(id), { message: "away" });
  assert.equal(failing.calls.get, 1);
  const damaged = new FaultyStore(new MemoryStore());
  await damaged.put(id, new Uint8Array(10));
  await assert.rejects(wrapLeaf(damaged, REMOTE, {}).get(id), BlockCorruptError);
  assert.equal(damaged.calls.get, 2);
  let checked = 0;
  const store = wrapLeaf(damaged, REMOTE, { verifyWith: () => void checked++ });
  await store.get(id);
  assert.equal(checked, 1);
});

Deno.test("openPatiently: opens again what failed for the moment or did not answer, and nothing else", async () => {
  const tuning = { deadlineMs: 20, attempts: 3 };
  let opened = 0;
  const store = await openPatiently(
    "mem://",
    (signal) => {
      opened++;
      if (opened === 1) return Promise.reject(away);
      if (opened === 3) return Promise.resolve(new MemoryStore());
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new Error("some library's error")));
      });
    },
    tuning,
    undefined,
  );
  assert.ok(store instanceof MemoryStore);
  assert.equal(opened, 3);
  const denied = new StoreDeniedError("mem://", "denied");
  await assert.rejects(
    openPatiently("mem://", () => Promise.reject(denied), tuning, undefined),
    (error) => error === denied,
  );
  await assert.rejects(
    openPatiently("mem://a", () => new Promise(() => {}), tuning, AbortSignal.abort("stop")),
    (reason) => reason === "stop",
  );
});

Deno.test("checkTuning: refuses what makes no sense, and names it", () => {
  checkTuning({});
  checkTuning({ deadlineMs: 1.5, attempts: 100, concurrency: 1, bytesPerSecond: 1e9 });
  for (
    const tuning of [
      { deadlineMs: 0 },
      { deadlineMs: NaN },
      { attempts: 0 },
      { attempts: 101 },
      { attempts: 1.5 },
      { concurrency: 0 },
      { concurrency: 2.5 },
      { bytesPerSecond: -1 },
    ]
  ) {
    const [name] = Object.keys(tuning);
    assert.throws(
      () => checkTuning(tuning),
      (error) => error instanceof RangeError && error.message.includes(name!),
    );
  }
});
