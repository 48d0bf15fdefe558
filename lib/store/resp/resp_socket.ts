/**
 * Connecting to a server that speaks RESP.
 *
 * @module
 */

import { MyfsError, StoreDeniedError, StoreUnavailableError } from "../../base/errors.ts";
import { publicAddresses } from "../public_lookup.ts";
import { connectTcp } from "../tcp_connect.ts";
import type { RespAddress } from "./resp_address.ts";
import type { RespSocket } from "./resp_connection.ts";

/**
 * Connects over TCP, TLS or a unix socket.
 *
 * @param publicOnly Refuses addresses that are not globally reachable, also those of public names.
 * @throws {StoreUnavailableError}, {StoreDeniedError} or {UntrustedRouteError}
 */
export async function connectSocket(
  address: RespAddress,
  publicOnly: boolean,
  signal: AbortSignal,
): Promise<RespSocket> {
  try {
    return await connect(address, publicOnly, signal);
  } catch (error) {
    if (error instanceof MyfsError || signal.aborted) throw error;
    throw classify(address, error);
  }
}

async function connect(
  { url, place }: RespAddress,
  publicOnly: boolean,
  signal: AbortSignal,
): Promise<RespSocket> {
  if (place.kind === "unix") return await Deno.connect({ transport: "unix", path: place.path });
  const { host, port, tls } = place;
  const hosts = publicOnly ? await publicAddresses(host, url, signal) : [host];
  const conn = await connectFirst(hosts, port, signal);
  // Else the end of each block would wait until the server has confirmed what came before it.
  conn.setNoDelay(true);
  // Finds out about a server that is gone without a word, in hours; deadlines are for those who wait.
  conn.setKeepAlive(true);
  if (!tls) return conn;
  return await secured(conn, host, signal);
}

/** Speaks TLS from now on, when both sides have agreed on it. */
async function secured(
  conn: Deno.TcpConn,
  hostname: string,
  signal: AbortSignal,
): Promise<RespSocket> {
  const secure = await Deno.startTls(conn, { hostname });
  let isOpen = true;
  const close = (): void => {
    if (isOpen) secure.close();
    isOpen = false;
  };
  signal.addEventListener("abort", close);
  try {
    signal.throwIfAborted();
    await secure.handshake();
    signal.throwIfAborted();
    return secure;
  } catch (error) {
    close();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
  }
}

/** Connects to the first of these that answers. */
async function connectFirst(
  hosts: readonly string[],
  port: number,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  let failure: unknown;
  for (const hostname of hosts) {
    try {
      return await connectTcp({ hostname, port }, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      failure = error;
    }
  }
  throw failure;
}

function classify({ url, place }: RespAddress, error: unknown): MyfsError {
  const reason = error instanceof Error ? error.message : String(error);
  const message = `Cannot connect to ${url}: ${reason}`;
  if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
    return new StoreDeniedError(url, message, { cause: error });
  }
  if (error instanceof Deno.errors.InvalidData || /certificate|tls/i.test(reason)) {
    return new StoreUnavailableError(url, message, {
      cause: error,
      hint:
        "Check that the server speaks TLS, and name the file of its own authority in DENO_CERT.",
    });
  }
  // A name that does not exist will not exist soon; that no name server answers may pass.
  const isUnknownName = /not known|ENOTFOUND|no address/i.test(reason);
  return new StoreUnavailableError(url, message, {
    cause: error,
    retryable: !isUnknownName,
    hint: isUnknownName
      ? "Check how the host is spelled."
      : place.kind === "unix"
      ? "Check that the server is up and that this is its socket."
      : "Check that the server is up, and the host and the port.",
  });
}
