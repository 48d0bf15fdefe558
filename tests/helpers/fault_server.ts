/**
 * A server that misbehaves as told: for what a client makes of silence, of lies about lengths, and
 * of answers that never end.
 *
 * @module
 */

import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { createServer as createTlsServer } from "node:tls";

/** What the server does with one request. */
export type FaultAnswer =
  /** Never answers, and leaves the connection open. */
  | { readonly kind: "silence" }
  /** Ends the connection without an answer. */
  | { readonly kind: "close" }
  /** Breaks the connection off so that the client sees "connection reset". */
  | { readonly kind: "reset" }
  /** Sends half the header of an answer, then nothing. */
  | { readonly kind: "half-header" }
  /** Sends these bytes as they are: for protocols other than HTTP, or for nonsense. */
  | { readonly kind: "raw"; readonly bytes: string | Uint8Array; readonly close?: boolean }
  /** Answers with HTTP. */
  | HttpAnswer
  /** Answers 200 with a body that goes on as long as somebody reads it; no length is declared. */
  | { readonly kind: "endless"; readonly headers?: Readonly<Record<string, string>> }
  /** Answers with HTTP, the body a byte at a time. */
  | (Omit<HttpAnswer, "kind"> & {
    readonly kind: "trickle";
    /** Milliseconds between two bytes. @default {1000} */
    readonly intervalMs?: number;
  });

/** An answer with status, headers and body, honest unless told otherwise. */
export interface HttpAnswer {
  readonly kind: "http";
  /** @default {200} */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** @default {""} */
  readonly body?: string | Uint8Array;
  /**
   * What Content-Length says: more than the body has for one that is cut off, less for one that is
   * too long; `"none"` for a body that ends with the connection.
   *
   * @default {the length of the body}
   */
  readonly declaredLength?: number | "none";
  /** Ends the connection after the answer. @default {whether declaredLength is not the body's} */
  readonly close?: boolean;
}

/** What the server was asked. */
export interface FaultRequest {
  /** Which connection it came on, from 0. */
  readonly connection: number;
  /** Such as `GET`; empty where it is not HTTP. */
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly headers: Headers;
  /** The body; all that one read gave where the protocol is `"tcp"`. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * What the server does: always the same; the N-th answer on the N-th socket, the last one on
 * all after it; or what a function says to each request.
 */
export type FaultScript =
  | FaultAnswer
  | readonly FaultAnswer[]
  | ((request: FaultRequest) => FaultAnswer | Promise<FaultAnswer>);

/** How the server listens. */
export interface FaultServerOptions {
  /** With `"tcp"`, whatever one read gives is a request. @default {"http"} */
  readonly protocol?: "http" | "tcp";
  /** Certificate and private key in PEM: the server speaks TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** Size of the pieces of an endless body, in bytes. */
const PIECE_SIZE = 64 * 1024;

/** Starts a server that follows `script`, on a free port of 127.0.0.1. */
export async function faultServer(
  script: FaultScript,
  options: FaultServerOptions = {},
): Promise<FaultServer> {
  const server = options.tls === undefined ? createServer() : createTlsServer(options.tls);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return new FaultServer(server, script, options);
}

/** The server; it ends, and cuts its connections, at the end of the scope. */
export class FaultServer implements AsyncDisposable {
  /** The port on 127.0.0.1. */
  readonly port: number;
  /** Such as `http://127.0.0.1:1234`. */
  readonly url: string;
  /** Everything it was asked, in the order of coming. */
  readonly requests: FaultRequest[] = [];
  /** Connections so far. */
  connectionCount = 0;
  /** Bytes of bodies sent so far. */
  bytesSent = 0;
  readonly #script: FaultScript;
  readonly #protocol: "http" | "tcp";
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #ending = new AbortController();
  readonly #served = new Set<Promise<void>>();

  /** @param server Listens already. */
  constructor(server: Server, script: FaultScript, options: FaultServerOptions) {
    this.#server = server;
    this.#script = script;
    this.#protocol = options.protocol ?? "http";
    this.port = (server.address() as AddressInfo).port;
    this.url = `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${this.port}`;
    server.on(options.tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
      const served = this.#serve(socket, this.connectionCount++).finally(() => {
        this.#served.delete(served);
      });
      this.#served.add(served);
    });
  }

  /** Connections that neither side has closed. */
  get openCount(): number {
    return this.#open.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
    await Promise.all(this.#served);
    await closed;
  }

  async #serve(socket: Socket, index: number): Promise<void> {
    this.#open.add(socket);
    socket.on("error", () => {});
    const reader = new RequestReader(socket, index, this.#protocol);
    try {
      for (;;) {
        const request = await reader.next();
        if (request === undefined) return;
        this.requests.push(request);
        if (!await this.#answer(socket, reader, request, await this.#next(request))) return;
      }
    } catch (error) {
      // The client left, or the server ends: both are part of the game.
      if (!isDisconnection(error)) throw error;
    } finally {
      // What has been written still goes out.
      socket.end();
      socket.destroySoon();
      this.#open.delete(socket);
    }
  }

  async #next(request: FaultRequest): Promise<FaultAnswer> {
    const script = this.#script;
    if (typeof script === "function") return await script(request);
    const answers = (Array.isArray(script) ? script : [script]) as readonly FaultAnswer[];
    return answers[Math.min(request.connection, answers.length - 1)]!;
  }

  /** Answers one request, and tells whether the connection goes on. */
  async #answer(
    socket: Socket,
    reader: RequestReader,
    request: FaultRequest,
    answer: FaultAnswer,
  ): Promise<boolean> {
    switch (answer.kind) {
      case "close":
        return false;
      case "reset":
        socket.resetAndDestroy();
        return false;
      case "silence":
        return await reader.untilClosed();
      case "half-header":
        await write(socket, encode("HTTP/1.1 200 OK\r\nContent-Le"));
        return await reader.untilClosed();
      case "raw":
        await this.#send(socket, encode(answer.bytes));
        return answer.close !== true;
      case "endless": {
        await write(socket, header(200, answer.headers ?? {}));
        for (;;) await this.#send(socket, new Uint8Array(PIECE_SIZE).fill(0x61));
      }
      case "http":
      case "trickle": {
        const body = encode(answer.body ?? "");
        const length = answer.declaredLength ?? body.length;
        const headers = { ...(length !== "none" && { "Content-Length": `${length}` }) };
        await write(socket, header(answer.status ?? 200, { ...headers, ...answer.headers }));
        if (request.method !== "HEAD") {
          const pieces = answer.kind === "http"
            ? [body]
            : Array.from(body, (_, at) => body.subarray(at, at + 1));
          for (const [index, piece] of pieces.entries()) {
            const intervalMs = answer.kind === "trickle" ? answer.intervalMs ?? 1000 : 0;
            if (index > 0) await setTimeout(intervalMs, null, { signal: this.#ending.signal });
            await this.#send(socket, piece);
          }
        }
        return !(answer.close ?? length !== body.length);
      }
    }
  }

  async #send(socket: Socket, bytes: Uint8Array): Promise<void> {
    await write(socket, bytes);
    this.bytesSent += bytes.length;
  }
}

/** Reads requests off a socket, one after the other. */
class RequestReader {
  readonly #socket: Socket;
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #index: number;
  readonly #protocol: "http" | "tcp";
  #pending: Uint8Array<ArrayBuffer> = new Uint8Array();

  constructor(socket: Socket, index: number, protocol: "http" | "tcp") {
    this.#socket = socket;
    this.#pieces = socket[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    this.#index = index;
    this.#protocol = protocol;
  }

  /** The next request; undefined when the client has no more. */
  async next(): Promise<FaultRequest | undefined> {
    if (this.#protocol === "tcp") {
      if (!await this.#more()) return undefined;
      const body = this.#take(this.#pending.length);
      return { connection: this.#index, method: "", target: "", headers: new Headers(), body };
    }
    const end = await this.#find("\r\n\r\n");
    if (end < 0) return undefined;
    const [first, ...lines] = decode(this.#take(end + 4)).trimEnd().split("\r\n");
    const [method, target] = first!.split(" ");
    const headers = new Headers(lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }));
    if (headers.get("expect") === "100-continue") {
      await write(this.#socket, encode("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    const body = await this.#body(headers);
    return { connection: this.#index, method: method!, target: target ?? "", headers, body };
  }

  /** A body of declared length, or one in pieces that stays as it was sent. */
  async #body(headers: Headers): Promise<Uint8Array<ArrayBuffer>> {
    if (headers.get("transfer-encoding") === "chunked") {
      return this.#take(await this.#find("0\r\n\r\n") + 5);
    }
    const length = Number(headers.get("content-length") ?? 0);
    while (this.#pending.length < length && await this.#more());
    return this.#take(length);
  }

  async #find(text: string): Promise<number> {
    for (;;) {
      const at = decode(this.#pending).indexOf(text);
      if (at >= 0 || !await this.#more()) return at;
    }
  }

  #take(length: number): Uint8Array<ArrayBuffer> {
    const taken = this.#pending.slice(0, length);
    this.#pending = this.#pending.slice(length);
    return taken;
  }

  /** Reads and drops until the client has closed; false, for the connection does not go on. */
  async untilClosed(): Promise<false> {
    while ((await this.#pieces.next()).done !== true);
    return false;
  }

  async #more(): Promise<boolean> {
    const { done, value: piece } = await this.#pieces.next();
    if (done === true) return false;
    const joined = new Uint8Array(this.#pending.length + piece.length);
    joined.set(this.#pending);
    joined.set(piece, this.#pending.length);
    this.#pending = joined;
    return true;
  }
}

function header(status: number, headers: Readonly<Record<string, string>>): Uint8Array {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return encode(`HTTP/1.1 ${status} Status\r\n${lines.join("")}\r\n`);
}

function encode(text: string | Uint8Array): Uint8Array {
  return typeof text === "string" ? new TextEncoder().encode(text) : text;
}

/** One character a byte, so that positions are the bytes'. */
function decode(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => error ? reject(error) : resolve());
  });
}

/** Whether an error only says that a socket, or the server, has ended. */
function isDisconnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? String(error.code) : "";
  return error.name === "AbortError" || /^(ECANCELED|ECONN|EPIPE|ERR_STREAM_)/.test(code);
}
