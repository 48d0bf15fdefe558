/** Goal: a flag raised by one thread stops the others, also while they wait. */

import assert from "node:assert/strict";
import { StopFlag, StoppedError } from "../../../../lib/image/stop_flag.ts";

Deno.test("StopFlag: stops nobody before it is raised, and all who share it after", () => {
  const flag = new StopFlag();
  const other = new StopFlag(flag.memory);
  const stranger = new StopFlag();
  other.throwIfRaised();
  flag.raise();
  assert.throws(() => other.throwIfRaised(), StoppedError);
  assert.throws(() => flag.throwIfRaised(), StoppedError);
  stranger.throwIfRaised();
});

Deno.test("StopFlag: a wait ends at once when the memory has changed, and soon when it has not", () => {
  const flag = new StopFlag();
  const memory = new Int32Array(new SharedArrayBuffer(4));
  const waited = (value: number): number => {
    const from = performance.now();
    flag.waitWhile(memory, value);
    return performance.now() - from;
  };
  assert.ok(waited(1) < 90);
  const milliseconds = waited(0);
  assert.ok(milliseconds > 20 && milliseconds < 5000, `${milliseconds}`);
});

Deno.test("StopFlag: a wait throws when the flag is raised", () => {
  const flag = new StopFlag();
  flag.raise();
  const memory = new Int32Array(new SharedArrayBuffer(4));
  assert.throws(() => flag.waitWhile(memory, 0), StoppedError);
});
