/** Goal: pushed content has the form that the kernel reads. Whether it keeps it shows in integration. */

import assert from "node:assert/strict";
import { ContentPusher } from "../../../../lib/fuse/push_content.ts";
import { decodeStruct, NOTIFY_STORE_OUT, OUT_HEADER } from "../../../../lib/fuse/wire_structs.ts";
import { SocketDevice } from "../../../helpers/socket_device.ts";

Deno.test("push content: a message for the file and the place, with the content", () => {
  using device = new SocketDevice();
  const pusher = new ContentPusher();
  pusher.content.set([1, 2, 3, 4]);
  assert.equal(pusher.push(device.fd, 2 ** 34, 2 ** 40, 3), "written");
  const message = device.receive();
  assert.deepEqual(decodeStruct(OUT_HEADER, message), {
    len: message.length,
    error: 4,
    unique: 0n,
  });
  assert.deepEqual(decodeStruct(NOTIFY_STORE_OUT, message, OUT_HEADER.size), {
    nodeid: 2n ** 34n,
    offset: 2n ** 40n,
    size: 3,
  });
  assert.deepEqual([...message.subarray(OUT_HEADER.size + NOTIFY_STORE_OUT.size)], [1, 2, 3]);
});
