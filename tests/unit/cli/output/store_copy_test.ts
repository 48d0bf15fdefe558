/** What `myfs store copy` says: only what happened, and each fault by name. */

import assert from "node:assert/strict";
import type { CopyStoreReport } from "myfs";
import { copyFaultLines, copySummary } from "../../../../cli/output/store_copy.ts";

const REPORT: CopyStoreReport = {
  source: "dir:///a",
  targets: ["dir:///b", "dir:///c"],
  blocks: 1003,
  blocksCopied: 3,
  blocksPresent: 1000,
  blocksOutside: 0,
  blocksMissing: 0,
  blocksCorrupt: 0,
  blocksRepaired: 0,
  blocksDeleted: 0,
  copiedBytes: 2048,
  missing: [],
  corrupt: [],
  durationMs: 1000,
};

Deno.test("store copy output: what did not happen is not mentioned", () => {
  assert.deepEqual([...copySummary(REPORT)], [
    "Copied dir:///a to dir:///b, dir:///c in 1.0 s (2.00 KiB/s)",
    "  blocks   3 copied, 2.00 KiB; 1,000 were there already",
  ]);
  assert.deepEqual([...copyFaultLines(REPORT)], []);
});

Deno.test("store copy output: what happened is", () => {
  const report: CopyStoreReport = {
    ...REPORT,
    ...{ blocksMissing: 3, blocksCorrupt: 1, blocksRepaired: 1, blocksOutside: 2 },
    blocksDeleted: 1002,
    missing: [{ id: "ab", reason: "gone\x1b" }],
    corrupt: [{ id: "cd", reason: "other bytes" }],
  };
  assert.deepEqual([...copySummary(report)].slice(2), [
    "  repaired 1 damaged copy",
    "  left     2 blocks that no target is for",
    "  deleted  1,002 blocks from the source",
    "  failed   3 missing, 1 damaged at the source",
  ]);
  assert.deepEqual([...copyFaultLines(report)], [
    "missing ab: gone\\u{1b}",
    "missing … and 2 more blocks",
    "damaged cd: other bytes",
  ]);
});
