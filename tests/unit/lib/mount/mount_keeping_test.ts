/** Goal: only what is kept, is not served, and is of the same flist is taken over. */

import assert from "node:assert/strict";
import type { MountEntry } from "../../../../lib/fuse/mount_table.ts";
import { closeDescriptor } from "../../../../lib/fuse/device_file.ts";
import { stopHolder } from "../../../../lib/fuse/takeover.ts";
import {
  keepMount,
  type StampedFlist,
  takeOverMount,
} from "../../../../lib/mount/mount_keeping.ts";
import { flistStamp } from "../../../../lib/mount/same_flist.ts";
import { requiringTest } from "../../../helpers/require.ts";
import { SocketDevice } from "../../../helpers/socket_device.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

/** A mount that no process serves; nothing is looked up in it. */
const ENTRY: MountEntry = {
  id: 1,
  target: "/nowhere",
  source: "x",
  device: "0:999998",
  connection: 999_998,
  userId: Deno.uid() ?? 0,
  allowsOthers: false,
  options: [],
};

function stamped(meta: string): StampedFlist {
  return { meta, stamp: flistStamp(meta) };
}

requiringTest(["linux"], "mount keeping: nobody keeps it", async () => {
  using folder = new TempFolder();
  folder.tree("", { "a.fl": "a" });
  await assert.rejects(
    takeOverMount(ENTRY, stamped(folder.file("a.fl"))),
    /no process of yours that keeps/,
  );
});

requiringTest(["linux"], "mount keeping: the same flist takes over, another does not", async () => {
  using folder = new TempFolder();
  folder.tree("", { "a.fl": "a", "b.fl": "b" });
  const meta = folder.file("a.fl");
  using socket = new SocketDevice();
  const holder = keepMount(ENTRY, [socket.fd], stamped(meta), { graceSeconds: 5 });
  try {
    const { descriptors, release } = await takeOverMount(ENTRY, stamped(meta));
    assert.equal(descriptors.length, 1);
    descriptors.forEach(closeDescriptor);
    await assert.rejects(
      takeOverMount(ENTRY, stamped(folder.file("b.fl"))),
      /the mount is of .*a\.fl/,
    );
    await Deno.writeTextFile(meta, "changed");
    await assert.rejects(takeOverMount(ENTRY, stamped(meta)), /not the flist any more/);
    await release();
    await assert.rejects(takeOverMount(ENTRY, stamped(meta)), /no process of yours that keeps/);
  } finally {
    await stopHolder(holder);
  }
});
