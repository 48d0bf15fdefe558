/** Goal: tasks start in order, long ones first, and every failure reaches those who wait. */

import assert from "node:assert/strict";
import { StoreUnavailableError, SystemError } from "../../../../lib/base/errors.ts";
import { feedPool, stopOnAbort, WorkerPool } from "../../../../lib/image/worker_pool.ts";
import type { PoolTask, PoolWorkerSetup } from "../../../helpers/pool_worker.ts";

const MODULE = new URL("../../../helpers/pool_worker.ts", import.meta.url);

type Pool = WorkerPool<PoolTask, number>;

function openPool(size: number, setup: PoolWorkerSetup = {}): Pool {
  return new WorkerPool(MODULE, { size, setup });
}

/** A gate that tasks wait at. */
function makeGate(): { gate: SharedArrayBuffer; open: () => void } {
  const gate = new SharedArrayBuffer(4);
  const open = (): void => {
    Atomics.store(new Int32Array(gate), 0, 1);
    Atomics.notify(new Int32Array(gate), 0);
  };
  return { gate, open };
}

/** What was logged, in order. */
function logged(log: SharedArrayBuffer): number[] {
  const [count, ...numbers] = new Int32Array(log);
  return numbers.slice(0, count);
}

Deno.test("WorkerPool: one worker starts short tasks in the order given, long ones before them", async () => {
  const log = new SharedArrayBuffer(400);
  await using pool = openPool(1, { log });
  const { gate, open } = makeGate();
  const runs = [pool.run({ kind: "log", value: 0, gate })];
  for (const value of [1, 2, 3, 4]) runs.push(pool.run({ kind: "log", value }));
  for (const value of [10, 11]) runs.push(pool.run({ kind: "log", value }, { alone: true }));
  open();
  assert.deepEqual(await Promise.all(runs), [0, 1, 2, 3, 4, 10, 11]);
  // The second was with the worker when the long ones came.
  assert.deepEqual(logged(log), [0, 1, 10, 11, 2, 3, 4]);
});

Deno.test("WorkerPool: nothing waits behind a long task while another worker is free", async () => {
  await using pool = openPool(2);
  const { gate, open } = makeGate();
  const long = pool.run({ kind: "log", value: 100, gate }, { alone: true });
  const short = [1, 2, 3, 4, 5].map((value) => pool.run({ kind: "log", value }));
  // Were one of them behind the long task, this would wait for it.
  assert.deepEqual(await Promise.all(short), [1, 2, 3, 4, 5]);
  open();
  assert.equal(await long, 100);
});

Deno.test("feedPool: prepares as many items as workers have tasks, and those ahead, no more", async () => {
  await using pool = openPool(1);
  const { gate, open } = makeGate();
  const prepared: number[] = [];
  const taken: number[] = [];
  let isAhead = (): void => {};
  const reached = new Promise<void>((resolve) => isAhead = resolve);
  const fed = feedPool(pool, [1, 2, 3, 4, 5, 6, 7], {
    ahead: 2,
    prepare: async (value) => {
      await Promise.resolve();
      // Two for the worker, two ahead.
      if (prepared.push(value) === 4) isAhead();
      return { kind: "log" as const, value, gate };
    },
    take: (result) => taken.push(result),
  });
  await reached;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(prepared, [1, 2, 3, 4]);
  assert.deepEqual(taken, []);
  open();
  await fed;
  assert.deepEqual(taken, [1, 2, 3, 4, 5, 6, 7]);
});

Deno.test("feedPool: the first failure ends it, whether of a worker or of what comes before", async () => {
  await using pool = openPool(1);
  const prepared: number[] = [];
  const feed = (prepare: (value: number) => PoolTask): Promise<void> =>
    feedPool(pool, [1, 2, 3, 4, 5, 6, 7, 8], {
      prepare: (value) => {
        prepared.push(value);
        return prepare(value);
      },
      take: () => {},
    });
  await assert.rejects(feed(() => ({ kind: "fail", how: "system" })), SystemError);
  assert.ok(prepared.length < 8);
  await assert.rejects(
    feed((value) => {
      if (value === 2) throw new TypeError("no task");
      return { kind: "log", value };
    }),
    TypeError,
  );
});

Deno.test("WorkerPool: a task that fails fails alone, with the class and fields of its error", async () => {
  await using pool = openPool(1);
  const fails = (how: "system" | "store" | "plain" | "text"): Promise<unknown> =>
    pool.run({ kind: "fail", how }).then(() => assert.fail(), (error) => error);
  const system = await fails("system");
  assert.ok(system instanceof SystemError);
  assert.deepEqual(
    [system.code, system.errno, system.path, system.hint, system.name],
    ["system", "ENOSPC", "a", "Free.", "SystemError"],
  );
  assert.equal(system.message, "Cannot write a: the disk is full (ENOSPC)");
  const store = await fails("store");
  assert.ok(store instanceof StoreUnavailableError);
  assert.deepEqual([store.store, store.retryable, store.hint], ["dir:///a", true, undefined]);
  const plain = await fails("plain");
  assert.ok(plain instanceof Error);
  assert.deepEqual([plain.name, plain.message], ["RangeError", "out of range"]);
  const text = await fails("text");
  assert.ok(text instanceof Error);
  assert.equal(text.message, "only text");
  assert.equal(await pool.run({ kind: "log", value: 5 }), 5);
});

Deno.test("WorkerPool: a worker that cannot be set up fails everything", async () => {
  await using pool = openPool(1, { broken: true });
  const runs = [1, 2, 3].map((value) => pool.run({ kind: "log", value }));
  for (const run of await Promise.allSettled(runs)) {
    assert.equal(run.status, "rejected");
    assert.ok(run.reason instanceof SystemError);
    assert.equal(run.reason.errno, "EACCES");
  }
  await assert.rejects(pool.run({ kind: "log", value: 1 }), SystemError);
});

Deno.test("WorkerPool: a worker that crashes fails what is under way, and not the process", async () => {
  await using pool = openPool(1);
  await pool.run({ kind: "crash" });
  const untilItFails = async (): Promise<void> => {
    for (let i = 0; i < 10_000; i++) await pool.run({ kind: "log", value: i });
  };
  await assert.rejects(untilItFails(), /A worker thread failed.*crashed/s);
});

Deno.test("WorkerPool: notes arrive before the answer of their task", async () => {
  const notes: unknown[] = [];
  await using pool = new WorkerPool<PoolTask, number>(MODULE, {
    size: 1,
    setup: {},
    onNote: (note) => notes.push(note),
  });
  assert.equal(await pool.run({ kind: "note", value: 7 }), 7);
  assert.deepEqual(notes, [7]);
});

Deno.test("WorkerPool: an abort rejects everything with its reason", async () => {
  await using pool = openPool(2);
  const abort = new AbortController();
  using _stop = stopOnAbort(pool, abort.signal);
  const { gate, open } = makeGate();
  const runs = [1, 2, 3, 4, 5, 6].map((value) =>
    pool.run({ kind: "log", value, gate }, { alone: value > 4 })
  );
  const all = Promise.allSettled(runs);
  const reason = new Error("stop");
  abort.abort(reason);
  // Workers end after the task that they are at.
  open();
  for (const run of await all) {
    assert.equal(run.status, "rejected");
    assert.equal(run.reason, reason);
  }
  await assert.rejects(pool.run({ kind: "log", value: 1 }), (error) => error === reason);
});
