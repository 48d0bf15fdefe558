/** Goal: where the kernel does not offer something, that is told and does no harm. */

import assert from "node:assert/strict";
import { abortConnection, setReadAhead } from "../../../../lib/fuse/kernel_tuning.ts";

Deno.test("kernel tuning: a mount that does not exist cannot be tuned or aborted", async () => {
  assert.equal(await setReadAhead("0:999999", 1024), false);
  assert.equal(await abortConnection(999_999), false);
});
