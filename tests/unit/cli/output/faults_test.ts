/**
 * Blocks that are missing or damaged, as lines.
 */

import assert from "node:assert/strict";
import { faultLines } from "../../../../cli/output/faults.ts";

Deno.test("faults: are named with the files that need them", () => {
  const report = {
    meta: "a.fl",
    blocks: 2,
    blocksOk: 0,
    blockBytes: 0,
    missing: [{ id: "ab", reason: "not there", paths: ["x", "y"], pathCount: 1002 }],
    corrupt: [{ id: "cd", reason: "bad\x1b", paths: ["z"], pathCount: 1 }],
    incomplete: ["w"],
    durationMs: 1,
  };
  assert.deepEqual([...faultLines(report)], [
    "missing ab: not there",
    "  x",
    "  y",
    "  … and 1,000 more",
    "damaged cd: bad\\u{1b}",
    "  z",
    "incomplete w: the flist lacks blocks of it",
  ]);
});
