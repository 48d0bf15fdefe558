/** Goal: figures of speed are those of the calls made, and no longer than was asked for. */

import assert from "node:assert/strict";
import { measureSpeed } from "../../../../lib/store/store_speed.ts";

const OPTIONS = { operation: "get", concurrency: 1, limitMs: 60_000 } as const;

Deno.test("measureSpeed: counts calls, bytes and time", async () => {
  let running = 0;
  let most = 0;
  const figure = await measureSpeed({
    ...OPTIONS,
    concurrency: 4,
    items: Array.from({ length: 20 }, (_, i) => i),
    call: async (item) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running--;
      return item;
    },
  });
  assert.equal(most, 4);
  assert.deepEqual([figure.requests, figure.blockBytes, figure.operation], [20, 19, "get"]);
  assert.ok(figure.latencyMedianMs >= 4 && figure.latencyP95Ms >= figure.latencyMedianMs);
  // Five rounds of at least 5 ms.
  assert.ok(figure.requestsPerSecond <= 20 / 0.02);
  const ratio = figure.bytesPerSecond / figure.requestsPerSecond;
  assert.ok(Math.abs(ratio - 190 / 20) < 1e-6);
});

Deno.test("measureSpeed: makes one call at least, and none when time is up", async () => {
  const options = { ...OPTIONS, items: [1, 2, 3], call: () => Promise.resolve(1), limitMs: 0 };
  assert.equal((await measureSpeed(options)).requests, 1);
  assert.equal((await measureSpeed({ ...options, items: [] })).requests, 0);
});
