/** Goal: whoever has the bytes of a read that was put off can answer it. */

import assert from "node:assert/strict";
import { LateReplies } from "../../../../lib/fuse/late_reply.ts";
import { decodeStruct, OUT_HEADER } from "../../../../lib/fuse/wire_structs.ts";
import { EIO } from "../../../../lib/linux/errno.ts";
import { SocketDevice } from "../../../helpers/socket_device.ts";

const HIGH = 0x8000_0001;
const UNIQUE = BigInt(HIGH) << 32n | 6n;

Deno.test("late reply: the content goes to the request of that number", () => {
  using device = new SocketDevice();
  const replies = new LateReplies();
  replies.content.set([1, 2, 3, 4]);
  assert.equal(replies.answer(device.fd, 6, HIGH, 3), "written");
  const reply = device.receive();
  assert.deepEqual(decodeStruct(OUT_HEADER, reply), { len: 19, error: 0, unique: UNIQUE });
  assert.deepEqual([...reply.subarray(16)], [1, 2, 3]);
});

Deno.test("late reply: an error has no content", () => {
  using device = new SocketDevice();
  const replies = new LateReplies();
  assert.equal(replies.fail(device.fd, 6, HIGH, EIO), "written");
  const reply = device.receive();
  assert.equal(reply.length, OUT_HEADER.size);
  assert.deepEqual(decodeStruct(OUT_HEADER, reply), { len: 16, error: -EIO, unique: UNIQUE });
});
