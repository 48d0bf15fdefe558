/** Goal: both forms of `Retry-After` are understood, and nonsense is not. */

import assert from "node:assert/strict";
import { retryAfterMs } from "../../../../lib/store/retry_after.ts";

const NOW = Date.UTC(2026, 10, 24, 12, 0, 0);

Deno.test("retryAfterMs: seconds, and dates in the three forms of HTTP", () => {
  assert.equal(retryAfterMs("0", NOW), 0);
  assert.equal(retryAfterMs(" 120 ", NOW), 120_000);
  assert.equal(retryAfterMs("Tue, 24 Nov 2026 12:00:30 GMT", NOW), 30_000);
  assert.equal(retryAfterMs("Tuesday, 24-Nov-26 12:00:30 GMT", NOW), 30_000);
  assert.equal(retryAfterMs("Tue Nov 24 12:00:30 2026 GMT", NOW), 30_000);
});

Deno.test("retryAfterMs: a time that has passed is no wait", () => {
  assert.equal(retryAfterMs("Tue, 24 Nov 2026 11:00:00 GMT", NOW), 0);
});

Deno.test("retryAfterMs: nothing of what is missing or cannot be read", () => {
  for (const header of [undefined, "", "-1", "1.5", "soon", "99999999999999999999", "2026-11-25"]) {
    assert.equal(retryAfterMs(header, NOW), undefined, header);
  }
});
