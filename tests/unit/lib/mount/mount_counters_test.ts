/** Goal: counts of several threads add up. Method: two views of one memory. */

import assert from "node:assert/strict";
import { MOUNT_COUNTER, MountCounters } from "../../../../lib/mount/mount_counters.ts";

Deno.test("mount counters: all views count together, beyond 32 bits", () => {
  const memory = MountCounters.allocate();
  const [one, other] = [new MountCounters(memory), new MountCounters(memory)];
  for (const counter of Object.values(MOUNT_COUNTER)) assert.equal(one.get(counter), 0);
  one.add(MOUNT_COUNTER.bytesRead, 2 ** 40);
  other.add(MOUNT_COUNTER.bytesRead, 5);
  other.add(MOUNT_COUNTER.errors, 1);
  assert.equal(one.get(MOUNT_COUNTER.bytesRead), 2 ** 40 + 5);
  assert.equal(one.get(MOUNT_COUNTER.errors), 1);
  assert.equal(one.get(MOUNT_COUNTER.chunksOpened), 0);
});
