/** Goal: a connection comes, fails, or is given up, and none is left open. */

import assert from "node:assert/strict";
import { connectTcp } from "../../../../lib/store/tcp_connect.ts";

/** A listener that counts what is connected to it and takes what comes. */
function listen():
  & { address: Deno.NetAddr; open: Set<Deno.Conn>; done: Promise<void> }
  & Disposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const serving: Promise<void>[] = [];
  const done = (async () => {
    for await (const connection of listener) {
      open.add(connection);
      serving.push((async () => {
        // Until the other side closes it.
        while (await connection.read(new Uint8Array(16)).catch(() => null) !== null);
        connection.close();
        open.delete(connection);
      })());
    }
    await Promise.all(serving);
  })();
  const address = listener.addr as Deno.NetAddr;
  return { address, open, done, [Symbol.dispose]: () => listener.close() };
}

Deno.test("connectTcp: connects, with a signal and without", async () => {
  using server = listen();
  for (const signal of [undefined, new AbortController().signal]) {
    const connection = await connectTcp(server.address, signal);
    connection.close();
  }
});

Deno.test("connectTcp: a connection that comes too late is closed", async () => {
  using server = listen();
  const reason = new Error("enough");
  // At the same moment as the connection, some before and some after.
  for (let i = 0; i < 50; i++) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 0);
    await connectTcp(server.address, controller.signal).then(
      (connection) => connection.close(),
      (error) => assert.equal(error, reason),
    );
  }
  await assert.rejects(
    connectTcp(server.address, AbortSignal.abort(reason)),
    (error) => error === reason,
  );
  while (server.open.size > 0) await new Promise((resolve) => setTimeout(resolve, 1));
});

Deno.test("connectTcp: where nobody listens is an error of the system", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const { signal } = new AbortController();
  await assert.rejects(
    connectTcp({ hostname: "127.0.0.1", port }, signal),
    Deno.errors.ConnectionRefused,
  );
});
