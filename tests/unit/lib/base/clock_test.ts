/** Goal: the machine's clock calls back and can be taken back; waiting ends early with its signal. */

import assert from "node:assert/strict";
import { systemClock, wait } from "../../../../lib/base/clock.ts";
import { FakeClock } from "../../../helpers/fake_clock.ts";

Deno.test("systemClock: calls back once, unless it is taken back", async () => {
  const before = systemClock.now();
  let calls = 0;
  systemClock.after(0, () => calls++);
  const cancel = systemClock.after(0, () => calls++);
  cancel();
  await wait(systemClock, 2);
  assert.equal(calls, 1);
  assert.ok(systemClock.now() > before);
});

Deno.test("wait: ends when the time has passed, and not before", async () => {
  const clock = new FakeClock();
  let ended = false;
  const waiting = wait(clock, 100).then(() => ended = true);
  await clock.advance(99);
  assert.equal(ended, false);
  await clock.advance(1);
  assert.equal(ended, true);
  await waiting;
});

Deno.test("wait: an abort ends it at once with the reason, and leaves no timer", async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  const reason = new Error("stop");
  const waiting = wait(clock, 100, controller.signal);
  assert.equal(clock.timerCount, 1);
  controller.abort(reason);
  await assert.rejects(waiting, (error) => error === reason);
  assert.equal(clock.timerCount, 0);
  await assert.rejects(wait(clock, 100, controller.signal), (error) => error === reason);
  assert.equal(clock.timerCount, 0);
});
