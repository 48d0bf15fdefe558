/** Goal: messages to the kernel have the form that it reads. Whether it obeys shows in integration. */

import assert from "node:assert/strict";
import {
  notifyEntryChanged,
  notifyInodeChanged,
  notifyResend,
} from "../../../../lib/fuse/notify.ts";
import {
  decodeStruct,
  NOTIFY_INVAL_ENTRY_OUT,
  NOTIFY_INVAL_INODE_OUT,
  OUT_HEADER,
} from "../../../../lib/fuse/wire_structs.ts";
import { SocketDevice } from "../../../helpers/socket_device.ts";

Deno.test("notify: asking again is a header alone", () => {
  using device = new SocketDevice();
  assert.equal(notifyResend(device.fd), "written");
  const message = device.receive();
  assert.deepEqual(decodeStruct(OUT_HEADER, message), { len: 16, error: 7, unique: 0n });
  assert.equal(message.length, 16);
});

Deno.test("notify: an inode, with the part of its content", () => {
  using device = new SocketDevice();
  notifyInodeChanged(device.fd, 2 ** 40, -1, 0);
  const message = device.receive();
  assert.equal(decodeStruct(OUT_HEADER, message).len, message.length);
  assert.equal(decodeStruct(OUT_HEADER, message).error, 2);
  assert.deepEqual(decodeStruct(NOTIFY_INVAL_INODE_OUT, message, OUT_HEADER.size), {
    ino: 2n ** 40n,
    off: -1n,
    len: 0n,
  });
});

Deno.test("notify: a name, as bytes with a NUL", () => {
  using device = new SocketDevice();
  notifyEntryChanged(device.fd, 5, "ä\udcff");
  const message = device.receive();
  assert.equal(decodeStruct(OUT_HEADER, message).len, message.length);
  const { parent, namelen } = decodeStruct(NOTIFY_INVAL_ENTRY_OUT, message, OUT_HEADER.size);
  assert.deepEqual([parent, namelen], [5n, 3]);
  const name = message.subarray(OUT_HEADER.size + NOTIFY_INVAL_ENTRY_OUT.size);
  assert.deepEqual([...name], [0xc3, 0xa4, 0xff, 0]);
});
