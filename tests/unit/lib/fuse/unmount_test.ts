/** Goal: what is not mounted is told apart from what cannot be unmounted. */

import assert from "node:assert/strict";
import { unmount } from "../../../../lib/fuse/unmount.ts";
import { requiringTest } from "../../../helpers/require.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

requiringTest(["root"], "unmount: a directory without a mount, and none at all", async () => {
  using folder = new TempFolder();
  assert.equal(await unmount(folder.path), "not mounted");
  assert.equal(await unmount(folder.file("absent")), "not mounted");
  assert.equal(await unmount(folder.path, { lazy: true }), "not mounted");
});
