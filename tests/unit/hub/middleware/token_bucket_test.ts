/** Goal: so many at once, so many a second after that, each key by itself. */

import assert from "node:assert/strict";
import { TokenBuckets } from "../../../../hub/middleware/token_bucket.ts";

Deno.test("token buckets: a burst, then a steady rate, and no more saved up than the burst", () => {
  let now = 1000;
  const buckets = new TokenBuckets(10, 3, () => now);
  const take = (): boolean => buckets.take("a").isAllowed;
  assert.deepEqual([take(), take(), take(), take()], [true, true, true, false]);
  assert.deepEqual(buckets.take("a"), { isAllowed: false, remaining: 0, retryAfterSeconds: 1 });
  now += 100;
  assert.deepEqual([take(), take()], [true, false]);
  now += 3_600_000;
  assert.deepEqual([take(), take(), take(), take()], [true, true, true, false]);
});

Deno.test("token buckets: keys do not share, a clock that goes back gives nothing, 0 is no limit", () => {
  let now = 1000;
  const buckets = new TokenBuckets(1, 1, () => now);
  assert.ok(buckets.take("a").isAllowed && buckets.take("b").isAllowed);
  now -= 500;
  assert.ok(!buckets.take("a").isAllowed);
  const free = new TokenBuckets(0, 1, () => now);
  for (let count = 0; count < 100; count++) assert.ok(free.take("a").isAllowed);
});

Deno.test("token buckets: waiting for as long as it says is enough", () => {
  let now = 0;
  const buckets = new TokenBuckets(0.3, 2, () => now);
  while (buckets.take("a").isAllowed);
  const { retryAfterSeconds } = buckets.take("a");
  assert.equal(retryAfterSeconds, 4);
  now += retryAfterSeconds * 1000;
  assert.ok(buckets.take("a").isAllowed);
});
