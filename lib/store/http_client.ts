/**
 * Requests to a web server on behalf of a store: over connections that are kept and bounded in
 * number, with redirects and credentials.
 *
 * @module
 */

import { Semaphore } from "../base/concurrency.ts";
import {
  type HttpAnswer,
  HttpConnection,
  type HttpMessage,
  type HttpOrigin,
  originKey,
} from "./http_connection.ts";

/** How a client goes about its requests. */
export interface HttpClientOptions {
  /** The store, without secrets, for errors. */
  readonly store: string;
  /** What to authorize with, and the one server that may see it. */
  readonly credentials?: { readonly origin: string; readonly authorization: string };
  /** Whether to refuse addresses that are not globally reachable. @default {false} */
  readonly publicAddressesOnly?: boolean;
}

/** A request. */
export interface HttpRequest extends Pick<HttpMessage, "method" | "body"> {
  readonly url: URL;
  /** What the body is, where there is one. */
  readonly contentType?: string;
  /** How many bytes a body of success may have. */
  readonly bodySizeMax: number;
  /** Ends the request: it rejects with the signal's reason, and its connection is closed. */
  readonly signal?: AbortSignal | undefined;
}

/** A redirect that is not followed. */
export class HttpRedirectError extends Error {
  /** Name of the class. */
  override readonly name = "HttpRedirectError";
  /** What the user can do. */
  readonly hint: string;

  /** Makes the error; `message` says why, to follow a colon. */
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** Connections at once, idle ones not counted: further requests wait for one to end. */
const CONNECTIONS_MAX = 64;

/** Idle connections that are kept. */
const IDLE_MAX = CONNECTIONS_MAX;

/** An idle connection this old is not used: routers and servers forget them, not all say so. */
const IDLE_AGE_MAX_MS = 30_000;

/** Redirects that are followed, one after the other. */
const REDIRECTS_MAX = 5;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Makes requests. It tries none again because it failed, with one exception that HTTP knows
 * (RFC 9112, section 9.3.1): where a kept connection turns out to be closed and nothing of an answer
 * has come, the request goes out once more on a new one. So a request must be such that making it
 * twice is as good as once.
 */
export class HttpClient implements AsyncDisposable {
  readonly #options: HttpClientOptions;
  readonly #permits = new Semaphore(CONNECTIONS_MAX);
  /** The one used last at the end. */
  readonly #idle: HttpConnection[] = [];
  readonly #busy = new Set<HttpConnection>();
  #closed = false;

  /** A client without connections. */
  constructor(options: HttpClientOptions) {
    this.#options = options;
  }

  /**
   * Makes sure that the server of `url` accepts connections; the connection is kept.
   *
   * @throws what {@link request} throws.
   */
  async connect(url: URL, signal?: AbortSignal): Promise<void> {
    using _permit = await this.#permits.acquire(signal);
    const connection = await this.#open(originOf(url), signal);
    connection.idleSince = performance.now();
    this.#keep(connection);
  }

  /**
   * Makes a request, follows redirects, and gives the answer, whatever its status.
   *
   * @throws {HttpRedirectError} when a redirect leads where it may not, or to too many others.
   * @throws {UntrustedRouteError} when an address is not globally reachable and has to be.
   * @throws the signal's reason when it is aborted; else what `HttpConnection` throws.
   */
  async request(request: HttpRequest): Promise<HttpAnswer> {
    using _permit = await this.#permits.acquire(request.signal);
    let url = request.url;
    for (let redirects = 0;; redirects++) {
      const answer = await this.#ask(url, request);
      const location = answer.headers.get("location");
      if (!REDIRECTS.has(answer.status) || location === undefined) return answer;
      if (redirects === REDIRECTS_MAX) {
        throw new HttpRedirectError(
          "the server redirects in a circle, or too often",
          "Look at the server's settings.",
        );
      }
      url = redirectTarget(url, location, request.method);
    }
  }

  /** Closes all connections; requests under way fail. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const connection of [...this.#idle, ...this.#busy]) connection[Symbol.dispose]();
    this.#idle.length = 0;
    return Promise.resolve();
  }

  async #ask(url: URL, request: HttpRequest): Promise<HttpAnswer> {
    const { method, body, bodySizeMax, signal } = request;
    const message: HttpMessage = {
      method,
      target: url.pathname + url.search,
      headers: this.#headers(url, request),
      ...(body === undefined ? {} : { body }),
      bodySizeMax,
    };
    const origin = originOf(url);
    const kept = this.#takeIdle(originKey(origin));
    if (kept !== undefined) {
      try {
        return await this.#exchange(kept, message, signal);
      } catch (error) {
        signal?.throwIfAborted();
        if (!kept.silent || this.#closed) throw error;
      }
    }
    return await this.#exchange(await this.#open(origin, signal), message, signal);
  }

  async #open(origin: HttpOrigin, signal: AbortSignal | undefined): Promise<HttpConnection> {
    signal?.throwIfAborted();
    const { store, publicAddressesOnly = false } = this.#options;
    return await HttpConnection.open({ origin, store, publicAddressesOnly }, signal);
  }

  async #exchange(
    connection: HttpConnection,
    message: HttpMessage,
    signal: AbortSignal | undefined,
  ): Promise<HttpAnswer> {
    const abort = (): void => connection[Symbol.dispose]();
    signal?.addEventListener("abort", abort);
    this.#busy.add(connection);
    try {
      return await connection.exchange(message);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#busy.delete(connection);
      if (connection.reusable) this.#keep(connection);
    }
  }

  #headers(url: URL, request: HttpRequest): [string, string][] {
    const { credentials } = this.#options;
    const headers: [string, string][] = [
      ["Host", url.host],
      ["User-Agent", "myfs"],
      ["Accept", "*/*"],
      // Blocks do not compress, and what came compressed could not be bounded by its length.
      ["Accept-Encoding", "identity"],
    ];
    if (request.body !== undefined) {
      headers.push(["Content-Type", request.contentType ?? "application/octet-stream"]);
      headers.push(["Content-Length", `${request.body.length}`]);
    }
    if (credentials?.origin === url.origin) {
      headers.push(["Authorization", credentials.authorization]);
    }
    return headers;
  }

  #takeIdle(key: string): HttpConnection | undefined {
    const oldest = performance.now() - IDLE_AGE_MAX_MS;
    for (let at = this.#idle.length - 1; at >= 0; at--) {
      const connection = this.#idle[at]!;
      if (connection.key !== key) continue;
      this.#idle.splice(at, 1);
      if (connection.idleSince >= oldest) return connection;
      connection[Symbol.dispose]();
    }
    return undefined;
  }

  #keep(connection: HttpConnection): void {
    if (this.#closed) return connection[Symbol.dispose]();
    this.#idle.push(connection);
    if (this.#idle.length > IDLE_MAX) this.#idle.shift()![Symbol.dispose]();
  }
}

function originOf({ protocol, hostname, port }: URL): HttpOrigin {
  const secure = protocol === "https:";
  return { secure, hostname, port: port === "" ? (secure ? 443 : 80) : Number(port) };
}

/** Where a redirect leads, without credentials that stand in it. */
function redirectTarget(from: URL, location: string, method: string): URL {
  const to = URL.parse(location, from);
  if (to === null || (to.protocol !== "http:" && to.protocol !== "https:")) {
    throw new HttpRedirectError(
      "the server redirects to what is no web address",
      "Look at the server's settings.",
    );
  }
  to.username = to.password = to.hash = "";
  if (method === "POST") {
    throw new HttpRedirectError(
      `the server redirects to ${to.origin}, and what is written is not sent elsewhere`,
      "Name the URL that it redirects to.",
    );
  }
  if (from.protocol === "https:" && to.protocol === "http:") {
    throw new HttpRedirectError(
      `the server redirects from https to http, at ${to.origin}`,
      "Have the server redirect to https, or name the http URL if you trust the network.",
    );
  }
  return to;
}
