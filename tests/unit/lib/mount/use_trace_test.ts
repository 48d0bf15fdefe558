/** Goal: a trace comes back as it was written, and what is no trace is refused by its line. */

import assert from "node:assert/strict";
import type { BlockId } from "../../../../lib/block/block_ref.ts";
import { formatUseTrace, parseUseTrace } from "../../../../lib/mount/use_trace.ts";

const [A, B] = ["a", "b"].map((digit) => digit.repeat(64) as BlockId) as [BlockId, BlockId];

Deno.test("use trace: comes back in its order, each block once", () => {
  assert.deepEqual(parseUseTrace(formatUseTrace([B, A])), [B, A]);
  assert.deepEqual(parseUseTrace(formatUseTrace([B, A, B])), [B, A]);
  assert.deepEqual(parseUseTrace(formatUseTrace([])), []);
});

Deno.test("use trace: what is no trace is refused, with the line", () => {
  const head = '{"myfsTrace":1}\n';
  for (
    const [text, reason] of [
      ["", /empty/],
      ['{"myfsTrace":2}\n', /line 1/],
      [`{"block":"${A}"}\n`, /line 1/],
      [`${head}nonsense\n`, /line 2 is not JSON/],
      [`${head}null\n`, /line 2 is no object/],
      [`${head}{"block":7}\n`, /line 2 names no block/],
      [`${head}{"block":"../../etc/passwd"}\n`, /block id/],
    ] as const
  ) {
    assert.throws(() => parseUseTrace(text), (error) => {
      assert.ok(error instanceof SyntaxError);
      assert.match(error.message, reason);
      return true;
    });
  }
});
