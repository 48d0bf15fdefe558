/** Goal: the loop answers what comes, in order, and ends when it should. */

import assert from "node:assert/strict";
import { Dispatcher } from "../../../../lib/fuse/dispatcher.ts";
import { serveRequests } from "../../../../lib/fuse/serve_requests.ts";
import { SystemError } from "../../../../lib/base/errors.ts";
import {
  decodeStruct,
  GETATTR_IN,
  IN_HEADER,
  OUT_HEADER,
} from "../../../../lib/fuse/wire_structs.ts";
import { MemoryFileSystem } from "../../../helpers/memory_file_system.ts";
import { SocketDevice } from "../../../helpers/socket_device.ts";
import { bytesOf, requestOf } from "./fuse_requests.ts";

const TREE = { directories: 1, filesEach: 1, fileSize: 9, many: 3, largeSize: 5000 };
const uniqueOf = (request: Uint8Array): bigint => decodeStruct(IN_HEADER, request).unique;

Deno.test("serve requests: each request gets its reply, until the mount is gone", () => {
  using device = new SocketDevice();
  const requests = [1, 2, 999].map((ino) => requestOf("GETATTR", ino, bytesOf(GETATTR_IN, {})));
  requests.forEach((request) => device.send(request));
  // All are in the socket: the loop finds them, and then its end.
  let served = 0;
  const dispatcher = new Dispatcher(new MemoryFileSystem(TREE));
  const end = serveRequests(device.fd, dispatcher, { shouldStop: () => ++served === 3 });
  assert.equal(end, "stopped");
  const replies = requests.map(() => decodeStruct(OUT_HEADER, device.receive()));
  assert.deepEqual(replies.map(({ unique }) => unique), requests.map(uniqueOf));
  assert.deepEqual(replies.map(({ error }) => error), [0, 0, -2]);
  device.hangUp();
  assert.equal(serveRequests(device.fd, dispatcher), "unmounted");
});

Deno.test("serve requests: requests and replies can be watched", () => {
  using device = new SocketDevice();
  const request = requestOf("STATFS", 1);
  device.send(request);
  const seen: string[] = [];
  serveRequests(device.fd, new Dispatcher(new MemoryFileSystem(TREE)), {
    onRequest: (bytes) => seen.push(`request ${bytes.length}`),
    onReply: (bytes) => seen.push(`reply ${bytes.length}`),
    shouldStop: () => true,
  });
  assert.deepEqual(seen, [`request ${request.length}`, `reply ${device.receive().length}`]);
});

Deno.test("serve requests: a descriptor that is no device is an error", () => {
  assert.throws(
    () => serveRequests(-1, new Dispatcher(new MemoryFileSystem(TREE))),
    (error) => error instanceof SystemError && error.errno === "EBADF",
  );
});
