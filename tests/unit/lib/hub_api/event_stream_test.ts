/**
 * Server-sent events: the same whatever pieces they come in, and nothing of one that is not whole.
 */

import assert from "node:assert/strict";
import { readEventStream, type StreamedEvent } from "../../../../lib/hub_api/event_stream.ts";

const STREAM = 'retry: 1000\n\n: still here\n\nid: 1\nevent: state\ndata: {"ä":1}\n\n' +
  "id:2\r\ndata: one\r\ndata: two\r\n\r\nid: 3\nevent: log\ndata\n\nid: 4\ndata: half";

const EVENTS: StreamedEvent[] = [
  { id: "1", event: "state", data: '{"ä":1}' },
  { id: "2", event: "message", data: "one\ntwo" },
  { id: "3", event: "log", data: "" },
];

async function* cut(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.subarray(at, at + size);
  }
}

Deno.test("event stream: events are the same in pieces of any size", async () => {
  for (let size = 1; size <= STREAM.length + 1; size++) {
    const events = await Array.fromAsync(readEventStream(cut(STREAM, size)));
    assert.deepEqual(events, EVENTS, `in pieces of ${size}`);
  }
});

Deno.test("event stream: a line without an end is not read for ever", async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      await Promise.resolve();
      yield new Uint8Array(65_536).fill(0x61);
    }
  }
  await assert.rejects(Array.fromAsync(readEventStream(endless())), SyntaxError);
});
