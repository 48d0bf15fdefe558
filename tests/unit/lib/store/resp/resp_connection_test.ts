import assert from "node:assert/strict";
import { StoreUnavailableError } from "../../../../../lib/base/errors.ts";
import {
  RespConnection,
  type RespEndpoint,
  type RespSocket,
} from "../../../../../lib/store/resp/resp_connection.ts";
import { RespError } from "../../../../../lib/store/resp/resp_reply.ts";
import { respRequest, respRequestWithValue } from "../../../../../lib/store/resp/resp_request.ts";

/** A socket whose other end the test holds. */
class TestSocket implements RespSocket {
  /** All that was written. */
  written = "";
  /** Bytes that a write takes at most. */
  writeSizeMax = Infinity;
  isClosed = false;
  #said: Uint8Array[] = [];
  #wake = Promise.withResolvers<void>();
  /** Writes wait for it. */
  mayWrite: Promise<void> = Promise.resolve();

  say(text: string): void {
    this.#said.push(new TextEncoder().encode(text));
    this.#wake.resolve();
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#said.length === 0) {
      if (this.isClosed) return null;
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
    const part = this.#said.shift()!;
    into.set(part);
    return part.length;
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.mayWrite;
    if (this.isClosed) throw new Error("broken pipe");
    const part = bytes.subarray(0, this.writeSizeMax);
    this.written += new TextDecoder("latin1").decode(part);
    return part.length;
  }

  close(): void {
    this.isClosed = true;
    this.#wake.resolve();
  }
}

/** Lets everything happen that can. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

function endpointOf(socket: RespSocket): RespEndpoint {
  return {
    url: "zdb://host",
    connect: () => Promise.resolve(socket),
    greeting: respRequest("HI"),
    checkGreeting: ([reply]) => {
      if (reply instanceof RespError) throw new StoreUnavailableError("zdb://host", reply.text);
    },
  };
}

const HI = "*1\r\n$2\r\nHI\r\n";

Deno.test("resp connection: sends nothing before the greeting is answered, then all together", async () => {
  const socket = new TestSocket();
  const connection = new RespConnection(endpointOf(socket), () => {});
  const calls = ["A", "B"].map((word) => connection.call(respRequest(word), 10));
  await settle();
  assert.equal(socket.written, HI);
  assert.equal(connection.load, 20);
  socket.say("+HELLO\r\n");
  await settle();
  assert.equal(socket.written, `${HI}*1\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n`);
  socket.say("+a\r\n:2\r\n");
  assert.deepEqual(await Promise.all(calls), [["a"], [2]]);
  assert.equal(connection.load, 0);
  await connection.close();
});

Deno.test("resp connection: a burst ends when all of it is answered", async () => {
  const socket = new TestSocket();
  const connection = new RespConnection(endpointOf(socket), () => {});
  socket.say("+HELLO\r\n");
  assert.ok(connection.takes(1000, 100), "one alone may be of any length");
  const calls = ["A".repeat(50), "B"].map((word) => connection.call(respRequest(word), 10));
  assert.ok(connection.takes(10, 100) && !connection.takes(50, 100));
  await settle();
  socket.say("+a\r\n");
  await calls[0];
  assert.ok(!connection.takes(50, 100), "though less is under way");
  socket.say("+b\r\n");
  await calls[1];
  assert.ok(connection.takes(1000, 100));
  await connection.close();
});

Deno.test("resp connection: a greeting that is refused fails what waits, with what was said", async () => {
  const socket = new TestSocket();
  const connection = new RespConnection(endpointOf(socket), () => {});
  const call = connection.call(respRequest("A"), 10);
  socket.say("-full\r\n");
  socket.close();
  await assert.rejects(call, { message: "full" });
  assert.ok(!connection.isOpen && socket.isClosed);
  await assert.rejects(connection.call(respRequest("B"), 10), { message: "full" });
  await connection.close();
});

Deno.test("resp connection: a value goes out whole, whatever pieces the socket takes", async () => {
  const socket = new TestSocket();
  socket.writeSizeMax = 70_001;
  const connection = new RespConnection(endpointOf(socket), () => {});
  socket.say("+HELLO\r\n");
  const value = new Uint8Array(600_000).map((_, index) => index % 251);
  const call = connection.call(respRequestWithValue(["SET"], value), 10);
  const next = connection.call(respRequest("B"), 10);
  await settle();
  await settle();
  const text = new TextDecoder("latin1").decode(value);
  assert.ok(
    socket.written ===
      `${HI}*2\r\n$3\r\nSET\r\n$600000\r\n${text}\r\n*1\r\n$1\r\nB\r\n`,
  );
  socket.say("+OK\r\n+OK\r\n");
  await Promise.all([call, next]);
  await connection.close();
});

Deno.test("resp connection: a caller who gives up is released, and what was not begun is not sent", async () => {
  const socket = new TestSocket();
  const connection = new RespConnection(endpointOf(socket), () => {});
  socket.say("+HELLO\r\n");
  await settle();
  const gate = Promise.withResolvers<void>();
  socket.mayWrite = gate.promise;
  const stop = new AbortController();
  const value = new Uint8Array(600_000).fill(1);
  const half = connection.call(respRequestWithValue(["SET"], value), 10, stop.signal);
  const waiting = connection.call(respRequest("B"), 10, stop.signal);
  const kept = connection.call(respRequest("C"), 10);
  await settle();
  stop.abort(new Error("stop"));
  await assert.rejects(half, { message: "stop" });
  await assert.rejects(waiting, { message: "stop" });
  value.fill(2);
  assert.equal(connection.load, 20, "what was begun still has to be answered");
  gate.resolve();
  await settle();
  assert.ok(
    socket.written ===
      `${HI}*2\r\n$3\r\nSET\r\n$600000\r\n${"\u0001".repeat(600_000)}\r\n*1\r\n$1\r\nC\r\n`,
  );
  socket.say("+dropped\r\n+kept\r\n");
  assert.deepEqual(await kept, ["kept"]);
  await connection.close();
});

Deno.test("resp connection: when it breaks, all calls fail and may be made again", async () => {
  const socket = new TestSocket();
  let changes = 0;
  const connection = new RespConnection(endpointOf(socket), () => changes++);
  socket.say("+HELLO\r\n");
  const calls = ["A", "B"].map((word) => connection.call(respRequest(word), 10));
  await settle();
  socket.close();
  for (const outcome of await Promise.allSettled(calls)) {
    const { reason } = outcome as PromiseRejectedResult;
    assert.ok(reason instanceof StoreUnavailableError && reason.retryable, `${reason}`);
    assert.match(reason.message, /^Cannot talk to zdb:\/\/host: the server closed it$/);
  }
  assert.deepEqual([connection.load, connection.isOpen], [0, false]);
  assert.ok(changes > 0);
  await connection.close();
});

Deno.test("resp connection: a reply that nobody asked for ends it", async () => {
  const socket = new TestSocket();
  const connection = new RespConnection(endpointOf(socket), () => {});
  socket.say("+HELLO\r\n+and more\r\n");
  await settle();
  assert.equal(connection.isOpen, false);
  await connection.close();
});

Deno.test("resp connection: a refusal before the value is sent is told, and ends it", async () => {
  const socket = new TestSocket();
  const connection = new RespConnection(endpointOf(socket), () => {});
  socket.say("+HELLO\r\n");
  await settle();
  const gate = Promise.withResolvers<void>();
  socket.mayWrite = gate.promise;
  const call = connection.call(respRequestWithValue(["SET"], new Uint8Array(600_000)), 10);
  await settle();
  socket.say("-Payload too big\r\n");
  assert.deepEqual(await call, [new RespError("Payload too big")]);
  await settle();
  assert.equal(connection.isOpen, false);
  gate.resolve();
  await connection.close();
});
