/** Goal: what is not mounted is told apart from what cannot be unmounted. */

import assert from "node:assert/strict";
import { readMountTable } from "../../../../lib/fuse/mount_table.ts";
import { unmount, unmountEntry } from "../../../../lib/fuse/unmount.ts";
import { requiringTest } from "../../../helpers/require.ts";
import { runProgram } from "../../../helpers/run_program.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

requiringTest(["root"], "unmount: a directory without a mount, and none at all", async () => {
  using folder = new TempFolder();
  assert.equal(await unmount(folder.path), "not mounted");
  assert.equal(await unmount(folder.file("absent")), "not mounted");
  assert.equal(await unmount(folder.path, { lazy: true }), "not mounted");
});

requiringTest(
  ["root"],
  "unmountEntry: takes away that mount, and nothing that is over it",
  async () => {
    using folder = new TempFolder();
    const target = folder.tree("mnt");
    const mounted = async () => {
      await runProgram("mount", "-t", "tmpfs", "-o", "size=64k", "none", target);
      return (await readMountTable()).findLast((entry) => entry.target === target)!;
    };
    const below = await mounted();
    const above = await mounted();
    try {
      assert.equal(await unmountEntry(below, { lazy: true }), "hidden");
      assert.equal(await unmountEntry(above), "unmounted");
      assert.equal(await unmountEntry(above), "not mounted");
      assert.equal(await unmountEntry(below), "unmounted");
      assert.equal(await unmountEntry(below), "not mounted");
    } finally {
      while (await unmount(target, { lazy: true }) === "unmounted");
    }
  },
);
