/** Goal: the mean rate is kept, in turn, and giving up gives back. */

import assert from "node:assert/strict";
import { TokenBucket } from "../../../../../lib/store/wrappers/token_bucket.ts";
import { FakeClock } from "../../../../helpers/fake_clock.ts";

Deno.test("TokenBucket: a short burst passes at once, then the rate holds", async () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(1000, clock);
  await bucket.take(250);
  assert.equal(clock.now(), 0);
  for (let i = 0; i < 10; i++) await clock.run(bucket.take(100));
  assert.equal(clock.now(), 1000);
});

Deno.test("TokenBucket: callers that come together are served in turn", async () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(1000, clock);
  const times: number[] = [];
  const take = (bytes: number): Promise<void> =>
    bucket.take(bytes).then(() => void times.push(clock.now()));
  await clock.run(Promise.all([take(250), take(500), take(100), take(400)]));
  assert.deepEqual(times, [0, 500, 600, 1000]);
});

Deno.test("TokenBucket: a pause saves up no more than a burst", async () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(1000, clock);
  await clock.advance(60_000);
  await clock.run(bucket.take(1250));
  assert.equal(clock.now(), 61_000);
});

Deno.test("TokenBucket: who gives up waiting takes nothing", async () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(1000, clock);
  const controller = new AbortController();
  const waiting = bucket.take(100_000, controller.signal);
  controller.abort(new Error("stop"));
  await assert.rejects(waiting, /stop/);
  await bucket.take(250);
  assert.equal(clock.now(), 0);
  assert.equal(clock.timerCount, 0);
});

Deno.test("TokenBucket: what passed unforeseen makes the next one wait", async () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(1000, clock);
  bucket.correct(1250);
  await clock.run(bucket.take(100));
  assert.equal(clock.now(), 1100);
});
