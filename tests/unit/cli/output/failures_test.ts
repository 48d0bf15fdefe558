/**
 * Lists of what went wrong, short enough to read.
 */

import assert from "node:assert/strict";
import { failureLines, lossLines } from "../../../../cli/output/failures.ts";

function failures(count: number): { path: string; reason: string; code: string }[] {
  return Array.from({ length: count }, (_, i) => ({ path: `f${i}`, reason: "no", code: "system" }));
}

Deno.test("failures: up to twenty are named", () => {
  assert.deepEqual([...failureLines(failures(0))], []);
  const lines = [...failureLines(failures(20))];
  assert.equal(lines.length, 20);
  assert.equal(lines[19], "failed: f19: no");
});

Deno.test("failures: the others are counted", () => {
  const lines = [...failureLines(failures(1234))];
  assert.equal(lines.length, 21);
  assert.equal(lines[20], "… and 1,214 more failures; --json lists all");
  assert.equal([...failureLines(failures(21))][20], "… and 1 more failure; --json lists all");
});

Deno.test("losses: are counted, with examples", () => {
  const losses = [
    { what: "owner", count: 7, examples: ["a", "b"] },
    { what: "xattr", count: 1, examples: ["c"] },
  ];
  assert.deepEqual([...lossLines(losses)], [
    "not kept: owner (7 entries: a, b and 5 more)",
    "not kept: xattr (1 entry: c)",
  ]);
});
