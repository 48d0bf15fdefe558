/**
 * Serves a hub on TCP and on a Unix socket, within bounds of time, and ends it in good order.
 *
 * @module
 */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect } from "node:net";
import { dirname } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { MyfsError } from "myfs";
import { createHubApp } from "./app.ts";
import { blockListener, type RequestListener } from "./block_listener.ts";
import type { HubConfig } from "./config/load_config.ts";
import { Connections } from "./connections.ts";
import type { Begun } from "./context.ts";
import { requestBuckets } from "./middleware/authentication.ts";
import { answerUnreadable } from "./problem_response.ts";
import { type OpenHub, openHub, type OpenHubOptions } from "./open_hub.ts";

/** A path in a flist, a cursor and a token, each as long as they may be, fit. */
const HEADER_BYTES_MAX = 32_768;

/** A hub that serves. */
export interface ServingHub {
  readonly hub: OpenHub;
  /** Where it listens: URLs, the first by TCP. */
  readonly addresses: readonly string[];
  /** Ends it: running requests have `drain_seconds`. */
  close(): Promise<void>;
}

/** Opens a hub and serves it. */
export async function serveHub(
  config: HubConfig,
  options: OpenHubOptions = {},
): Promise<ServingHub> {
  await using stack = new AsyncDisposableStack();
  const hub = stack.use(await openHub(config, options));
  const listener = hubListener(hub);
  const bounds: ServerOptions = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: config.header_timeout_seconds * 1000,
    requestTimeout: config.request_timeout_seconds * 1000,
    keepAliveTimeout: config.keep_alive_seconds * 1000,
    connectionsCheckingInterval: 1000,
  };
  const started: Connections[] = [];
  stack.defer(async () => {
    await Promise.all(started.map((connections) => connections.end(config.drain_seconds * 1000)));
  });
  const isTls = config.tls_cert !== undefined;
  const idleMs = config.answer_idle_seconds * 1000;
  const start = async (server: Server, place: Place): Promise<void> => {
    server.maxConnections = config.connections_max;
    const connections = new Connections(server, { isTls: isTls && "port" in place, idleMs });
    await listen(server, place);
    started.push(connections);
  };
  const tcp = await tcpServer(config, bounds, listener);
  await start(tcp, { host: config.host, port: config.port });
  const { port } = tcp.address() as { readonly port: number };
  const host = config.host.includes(":") ? `[${config.host}]` : config.host;
  const scheme = isTls ? "https" : "http";
  const addresses = [`${scheme}://${host}:${port}`];
  if (config.socket_path !== "") {
    try {
      await prepareSocket(config.socket_path);
      await start(createServer(bounds, listener), { path: config.socket_path });
      await Deno.chmod(config.socket_path, 0o600);
      addresses.push(`unix:${config.socket_path}`);
    } catch (error) {
      // The default place is a convenience; one that somebody named has to work.
      if (config.socketIsAsked) throw error;
      hub.log.warn("no Unix socket", { path: config.socket_path, error });
    }
  }
  hub.log.info("serving", { addresses });
  const parts = stack.move();
  return {
    hub,
    addresses,
    close: async () => {
      hub.state.isDraining = true;
      hub.log.info("draining", { seconds: config.drain_seconds });
      await parts.disposeAsync();
    },
  };
}

/** The application behind what answers most requests faster. */
function hubListener(hub: OpenHub): RequestListener {
  const rates = requestBuckets(hub);
  const app = createHubApp(hub, rates);
  const begun = new WeakMap<object, Begun>();
  const ask = getRequestListener(
    (request, environment) => {
      const { incoming } = environment as { incoming: IncomingMessage };
      const { remoteAddress } = incoming.socket;
      const known = begun.get(incoming);
      return app.fetch(request, {
        breakOff: () => void incoming.socket.destroy(),
        ...(remoteAddress === undefined ? {} : { remoteAddress }),
        ...(known === undefined ? {} : { begun: known }),
      });
    },
    // Health checks of HTTP/1.0 name no host.
    { overrideGlobalObjects: false, hostname: hub.config.host, errorHandler: answerUnreadable },
  );
  return blockListener(hub, rates, (request, response, known) => {
    if (known !== undefined) begun.set(request, known);
    void ask(request as never, response as never);
  });
}

type Place = { readonly host: string; readonly port: number } | { readonly path: string };

async function tcpServer(
  config: HubConfig,
  bounds: ServerOptions,
  listener: RequestListener,
): Promise<Server> {
  const { tls_cert, tls_key } = config;
  if (tls_cert === undefined || tls_key === undefined) return createServer(bounds, listener);
  const [cert, key] = await Promise.all([
    readPem("tls_cert", tls_cert),
    readPem("tls_key", tls_key),
  ]);
  checkPair({ cert, key }, `Cannot use the certificate ${tls_cert} with the key ${tls_key}`);
  const handshakeTimeout = bounds.headersTimeout!;
  const options = { ...bounds, handshakeTimeout, cert, key };
  return createTlsServer(options, listener) as unknown as Server;
}

/** The server would take anything, and fail with each client. */
function checkPair(
  { cert, key }: { readonly cert: string; readonly key: string },
  task: string,
): void {
  let isPair: boolean;
  try {
    isPair = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw new MyfsError("system", `${task}: ${reasonOf(cause)}`, { cause });
  }
  if (!isPair) throw new MyfsError("system", `${task}: it belongs to another key`);
}

async function readPem(setting: string, path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw new MyfsError("system", `Cannot read ${path} of ${setting}: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

async function listen(server: Server, place: Place): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(place, resolve);
  try {
    await promise;
  } catch (cause) {
    const where = "path" in place ? place.path : `${place.host}:${place.port}`;
    const { code } = cause as { readonly code?: unknown };
    const options = {
      cause,
      ...(code === "EADDRINUSE" ? { hint: "Another program listens there." } : {}),
    };
    throw new MyfsError("system", `Cannot listen on ${where}: ${reasonOf(cause)}`, options);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Makes the socket's folder, and removes a socket on which nobody listens. */
async function prepareSocket(path: string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const status = await Deno.lstat(path).catch(() => undefined);
  if (status === undefined) return;
  const problem = !status.isSocket
    ? "something else is there"
    : await answers(path)
    ? "a program does already"
    : undefined;
  if (problem !== undefined) {
    throw new MyfsError("system", `Cannot listen on ${path}: ${problem}`, {
      hint: "socket_path names another place; empty, it names none.",
    });
  }
  await Deno.remove(path);
}

async function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ path });
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  const isThere = await promise;
  socket.destroy();
  return isThere;
}
