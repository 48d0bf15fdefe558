/**
 * What was written back to stores, as lines.
 */

import assert from "node:assert/strict";
import { healedLines, unhealedLines } from "../../../../cli/output/healing.ts";

Deno.test("healing: is told store by store", () => {
  const healing = {
    healed: [
      { id: "01", store: "dir:///a", found: "missing" as const },
      { id: "02", store: "dir:///b", found: "missing" as const },
      { id: "03", store: "dir:///a", found: "corrupt" as const },
    ],
    unhealed: [{ store: "http://c", count: 1000, reason: "read only\x1b" }],
  };
  assert.deepEqual([...healedLines(healing)], [
    "Healed 2 blocks in dir:///a: 1 had been missing, 1 damaged",
    "Healed 1 block in dir:///b: 1 had been missing, 0 damaged",
  ]);
  assert.deepEqual([...unhealedLines(healing)], [
    "Not healed: 1,000 blocks in http://c: read only\\u{1b}",
  ]);
  assert.deepEqual([...healedLines(undefined), ...unhealedLines(undefined)], []);
});
