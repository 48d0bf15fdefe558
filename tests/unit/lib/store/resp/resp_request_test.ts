import assert from "node:assert/strict";
import {
  requestSize,
  respBatch,
  respRequest,
  respRequestWithValue,
} from "../../../../../lib/store/resp/resp_request.ts";

const decoder = new TextDecoder();

Deno.test("resp request: is an array of the words with their lengths in bytes", () => {
  const { head, value, replies } = respRequest("GET", new Uint8Array([0x61, 0x0a]), "é");
  assert.equal(decoder.decode(head), "*3\r\n$3\r\nGET\r\n$2\r\na\n\r\n$2\r\né\r\n");
  assert.deepEqual([value, replies], [undefined, 1]);
});

Deno.test("resp request: leaves a large value where it is", () => {
  const block = new Uint8Array(1000);
  const { head, value, replies } = respRequestWithValue(["SET", "k"], block);
  assert.equal(decoder.decode(head), "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000\r\n");
  assert.equal(value, block);
  assert.equal(replies, 1);
});

Deno.test("resp request: several go together and have as many replies", () => {
  const { head, replies } = respBatch([respRequest("A"), respRequest("B"), respRequest("C")]);
  assert.equal(decoder.decode(head), ["A", "B", "C"].map((a) => `*1\r\n$1\r\n${a}\r\n`).join(""));
  assert.equal(replies, 3);
});

Deno.test("resp request: its size is that of all that is sent", () => {
  assert.equal(requestSize(respRequest("PING")), "*1\r\n$4\r\nPING\r\n".length);
  const withValue = respRequestWithValue(["SET", "k"], new Uint8Array(1000));
  assert.equal(requestSize(withValue), withValue.head.length + 1000 + 2);
});
