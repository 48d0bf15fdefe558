/**
 * Differences, by path, and in figures.
 */

import assert from "node:assert/strict";
import { diffLines, diffSummary } from "../../../../cli/output/differences.ts";

Deno.test("differences: are listed by path, whatever their kind", () => {
  const diff = {
    added: ["b\x1b", "d"],
    removed: ["a", "e"],
    changed: [{ path: "", changes: ["mtime"] as const }, {
      path: "c",
      changes: ["size", "content"] as const,
    }],
    blocksAdded: 1,
    blockBytesAdded: 2048,
  };
  assert.deepEqual(diffLines(diff), [
    "~ / (mtime)",
    "- a",
    "+ b\\x1b",
    "~ c (size, content)",
    "+ d",
    "- e",
  ]);
  assert.deepEqual([...diffSummary(diff)], [
    "2 added, 2 removed, 2 changed; from left to right 1 new block, 2.00 KiB",
  ]);
});

Deno.test("differences: that there are none is said", () => {
  const diff = { added: [], removed: [], changed: [], blocksAdded: 0, blockBytesAdded: 0 };
  assert.deepEqual([diffLines(diff), [...diffSummary(diff)]], [[], ["No entry differs"]]);
});
