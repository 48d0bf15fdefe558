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
} from "./http_connection.ts";
import { formatHttpFields } from "./http_message.ts";
import { redirectTarget } from "./http_redirect.ts";
import { IdleConnections } from "./idle_connections.ts";

/** How a client goes about its requests. */
export interface HttpClientOptions {
  /** The store, without secrets, for errors. */
  readonly store: string;
  /** The server: what else the URL says does not matter. */
  readonly base: URL;
  /** What to authorize with at this server, and at no other. */
  readonly authorization?: string | undefined;
  /** Whether to refuse addresses that are not globally reachable. @default {false} */
  readonly publicAddressesOnly?: boolean;
}

/** A request. */
export interface HttpRequest extends Pick<HttpMessage, "method" | "body"> {
  /** Path and query. */
  readonly target: string;
  /** What the body is, where there is one. */
  readonly contentType?: string;
  /** How many bytes a body of success may have. */
  readonly bodySizeMax: number;
  /** Ends the request: it rejects with the signal's reason, and its connection is closed. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Requests at once, each on a connection of its own; further ones wait for one to end. It bounds
 * what many callers can do together: with 20 ms for the way there and back, this many small blocks
 * at once make 12,000 a second.
 */
const REQUESTS_MAX = 256;

/** Idle connections that are kept. */
const IDLE_MAX = REQUESTS_MAX;

/** A server, and what every request to it says. */
interface Server {
  readonly origin: HttpOrigin;
  readonly fields: string;
}

/**
 * Makes requests. It tries none again because it failed, with one exception that HTTP knows
 * (RFC 9112, section 9.3.1): where a kept connection turns out to be closed and nothing of an answer
 * has come, the request goes out once more on a new one. So a request must be such that making it
 * twice is as good as once.
 */
export class HttpClient implements AsyncDisposable {
  readonly #store: string;
  readonly #publicAddressesOnly: boolean;
  readonly #base: URL;
  #home: Server;
  readonly #permits = new Semaphore(REQUESTS_MAX);
  readonly #idle = new IdleConnections(IDLE_MAX);
  readonly #busy = new Set<HttpConnection>();

  /** A client without connections. */
  constructor({ store, base, authorization, publicAddressesOnly = false }: HttpClientOptions) {
    this.#store = store;
    this.#publicAddressesOnly = publicAddressesOnly;
    this.#base = base;
    this.#home = serverOf(base, authorization);
  }

  /** What requests that begin from now on are authorized with, at this server and at no other. */
  authorize(authorization: string): void {
    this.#home = serverOf(this.#base, authorization);
  }

  /**
   * Makes sure that the server accepts connections; the connection is kept.
   *
   * @throws what {@link request} throws.
   */
  async connect(signal?: AbortSignal): Promise<void> {
    using _permit = await this.#permits.acquire(signal);
    const connection = await this.#open(this.#home.origin, signal);
    connection.idleSince = performance.now();
    this.#idle.keep(connection);
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
    let server = this.#home;
    let target = request.target;
    for (let redirects = 0;; redirects++) {
      const answer = await this.#ask(server, target, request);
      const from = { url: new URL(server.origin.name + target), method: request.method };
      const to = redirectTarget(answer, from, redirects);
      if (to === undefined) return answer;
      const isHome = to.origin === this.#home.origin.name;
      server = isHome ? this.#home : serverOf(to, undefined);
      target = to.pathname + to.search;
    }
  }

  /** Closes all connections; requests under way fail. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#idle[Symbol.dispose]();
    for (const connection of this.#busy) connection[Symbol.dispose]();
    return Promise.resolve();
  }

  async #ask(
    { origin, fields }: Server,
    target: string,
    { method, body, contentType, bodySizeMax, signal }: HttpRequest,
  ): Promise<HttpAnswer> {
    const message: HttpMessage = body === undefined
      ? { method, target, fields, bodySizeMax }
      : { method, target, fields: fields + bodyFields(body, contentType), bodySizeMax, body };
    const kept = this.#idle.take(origin.name);
    if (kept !== undefined) {
      try {
        return await this.#exchange(kept, message, signal);
      } catch (error) {
        signal?.throwIfAborted();
        if (!kept.silent || this.#idle.isClosed) throw error;
      }
    }
    return await this.#exchange(await this.#open(origin, signal), message, signal);
  }

  async #open(origin: HttpOrigin, signal: AbortSignal | undefined): Promise<HttpConnection> {
    signal?.throwIfAborted();
    const options = {
      origin,
      store: this.#store,
      publicAddressesOnly: this.#publicAddressesOnly,
    };
    return await HttpConnection.open(options, signal);
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
      if (connection.reusable) this.#idle.keep(connection);
    }
  }
}

function serverOf(url: URL, authorization: string | undefined): Server {
  const secure = url.protocol === "https:";
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  const fields: [string, string][] = [
    ["Host", url.host],
    ["User-Agent", "myfs"],
    ["Accept", "*/*"],
    // Blocks do not compress, and what came compressed could not be bounded by its length.
    ["Accept-Encoding", "identity"],
  ];
  if (authorization !== undefined) fields.push(["Authorization", authorization]);
  return {
    origin: { name: url.origin, secure, hostname: url.hostname, port },
    fields: formatHttpFields(fields),
  };
}

function bodyFields(body: Uint8Array, contentType = "application/octet-stream"): string {
  return formatHttpFields([["Content-Type", contentType], ["Content-Length", `${body.length}`]]);
}
