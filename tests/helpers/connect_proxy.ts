/**
 * A web proxy that makes tunnels, as companies have them. Where a tunnel leads is the test's to say, so
 * a server on this machine can stand for one at any address.
 *
 * @module
 */

import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

/** A running proxy; its connections are cut at the end of the scope. */
export interface ConnectProxy extends AsyncDisposable {
  /** Port on 127.0.0.1. */
  readonly port: number;
  /** Where tunnels were asked to lead, such as `host:443`. */
  readonly goals: string[];
  /** What the clients said of themselves, for each tunnel. */
  readonly authorizations: (string | undefined)[];
}

/** Starts a proxy. @param route The port on 127.0.0.1 that stands for a goal; undefined to refuse. */
export async function connectProxy(
  route: (goal: string) => number | undefined,
): Promise<ConnectProxy> {
  const goals: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const open = new Set<Socket>();
  const server = createServer();
  server.on("connect", (request: IncomingMessage, client: Socket) => {
    const goal = request.url ?? "";
    goals.push(goal);
    authorizations.push(request.headers["proxy-authorization"]);
    const port = route(goal);
    open.add(client);
    client.on("error", () => client.destroy());
    if (port === undefined) {
      client.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    const target = connect(port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      target.pipe(client);
      client.pipe(target);
    });
    open.add(target);
    target.on("error", () => client.destroy());
    target.on("close", () => client.destroy());
    client.on("close", () => target.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    goals,
    authorizations,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      const ended = Array.from(open, (socket) => socket.closed ? undefined : once(socket, "close"));
      for (const socket of open) socket.destroy();
      server.close();
      await Promise.all([closed, ...ended]);
    },
  };
}
