/**
 * Web servers that stand between a client and the servers it asks: which one, by the variables that
 * most programs understand, and the way through it.
 *
 * @module
 */

import { HttpSyntaxError, parseHttpHead } from "./http_message.ts";
import { isInIpv4Network } from "./ipv4_network.ts";
import { connectTcp } from "./tcp_connect.ts";

/** A proxy that speaks HTTP. */
export interface HttpProxy {
  /** As in a URL: IPv6 addresses have brackets. */
  readonly hostname: string;
  readonly port: number;
  /** What the proxy wants to hear, such as `Basic …`. */
  readonly authorization?: string;
}

/** Which proxies to use: what the variables of the same names say, whoever has read them. */
export interface ProxySettings {
  /** `HTTP_PROXY`: for servers without TLS. */
  readonly http?: string;
  /** `HTTPS_PROXY`: for servers with TLS. */
  readonly https?: string;
  /**
   * `NO_PROXY`: servers that are asked directly. Names with everything below them, addresses, networks
   * such as `10.0.0.0/8`, each perhaps with a port, and `*` for all.
   */
  readonly no?: string;
}

/** The proxy does not let us through. */
export class HttpProxyError extends Error {
  /** Name of the class. */
  override readonly name = "HttpProxyError";
  /** What it answered. */
  readonly status: number;

  /** Makes the error. */
  constructor(status: number) {
    super(`the proxy answers ${status}`);
    this.status = status;
  }
}

/**
 * The proxy for requests to `url`; undefined where they go there directly, as those to this machine
 * always do.
 *
 * @throws {SyntaxError} when the settings name what is no proxy that speaks HTTP.
 */
export function proxyFor(url: URL, settings: ProxySettings): HttpProxy | undefined {
  const text = url.protocol === "https:" ? settings.https : settings.http;
  if (text === undefined || text === "" || isDirect(url, settings.no ?? "")) return undefined;
  return parseProxy(text);
}

/** Reads `host:port` or `http://user:password@host:port`. */
function parseProxy(text: string): HttpProxy {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url === null || url.hostname === "") {
    throw new SyntaxError("Cannot use the proxy of the environment: it is not a URL");
  }
  if (url.protocol !== "http:") {
    throw new SyntaxError(
      `Cannot use the proxy of the environment: it is ${url.protocol}//, and only http:// is known`,
    );
  }
  const proxy = { hostname: url.hostname, port: url.port === "" ? 80 : Number(url.port) };
  if (url.username === "") return proxy;
  const userinfo = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { ...proxy, authorization: `Basic ${new TextEncoder().encode(userinfo).toBase64()}` };
}

/** Whether a server is asked without a proxy, as curl and Go decide it. */
function isDirect(url: URL, no: string): boolean {
  const host = bare(url.hostname);
  if (host === "localhost" || host.startsWith("127.") || host === "::1") return true;
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  return no.split(/[\s,]+/).some((rule) => {
    if (rule === "") return false;
    if (rule === "*") return true;
    const [, name = rule, rulePort] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(rule) ?? [];
    if (rulePort !== undefined && rulePort !== port) return false;
    const wanted = bare(name.toLowerCase()).replace(/^\*?\./, "");
    const network = /^([0-9.]+)\/(\d{1,2})$/.exec(wanted);
    if (network !== null) return isInIpv4Network(host, network[1]!, Number(network[2]));
    return host === wanted || host.endsWith(`.${wanted}`);
  });
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}

/** Longest head of a proxy's answer, in bytes. */
const HEAD_SIZE_MAX = 16 * 1024;

/** Where a tunnel ends. */
export interface TunnelGoal {
  /** Whether a tunnel is needed: else the proxy is told with each request where it goes. */
  readonly secure: boolean;
  /** A name or an address; IPv6 addresses without brackets. */
  readonly address: string;
  readonly port: number;
}

/**
 * Connects to the proxy, and through it to the goal where that needs a tunnel.
 *
 * @throws {HttpProxyError} when the proxy refuses, and what the system says when it fails.
 */
export async function openTunnel(
  proxy: HttpProxy,
  { secure, address, port }: TunnelGoal,
  signal: AbortSignal | undefined,
): Promise<Deno.TcpConn> {
  const connection = await connectTcp({ hostname: bare(proxy.hostname), port: proxy.port }, signal);
  connection.setNoDelay(true);
  if (!secure) return connection;
  const abort = (): void => connection.close();
  signal?.addEventListener("abort", abort);
  try {
    const goal = `${address.includes(":") ? `[${address}]` : address}:${port}`;
    const credentials = proxy.authorization === undefined
      ? ""
      : `Proxy-Authorization: ${proxy.authorization}\r\n`;
    const request = new TextEncoder().encode(
      `CONNECT ${goal} HTTP/1.1\r\nHost: ${goal}\r\nUser-Agent: myfs\r\n${credentials}\r\n`,
    );
    for (let at = 0; at < request.length;) at += await connection.write(request.subarray(at));
    const { status } = parseHttpHead(await readHead(connection), "HEAD");
    if (status < 200 || status > 299) throw new HttpProxyError(status);
    return connection;
  } catch (error) {
    if (signal?.aborted !== true) connection.close();
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** Reads the head byte by byte: what follows it is not the proxy's any more. */
async function readHead(connection: Deno.TcpConn): Promise<string> {
  const byte = new Uint8Array(1);
  let text = "";
  while (!text.endsWith("\r\n\r\n")) {
    if (text.length > HEAD_SIZE_MAX) throw new HttpSyntaxError("the proxy's answer never ends");
    if (await connection.read(byte) === null) throw new HttpSyntaxError("the proxy hung up");
    text += String.fromCharCode(byte[0]!);
  }
  return text.slice(0, -4);
}
