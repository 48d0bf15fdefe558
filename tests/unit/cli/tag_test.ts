/**
 * Tags on a command line.
 */

import assert from "node:assert/strict";
import { UsageError } from "../../../cli/problem.ts";
import { collectTag, parseTag } from "../../../cli/tag.ts";

Deno.test("tag: the first = ends the key", () => {
  assert.deepEqual(parseTag("a=b=c"), ["a", "b=c"]);
  assert.deepEqual(parseTag("a="), ["a", ""]);
});

Deno.test("tag: needs a key and an =", () => {
  for (const text of ["", "a", "=b"]) assert.throws(() => parseTag(text), UsageError);
});

Deno.test("tag: repeated options add up, and the last of a key wins", () => {
  assert.deepEqual(collectTag("a=2", collectTag("b=1", collectTag("a=1", undefined))), {
    a: "2",
    b: "1",
  });
});
