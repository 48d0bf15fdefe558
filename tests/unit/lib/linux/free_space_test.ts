/** Goal: free space is what df(1) says. */

import assert from "node:assert/strict";
import { statfsSync } from "node:fs";
import { fileSystemSpace } from "../../../../lib/linux/free_space.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

Deno.test("fileSystemSpace: agrees with the runtime", () => {
  using folder = new TempFolder();
  const space = fileSystemSpace(folder.path);
  const expected = statfsSync(folder.path);
  assert.equal(space.totalBytes, expected.blocks * expected.bsize);
  // Others write to the disk meanwhile.
  const difference = Math.abs(space.freeBytes - expected.bavail * expected.bsize);
  assert.ok(difference < 2 ** 30, `${difference}`);
});

Deno.test("fileSystemSpace: a path that does not exist is named", () => {
  assert.throws(() => fileSystemSpace("/nowhere/at/all"), {
    name: "SystemError",
    errno: "ENOENT",
    message: /\/nowhere\/at\/all/,
  });
});
