/**
 * Requests to registries and to those that give tokens for them: streamed answers, redirects, proxies,
 * deadlines, and addresses that are checked at the moment of connecting.
 *
 * Why not `fetch`: it cannot check the address that a name leads to before it connects there, it
 * decompresses what claims to be compressed on the way, and it keeps a body that nobody reads alive.
 * The connections of `store/http_connection.ts` can do all of this.
 *
 * @module
 */

import { type Bytes, concatBytes } from "../base/bytes.ts";
import { LinkedAbort } from "../base/linked_abort.ts";
import { RegistryUnavailableError } from "../base/errors.ts";
import { HttpConnection } from "../store/http_connection.ts";
import { formatHttpFields } from "../store/http_message.ts";
import { type HttpProxy, proxyFor, type ProxySettings } from "../store/http_proxy.ts";
import { redirectTarget } from "../store/http_redirect.ts";
import { IdleConnections } from "../store/idle_connections.ts";
import { registryFault } from "./registry_fault.ts";

/** How registries are reached. */
export interface TransportOptions {
  /** How long one may take to answer, or to send the next bytes, in milliseconds. @default {30_000} */
  readonly timeoutMs?: number;
  /** Whether to refuse addresses that are not globally reachable. @default {false} */
  readonly publicAddressesOnly?: boolean;
  /** Certificates, in PEM, of more authorities that may sign those of registries. */
  readonly caCerts?: readonly string[];
  /** Proxies. Without it there are none: the library reads no environment. */
  readonly proxies?: ProxySettings;
}

/** A request. */
export interface RegistryRequest {
  readonly method?: "GET" | "HEAD" | "POST";
  readonly url: URL;
  /** Header fields; `Authorization` is sent to this URL's server only. */
  readonly fields?: readonly (readonly [string, string])[];
  readonly body?: Uint8Array;
  /** What it is for, to follow "Cannot" in errors. */
  readonly task: string;
  /** Ends the request, also while its body is read. */
  readonly signal?: AbortSignal | undefined;
  /** Path of the unix socket of the server. */
  readonly socket?: string;
}

/** An answer. Its body must be read to the end, or the answer disposed of. */
export interface RegistryAnswer extends AsyncDisposable {
  readonly status: number;
  /** Values by lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  /** The body in pieces; they are the reader's. Fails when the server is silent for too long. */
  readonly body: AsyncGenerator<Bytes, void>;
}

const TIMEOUT_MS = 30_000;

/** Idle connections that are kept. */
const IDLE_MAX = 16;

/** Keeps connections, and makes requests over them. It tries nothing again but on a new connection. */
export class RegistryTransport implements AsyncDisposable {
  readonly #options: TransportOptions;
  readonly #timeoutMs: number;
  readonly #idle = new IdleConnections(IDLE_MAX);

  /** A transport without connections. */
  constructor(options: TransportOptions = {}) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    if (!(this.#timeoutMs > 0)) throw new RangeError("Cannot wait: timeoutMs must be above 0");
  }

  /**
   * Makes a request and follows redirects, without credentials where they lead to another server.
   *
   * @throws {RegistryUnavailableError} {RegistryDeniedError} when it fails, the signal's reason when it
   *   is aborted.
   */
  async request(request: RegistryRequest): Promise<RegistryAnswer> {
    let { url } = request;
    let fields = request.fields ?? [];
    for (let redirects = 0;; redirects++) {
      const answer = await this.#ask({ ...request, url, fields });
      let to: URL | undefined;
      try {
        to = redirectTarget(answer, { url, method: request.method ?? "GET" }, redirects);
      } catch (error) {
        await answer[Symbol.asyncDispose]();
        throw registryFault(url.host, request.task, error);
      }
      if (to === undefined) return answer;
      await answer[Symbol.asyncDispose]();
      if (to.origin !== url.origin) {
        fields = fields.filter(([name]) => name.toLowerCase() !== "authorization");
      }
      url = to;
    }
  }

  /**
   * As {@link request}, with the body read as a whole.
   *
   * @param sizeMax How many bytes it may have; of an answer that is no success the rest is dropped.
   */
  async requestWhole(
    request: RegistryRequest,
    sizeMax: number,
  ): Promise<{ status: number; headers: ReadonlyMap<string, string>; body: Bytes }> {
    await using answer = await this.request(request);
    const pieces: Bytes[] = [];
    let size = 0;
    for await (const piece of answer.body) {
      size += piece.length;
      if (size > sizeMax) {
        if (answer.status >= 400) break;
        const { host } = request.url;
        throw new RegistryUnavailableError(
          host,
          `Cannot ${request.task}: the answer of ${host} has more than ${sizeMax} bytes`,
        );
      }
      pieces.push(piece);
    }
    return { status: answer.status, headers: answer.headers, body: concatBytes(pieces) };
  }

  /** Closes idle connections; those in use close when their answers end. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#idle[Symbol.dispose]();
    return Promise.resolve();
  }

  async #ask(request: RegistryRequest): Promise<RegistryAnswer> {
    const guard = new RequestGuard(request, this.#timeoutMs);
    try {
      const proxy = this.#proxyOf(request);
      const name = request.socket ?? request.url.origin;
      const kept = this.#idle.take(name);
      if (kept !== undefined) {
        try {
          return await this.#exchange(kept, request, proxy, guard);
        } catch (error) {
          if (guard.isEnded || !kept.silent) throw error;
        }
      }
      guard.restart();
      const connection = await this.#open(name, request, proxy, guard.signal);
      return await this.#exchange(connection, request, proxy, guard);
    } catch (error) {
      throw guard.fail(error);
    }
  }

  /** Where everything goes through a tunnel, the proxy learns addresses and looks nothing up. */
  #proxyOf({ url, socket }: RegistryRequest): HttpProxy | undefined {
    if (socket !== undefined || this.#options.proxies === undefined) return undefined;
    return proxyFor(url, this.#options.proxies);
  }

  async #open(
    name: string,
    { url, socket }: RegistryRequest,
    proxy: HttpProxy | undefined,
    signal: AbortSignal,
  ): Promise<HttpConnection> {
    const { caCerts, publicAddressesOnly = false } = this.#options;
    const secure = url.protocol === "https:";
    const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
    return await HttpConnection.open({
      origin: { name, secure, hostname: url.hostname, port },
      store: url.host,
      publicAddressesOnly,
      proxy,
      socket,
      ...(caCerts === undefined ? {} : { caCerts }),
    }, signal);
  }

  async #exchange(
    connection: HttpConnection,
    { method = "GET", url, fields = [], body }: RegistryRequest,
    proxy: HttpProxy | undefined,
    guard: RequestGuard,
  ): Promise<RegistryAnswer> {
    guard.watch(connection);
    const isTold = proxy !== undefined && url.protocol === "http:" &&
      this.#options.publicAddressesOnly !== true;
    const path = url.pathname + url.search;
    const all: (readonly [string, string])[] = [
      ["Host", url.host],
      ["User-Agent", "myfs"],
      // What is compressed on the way would have another digest.
      ["Accept-Encoding", "identity"],
      ...fields,
    ];
    if (isTold && proxy.authorization !== undefined) {
      all.push(["Proxy-Authorization", proxy.authorization]);
    }
    if (body !== undefined) all.push(["Content-Length", `${body.length}`]);
    const answer = await connection.exchangeStreamed({
      method,
      target: isTold ? url.origin + path : path,
      fields: formatHttpFields(all),
      ...(body === undefined ? {} : { body }),
    });
    guard.pause();
    const reading = { isOver: false };
    const content = this.#read(answer.body, connection, guard, reading);
    return {
      status: answer.status,
      headers: answer.headers,
      body: content,
      [Symbol.asyncDispose]: async () => {
        await content.return();
        if (reading.isOver) return;
        // A generator that was never started has run no `finally`.
        guard[Symbol.dispose]();
        connection[Symbol.dispose]();
      },
    };
  }

  /** The body, with a deadline on every piece; time that the reader takes does not count. */
  async *#read(
    body: AsyncGenerator<Bytes, void>,
    connection: HttpConnection,
    guard: RequestGuard,
    reading: { isOver: boolean },
  ): AsyncGenerator<Bytes, void> {
    try {
      for (;;) {
        guard.restart();
        const { done, value } = await body.next();
        guard.pause();
        if (done === true) break;
        yield value;
      }
    } catch (error) {
      throw guard.fail(error);
    } finally {
      reading.isOver = true;
      guard[Symbol.dispose]();
      await body.return();
      if (connection.reusable) this.#idle.keep(connection);
    }
  }
}

/** Ends one request when its signal is aborted or its server is silent for too long. */
class RequestGuard implements Disposable {
  readonly #request: RegistryRequest;
  readonly #timeoutMs: number;
  readonly #abort: LinkedAbort;
  #connection: HttpConnection | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isLate = false;

  constructor(request: RegistryRequest, timeoutMs: number) {
    this.#request = request;
    this.#timeoutMs = timeoutMs;
    this.#abort = new LinkedAbort(request.signal);
    this.#abort.signal.addEventListener("abort", () => this.#connection?.[Symbol.dispose]());
    this.restart();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get isEnded(): boolean {
    return this.signal.aborted;
  }

  /** Closes `connection` when the request has to end. */
  watch(connection: HttpConnection): void {
    this.#connection = connection;
    if (this.isEnded) connection[Symbol.dispose]();
  }

  /** Begins to count anew. */
  restart(): void {
    this.pause();
    this.#timer = setTimeout(() => {
      this.#isLate = true;
      this.#abort.abort(new DOMException("The server is silent", "TimeoutError"));
    }, this.#timeoutMs);
  }

  pause(): void {
    clearTimeout(this.#timer);
  }

  /** What to throw for `error`; the request is over. */
  fail(error: unknown): unknown {
    this[Symbol.dispose]();
    const { signal, url, task } = this.#request;
    if (signal?.aborted === true) return signal.reason;
    if (!this.#isLate) return registryFault(url.host, task, error);
    const seconds = this.#timeoutMs / 1000;
    return new RegistryUnavailableError(
      url.host,
      `Cannot ${task}: ${url.host} was silent for ${seconds} s`,
      { retryable: true, cause: error, hint: "Check the network and the registry." },
    );
  }

  [Symbol.dispose](): void {
    this.pause();
    this.#abort[Symbol.dispose]();
  }
}
