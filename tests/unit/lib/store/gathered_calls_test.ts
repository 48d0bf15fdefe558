/**
 * Calls go together when others are under way, within their bounds, and each gets its own answer.
 */

import assert from "node:assert/strict";
import { GatheredCalls } from "../../../../lib/store/gathered_calls.ts";

/** Calls whose large ones wait until they are let go. */
class Held {
  readonly runs: (readonly number[])[] = [];
  readonly signals: AbortSignal[] = [];
  readonly #gates: PromiseWithResolvers<void>[] = [];

  readonly run = async (items: readonly number[], signal: AbortSignal): Promise<number[]> => {
    this.runs.push(items);
    this.signals.push(signal);
    const gate = Promise.withResolvers<void>();
    this.#gates.push(gate);
    await gate.promise;
    return items.map((item) => item * 10);
  };

  /** Lets the oldest one that is held go on, or fail. */
  async next(error?: Error): Promise<void> {
    const gate = this.#gates.shift()!;
    if (error === undefined) gate.resolve();
    else gate.reject(error);
    await settled();
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("gathered calls: what comes together goes together, and later ones while it is under way", async () => {
  const held = new Held();
  const calls = new GatheredCalls({ atOnceMax: 1, countMax: 3, run: held.run });
  const first = [1, 2].map((item) => calls.call(item));
  await settled();
  const later = [3, 4, 5, 6].map((item) => calls.call(item));
  await settled();
  assert.deepEqual(held.runs, [[1, 2]]);
  await held.next();
  assert.deepEqual(await Promise.all(first), [10, 20]);
  await held.next();
  await held.next();
  assert.deepEqual(await Promise.all(later), [30, 40, 50, 60]);
  assert.deepEqual(held.runs, [[1, 2], [3, 4, 5], [6]]);
});

Deno.test("gathered calls: as many at once as allowed, and no more bytes together", async () => {
  const held = new Held();
  const calls = new GatheredCalls({
    atOnceMax: 2,
    countMax: 100,
    sizeMax: 10,
    sizeOf: (item: number) => item,
    run: held.run,
  });
  const answers = [20, 5, 5, 1, 10].map((item) => calls.call(item));
  await settled();
  assert.deepEqual(held.runs, [[20], [5, 5]]);
  await held.next();
  assert.deepEqual(held.runs.slice(2), [[1]]);
  await held.next();
  assert.deepEqual(held.runs.slice(3), [[10]]);
  await held.next();
  await held.next();
  assert.deepEqual(await Promise.all(answers), [200, 50, 50, 10, 100]);
});

Deno.test("gathered calls: a failure is that of all of a large call, and of no other", async () => {
  const held = new Held();
  const calls = new GatheredCalls({ atOnceMax: 1, countMax: 2, run: held.run });
  const answers = [1, 2, 3].map((item) => calls.call(item));
  const failed = answers.slice(0, 2).map((answer) => assert.rejects(answer, /^Error: no/));
  await settled();
  await held.next(new Error("no"));
  await Promise.all(failed);
  await held.next();
  assert.equal(await answers[2], 30);
});

Deno.test("gathered calls: who gives up leaves the others, and nobody waits for what nobody wants", async () => {
  const held = new Held();
  const calls = new GatheredCalls({ atOnceMax: 1, countMax: 2, run: held.run });
  const reason = new Error("enough");
  const controller = new AbortController();
  const { signal } = controller;
  const leaving = [1, 2, 3].map((item) => assert.rejects(calls.call(item, signal), reason));
  const staying = calls.call(4);
  await settled();
  assert.deepEqual(held.runs, [[1, 2]]);
  controller.abort(reason);
  await Promise.all(leaving);
  assert.equal(held.signals[0]!.reason, reason);
  await held.next();
  assert.deepEqual(held.runs.slice(1), [[4]]);
  assert.equal(held.signals[1]!.aborted, false);
  await held.next();
  assert.equal(await staying, 40);
  await assert.rejects(calls.call(5, signal), reason);
});
