/**
 * The thread of a delaying proxy, see delaying_proxy.ts.
 *
 * @module
 */

/** What the thread is told. */
export type ProxyTask =
  | { readonly kind: "start"; readonly port: number; readonly latencyMs: number }
  | { readonly kind: "stop" };

/** What it answers when that is done. */
export interface ProxyMessage {
  /** The port it listens at. */
  readonly port: number;
}

/** Bytes that one read takes at most. */
const READ_SIZE = 256 * 1024;

/** Bytes on their way in one direction beyond which no more are read: a bound on memory alone. */
const BYTES_UNDER_WAY_MAX = 256 * 1024 * 1024;

/** The thread's side of its channel, which the type of `globalThis` does not know. */
const channel = globalThis as unknown as { postMessage(message: ProxyMessage): void };

let listener: Deno.TcpListener | undefined;
const connections = new Set<Deno.TcpConn>();

self.addEventListener("message", (event) => {
  const task = (event as MessageEvent<ProxyTask>).data;
  if (task.kind === "start") {
    listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    accept(listener, task.port, task.latencyMs);
  } else {
    listener!.close();
    for (const connection of connections) close(connection);
  }
  channel.postMessage({ port: listener!.addr.port });
});

async function accept(from: Deno.TcpListener, port: number, latencyMs: number): Promise<void> {
  for await (const client of from) {
    connections.add(client);
    const openedAt = performance.now();
    Deno.connect({ hostname: "127.0.0.1", port }).then((server) => {
      connections.add(server);
      client.setNoDelay(true);
      server.setNoDelay(true);
      carry(client, server, latencyMs, openedAt + 2 * latencyMs);
      carry(server, client, latencyMs, openedAt);
    }, () => close(client));
  }
}

/**
 * Carries what comes from `source` to `target`, each piece `latencyMs` after it came.
 *
 * @param notBefore When the first piece sets out at the soonest, in milliseconds of
 *   `performance.now()`.
 */
async function carry(
  source: Deno.TcpConn,
  target: Deno.TcpConn,
  latencyMs: number,
  notBefore: number,
): Promise<void> {
  let bytesUnderWay = 0;
  let room: (() => void) | undefined;
  // Pieces are sent one after the other: each waits for the one before, and then for its time.
  let sent = Promise.resolve();
  const send = (due: number, action: () => Promise<void>): void => {
    sent = sent.then(async () => {
      const waitMs = due - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      await action();
    });
    sent.catch(() => [source, target].forEach(close));
  };
  const dueNow = (): number => Math.max(performance.now(), notBefore) + latencyMs;
  const buffer = new Uint8Array(READ_SIZE);
  try {
    for (;;) {
      const length = await source.read(buffer);
      if (length === null) break;
      const piece = buffer.slice(0, length);
      bytesUnderWay += length;
      send(dueNow(), async () => {
        await writeAll(target, piece);
        bytesUnderWay -= length;
        room?.();
      });
      while (bytesUnderWay > BYTES_UNDER_WAY_MAX) {
        await new Promise<void>((resolve) => room = resolve);
      }
    }
    send(dueNow(), () => target.closeWrite());
  } catch {
    // Broken off: the other side hears of it as late as of anything else.
    send(dueNow(), () => Promise.reject(new Error("broken off")));
  }
}

async function writeAll(target: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length) at += await target.write(bytes.subarray(at));
}

function close(connection: Deno.TcpConn): void {
  if (!connections.delete(connection)) return;
  try {
    connection.close();
  } catch {
    // It has ended by itself.
  }
}
