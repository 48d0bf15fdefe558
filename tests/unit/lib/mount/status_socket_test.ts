/** Goal: whoever asks gets an answer, or none in time, and dead sockets go. */

import assert from "node:assert/strict";
import type { MountStatus } from "../../../../lib/mount/mount_status.ts";
import { ownStatusFolder, socketName, socketsOf } from "../../../../lib/mount/status_folder.ts";
import { askServers, StatusSocketServer } from "../../../../lib/mount/status_socket.ts";
import { requiringTest } from "../../../helpers/require.ts";

const userId = Deno.uid() ?? 0;
const STATUS = { meta: "/a.fl", pid: Deno.pid, cachedShare: 0.5 } as MountStatus;

requiringTest(["linux"], "status socket: many who ask are answered", async () => {
  const device = "0:999996";
  {
    await using server = await StatusSocketServer.open(device, () => STATUS);
    assert.ok(server !== undefined);
    for (const answer of await Promise.all([1, 2, 3].map(() => askServers({ device, userId })))) {
      assert.deepEqual(answer, [{ pid: Deno.pid, status: STATUS }]);
    }
  }
  assert.deepEqual(await socketsOf({ device, userId }), []);
});

requiringTest(
  ["linux"],
  "status socket: a process that does not answer is still known",
  async () => {
    const device = "0:999995";
    const path = `${await ownStatusFolder(userId)}/${socketName(device, 77)}`;
    const listener = Deno.listen({ transport: "unix", path });
    try {
      assert.deepEqual(await askServers({ device, userId }), [{ pid: 77, status: undefined }]);
    } finally {
      listener.close();
      await Deno.remove(path).catch(() => {});
    }
  },
);

requiringTest(["linux"], "status socket: what a dead process left is removed", async () => {
  const device = "0:999994";
  const path = `${await ownStatusFolder(userId)}/${socketName(device, 78)}`;
  const script = `Deno.listen({ transport: "unix", path: ${JSON.stringify(path)} });
    Deno.kill(Deno.pid, "SIGKILL");`;
  await new Deno.Command(Deno.execPath(), { args: ["eval", script] }).output();
  assert.equal((await socketsOf({ device, userId })).length, 1);
  assert.deepEqual(await askServers({ device, userId }), []);
  assert.deepEqual(await socketsOf({ device, userId }), []);
});
