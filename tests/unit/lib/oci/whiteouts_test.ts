/** Goal: names of layers mean what the specification says. */

import assert from "node:assert/strict";
import { layerName } from "../../../../lib/oci/whiteouts.ts";

Deno.test("whiteouts: names and what they say", () => {
  assert.deepEqual(layerName("a/b"), { kind: "entry" });
  assert.deepEqual(layerName("a.wh.b"), { kind: "entry" });
  assert.deepEqual(layerName(".wh.a"), { kind: "whiteout", path: "a" });
  assert.deepEqual(layerName("d/.wh.a"), { kind: "whiteout", path: "d/a" });
  assert.deepEqual(layerName("d/.wh..wh..opq"), { kind: "opaque", path: "d" });
  assert.deepEqual(layerName(".wh..wh..opq"), { kind: "opaque", path: "" });
  assert.deepEqual(layerName(".wh..wh.plnk/12.3"), { kind: "ignored" });
  assert.deepEqual(layerName(".wh..wh.aufs"), { kind: "ignored" });
  for (const wrong of [".wh.", "d/.wh..", "d/.wh..."]) {
    assert.deepEqual(layerName(wrong), { kind: "wrong" }, wrong);
  }
});
