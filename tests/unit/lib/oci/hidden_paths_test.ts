/** Goal: what upper layers hide of lower ones is known by name. */

import assert from "node:assert/strict";
import { HiddenPaths } from "../../../../lib/oci/hidden_paths.ts";

Deno.test("hidden paths: files, directories, whiteouts and opaque directories", () => {
  const hidden = new HiddenPaths();
  assert.ok(!hidden.hides("a"));
  hidden.add("", true);
  hidden.add("file", false);
  hidden.add("dir", true);
  hidden.add("dir/inner", false);
  hidden.addOpaque("opaque");
  for (const path of ["file", "file/below/it", "dir", "dir/inner", "opaque/x", "opaque/x/y"]) {
    assert.ok(hidden.hides(path), path);
  }
  for (const path of ["files", "dir/other", "dir/deep/other", "opaque", "opaquer/x"]) {
    assert.ok(!hidden.hides(path), path);
  }
});

Deno.test("hidden paths: a directory of one layer does not undo the file of another", () => {
  const hidden = new HiddenPaths();
  hidden.add("x", true);
  hidden.add("x", false);
  hidden.add("x", true);
  assert.ok(hidden.hides("x/y"));
  hidden.addOpaque("");
  assert.ok(hidden.hides("anything"));
});
