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

/**
 * Requests at once, each on a connection of its own; further ones wait for one to end. It bounds
 * what many callers can do together: with 20 ms for the way there and back, this many small blocks
 * at once make 12,000 a second.
 */
const REQUESTS_MAX = 256;

/** Idle connections that are kept. */
const IDLE_MAX = REQUESTS_MAX;

/** An idle connection this old is not used: routers and servers forget them, not all say so. */
const IDLE_AGE_MAX_MS = 30_000;

/** Redirects that are followed, one after the other. */
const REDIRECTS_MAX = 5;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

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
  /** The one used last at the end. */
  readonly #idle: HttpConnection[] = [];
  readonly #busy = new Set<HttpConnection>();
  #closed = false;

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
    let server = this.#home;
    let target = request.target;
    for (let redirects = 0;; redirects++) {
      const answer = await this.#ask(server, target, request);
      const location = answer.headers.get("location");
      if (!REDIRECTS.has(answer.status) || location === undefined) return answer;
      if (redirects === REDIRECTS_MAX) {
        throw new HttpRedirectError(
          "the server redirects in a circle, or too often",
          "Look at the server's settings.",
        );
      }
      const from = new URL(server.origin.name + target);
      const to = redirectTarget(from, location, request.method);
      const isHome = to.origin === this.#home.origin.name;
      server = isHome ? this.#home : serverOf(to, undefined);
      target = to.pathname + to.search;
    }
  }

  /** Closes all connections; requests under way fail. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const connection of [...this.#idle, ...this.#busy]) connection[Symbol.dispose]();
    this.#idle.length = 0;
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
    const kept = this.#takeIdle(origin);
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
      if (connection.reusable) this.#keep(connection);
    }
  }

  #takeIdle({ name }: HttpOrigin): HttpConnection | undefined {
    const oldest = performance.now() - IDLE_AGE_MAX_MS;
    for (let at = this.#idle.length - 1; at >= 0; at--) {
      const connection = this.#idle[at]!;
      if (connection.origin.name !== name) continue;
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
  if (method === "POST" || method === "PUT") {
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
