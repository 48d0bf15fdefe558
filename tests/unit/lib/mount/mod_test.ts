/**
 * The part of the public API that mounts need is a part of the public API: each export is the same
 * one.
 */

import assert from "node:assert/strict";
import * as all from "../../../../mod.ts";
import * as part from "../../../../lib/mount/mod.ts";

Deno.test("mount API: it is a part of the public one", () => {
  const names = Object.keys(part) as (keyof typeof part)[];
  assert.ok(names.includes("mountImage"));
  for (const name of names) assert.equal(part[name], all[name], name);
});
