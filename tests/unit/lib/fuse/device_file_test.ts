/** Goal: descriptors are opened, passed on and written to as promised. */

import assert from "node:assert/strict";
import { SystemError } from "../../../../lib/base/errors.ts";
import {
  cloneFuseDevice,
  closeDescriptor,
  isConnected,
  openFuseDevice,
  setInherited,
  writeToDevice,
} from "../../../../lib/fuse/device_file.ts";
import { requiringTest } from "../../../helpers/require.ts";
import { SocketDevice } from "../../../helpers/socket_device.ts";

requiringTest(
  ["fuse"],
  "device file: before a mount nobody takes a reply, and it has no clone",
  () => {
    const fd = openFuseDevice();
    try {
      assert.equal(writeToDevice(fd, new Uint8Array(16), 16), "gone");
      assert.equal(cloneFuseDevice(fd), undefined);
      assert.equal(isConnected(fd), false);
    } finally {
      closeDescriptor(fd);
    }
  },
);

Deno.test("device file: a write that fails for another reason was refused", () => {
  assert.equal(writeToDevice(-1, new Uint8Array(16), 16), "refused");
});

requiringTest(["linux"], "device file: programs get a descriptor only where they are to", () => {
  using device = new SocketDevice();
  assert.equal(isConnected(device.fd), true);
  const sees = (): boolean =>
    new Deno.Command("test", { args: ["-e", `/proc/self/fd/${device.fd}`] }).outputSync().success;
  setInherited(device.fd, true);
  assert.equal(sees(), true);
  setInherited(device.fd, false);
  assert.equal(sees(), false);
  assert.throws(() => setInherited(-1, true), SystemError);
});
