/** Goal: never more at once than asked for, the first failure wins, and long work can be stopped. */

import assert from "node:assert/strict";
import { Breather, forEachBounded, Semaphore } from "../../../../lib/base/concurrency.ts";

/** Gives way to everything that is ready to run. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("forEachBounded: runs all, with no more under way than allowed and no fewer than possible", async () => {
  for (const bound of [1, 3]) {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    await forEachBounded([1, 2, 3, 4, 5, 6, 7], bound, async (item) => {
      most = Math.max(most, ++running);
      await turn();
      running--;
      done.push(item);
    });
    assert.equal(most, bound);
    assert.deepEqual(done.sort(), [1, 2, 3, 4, 5, 6, 7]);
  }
});

Deno.test("forEachBounded: takes items that come one by one", async () => {
  async function* items(): AsyncGenerator<number> {
    for (let i = 0; i < 4; i++) {
      await turn();
      yield i;
    }
  }
  let sum = 0;
  await forEachBounded(items(), 2, (item) => {
    sum += item;
    return Promise.resolve();
  });
  assert.equal(sum, 6);
});

Deno.test("forEachBounded: after a failure nothing new starts, the rest ends, the first is thrown", async () => {
  const started: number[] = [];
  const ended: number[] = [];
  const run = forEachBounded([0, 1, 2, 3, 4, 5], 3, async (item) => {
    started.push(item);
    await turn();
    if (item === 1) throw new Error("first");
    await turn();
    ended.push(item);
    if (item === 2) throw new Error("second");
  });
  await assert.rejects(run, /^Error: first$/);
  assert.deepEqual(started, [0, 1, 2]);
  assert.deepEqual(ended, [0, 2]);
});

Deno.test("Semaphore: callers get permits in turn, and giving back twice frees one", async () => {
  const semaphore = new Semaphore(2);
  const got: number[] = [];
  const ask = (number: number): Promise<Disposable> =>
    semaphore.acquire().then((permit) => (got.push(number), permit));
  const [first, second] = [await ask(1), await ask(2)];
  const rest = [ask(3), ask(4), ask(5)];
  await turn();
  assert.deepEqual(got, [1, 2]);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await turn();
  assert.deepEqual(got, [1, 2, 3]);
  second[Symbol.dispose]();
  (await rest[0]!)[Symbol.dispose]();
  await Promise.all(rest);
  assert.deepEqual(got, [1, 2, 3, 4, 5]);
});

Deno.test("Breather: is due after a while, and gives timers their turn", async () => {
  const breather = new Breather();
  assert.equal(breather.due, false);
  let fired = false;
  const timer = setTimeout(() => fired = true, 1);
  const from = performance.now();
  while (!breather.due) assert.ok(performance.now() - from < 5000, "it is never due");
  while (!fired) {
    await breather.breathe();
    assert.ok(performance.now() - from < 5000, "the timer has no turn");
  }
  clearTimeout(timer);
  assert.equal(breather.due, false);
});

Deno.test("Breather: throws the reason of its signal", async () => {
  const abort = new AbortController();
  const breather = new Breather(abort.signal);
  await breather.breathe();
  const reason = new Error("stop");
  abort.abort(reason);
  await assert.rejects(breather.breathe(), (error) => error === reason);
});

Deno.test("Semaphore: an abort ends the waiting of one caller, whose turn goes to the next", async () => {
  const semaphore = new Semaphore(1);
  const held = await semaphore.acquire();
  const controller = new AbortController();
  const reason = new Error("stop");
  const leaving = semaphore.acquire(controller.signal);
  const next = semaphore.acquire(new AbortController().signal);
  controller.abort(reason);
  await assert.rejects(leaving, (error) => error === reason);
  held[Symbol.dispose]();
  (await next)[Symbol.dispose]();
  await assert.rejects(semaphore.acquire(controller.signal), (error) => error === reason);
  (await semaphore.acquire())[Symbol.dispose]();
});
