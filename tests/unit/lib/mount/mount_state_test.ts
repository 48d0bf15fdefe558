/** Goal: a look at a mount says what it found, and ends also where no answer comes. */

import assert from "node:assert/strict";
import { closeDescriptor } from "../../../../lib/fuse/device_file.ts";
import { mountDevice } from "../../../../lib/fuse/kernel_device.ts";
import { unmount } from "../../../../lib/fuse/unmount.ts";
import { probeMount } from "../../../../lib/mount/mount_state.ts";
import { requiringTest } from "../../../helpers/require.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

requiringTest(["linux"], "mount state: what answers is alive, whatever its name", async () => {
  using folder = new TempFolder();
  assert.equal(await probeMount(folder.tree('odd "$(name) \\ \n ü')), "alive");
});

requiringTest(
  ["root", "fuse"],
  "mount state: what nobody answers hangs, and then is stale",
  async () => {
    using folder = new TempFolder();
    const target = folder.tree("mnt");
    const fd = await mountDevice(target, { source: "x" });
    try {
      const startedMs = performance.now();
      assert.equal(await probeMount(target), "hanging");
      assert.ok(performance.now() - startedMs < 5000);
      closeDescriptor(fd);
      assert.equal(await probeMount(target), "stale");
    } finally {
      await unmount(target, { lazy: true });
    }
  },
);
