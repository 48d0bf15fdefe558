/**
 * Goal: figures taken through the proxy mean what they say. Method: an echo behind it.
 */

import assert from "node:assert/strict";
import { delayingProxy } from "../../helpers/delaying_proxy.ts";

/** A server that sends back what it gets, and ends its side when the client ends its own. */
function echoServer(): AsyncDisposable & { readonly port: number } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      served.push(connection.readable.pipeTo(connection.writable).catch(() => {}));
    }
  })();
  return {
    port: listener.addr.port,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await accepting;
      await Promise.all(served);
    },
  };
}

async function readExactly(connection: Deno.TcpConn, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await connection.read(bytes.subarray(at));
    assert.notEqual(count, null, `the connection ended after ${at} of ${length} bytes`);
    at += count!;
  }
  return bytes;
}

Deno.test("delaying proxy: adds the latency each way, and a round trip to a new connection", async () => {
  await using server = echoServer();
  await using proxy = await delayingProxy(server.port, { latencyMs: 15 });
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
  const roundTrip = async (): Promise<number> => {
    const start = performance.now();
    await connection.write(new Uint8Array([1]));
    await readExactly(connection, 1);
    return performance.now() - start;
  };
  const [first, second] = [await roundTrip(), await roundTrip()];
  // Timers may be late on a busy machine, never early by more than their grain.
  assert.ok(first >= 58, `the first round trip took ${first} ms`);
  assert.ok(second >= 28 && second < first, `the second round trip took ${second} ms`);
});

Deno.test("delaying proxy: keeps bytes and their order, and lets many be under way", async () => {
  await using server = echoServer();
  await using proxy = await delayingProxy(server.port, { latencyMs: 20 });
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
  const sent = new Uint8Array(16 * 1024 * 1024).map((_, at) => at * 31 >> 8);
  const start = performance.now();
  const writing = (async () => {
    for (let at = 0; at < sent.length;) at += await connection.write(sent.subarray(at));
    await connection.closeWrite();
  })();
  const received = await readExactly(connection, sent.length);
  const elapsed = performance.now() - start;
  await writing;
  assert.equal(await connection.read(new Uint8Array(1)), null);
  assert.deepEqual(received, sent);
  // One piece after the other, each waiting for its echo, would take 256 × 40 ms.
  assert.ok(elapsed < 5000, `16 MiB took ${elapsed} ms`);
});

Deno.test("delaying proxy: closes the client's connection where the server is gone", async () => {
  const gone = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = gone.addr;
  gone.close();
  await using proxy = await delayingProxy(port, { latencyMs: 1 });
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
  assert.equal(await connection.read(new Uint8Array(1)), null);
});
