/** Goal: losses are counted by kind, with a few examples that are safe to print. */

import assert from "node:assert/strict";
import { LossCounter } from "../../../../lib/image/reports.ts";

Deno.test("LossCounter: counts each kind in the order of first occurrence, with five examples", () => {
  const losses = new LossCounter();
  assert.deepEqual(losses.list(), []);
  for (let i = 0; i < 7; i++) losses.add("owner", `a${i}`);
  losses.add("extended attribute", "new\nline");
  losses.add("owner", "last");
  assert.deepEqual(losses.list(), [
    { what: "owner", count: 8, examples: ["a0", "a1", "a2", "a3", "a4"] },
    { what: "extended attribute", count: 1, examples: ["new\\x0aline"] },
  ]);
});
