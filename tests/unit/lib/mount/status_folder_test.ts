/** Goal: sockets lie where their user alone can make them. */

import assert from "node:assert/strict";
import { ownStatusFolder, socketName, socketsOf } from "../../../../lib/mount/status_folder.ts";
import { requiringTest } from "../../../helpers/require.ts";

const userId = Deno.uid() ?? 0;

requiringTest(["linux"], "status folder: it is the user's alone", async () => {
  const folder = await ownStatusFolder(userId);
  const { mode, uid } = await Deno.lstat(folder!);
  assert.deepEqual([mode! & 0o777, uid], [0o700, userId]);
  assert.equal(await ownStatusFolder(userId), folder);
});

requiringTest(
  ["linux"],
  "status folder: sockets are found by device, and name their process",
  async () => {
    const folder = await ownStatusFolder(userId);
    const path = `${folder}/${socketName("0:999997", 12)}`;
    await Deno.writeTextFile(path, "");
    try {
      assert.deepEqual(await socketsOf({ device: "0:999997", userId }), [{ path, pid: 12 }]);
      // A number that merely begins like it is another device.
      assert.deepEqual(await socketsOf({ device: "0:99999", userId }), []);
    } finally {
      await Deno.remove(path);
    }
  },
);

requiringTest(["root"], "status folder: one in /tmp that another made is not used", async () => {
  const stranger = 654_321;
  const path = `/tmp/myfs-${stranger}`;
  await Deno.mkdir(path, { mode: 0o700 });
  try {
    await Deno.writeTextFile(`${path}/0:1-1`, "");
    assert.equal(await ownStatusFolder(stranger), undefined);
    assert.deepEqual(await socketsOf({ device: "0:1", userId: stranger }), []);
    await Deno.chown(path, stranger, stranger);
    await Deno.chmod(path, 0o777);
    assert.deepEqual(await socketsOf({ device: "0:1", userId: stranger }), []);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});
