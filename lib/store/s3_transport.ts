/**
 * HTTP for the S3 client: connections that are kept, answers that are read whole and bounded, and
 * refusals with what the service said about them.
 *
 * The client's own handler would hand out answers as streams, start five timers a request and keep
 * the bytes of an answer without end. A block is small, so here an answer is complete, or has failed,
 * before the client sees it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import http from "node:http";
import https from "node:https";
import { Readable } from "node:stream";
import type { Bytes } from "../base/bytes.ts";
import { BLOCK_SIZE_MAX } from "../base/limits.ts";
import { publicLookup } from "./public_lookup.ts";
import { retryAfterMs } from "./retry_after.ts";

/** A request as the client makes it, signed. */
export interface S3Request {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

/** An answer of success, complete. */
export interface S3Answer {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: S3Body;
}

/** The body of an answer: a stream, because the client insists on one, that is all there. */
export class S3Body extends Readable {
  /** All of it. */
  readonly bytes: Bytes;

  /** Makes a stream of `bytes`. */
  constructor(bytes: Bytes) {
    super();
    this.bytes = bytes;
  }

  /** Gives everything at once. */
  override _read(): void {
    this.push(this.bytes);
    this.push(null);
  }
}

/** The service answered, and not with success. */
export class S3Refusal extends Error {
  /** Name of the class. */
  override readonly name = "S3Refusal";
  /** The status of the answer. */
  readonly status: number;
  /** What S3 calls the failure, such as `NoSuchKey`; undefined where the answer is not S3's. */
  readonly code: string | undefined;
  /** The region in which the service says the bucket is. */
  readonly region: string | undefined;
  /** How long the service asks to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** The service's clock. The client learns from it how wrong this machine's is. */
  readonly ServerTime: string | undefined;

  /** Reads an answer. Of its body nothing is kept but names. */
  constructor(status: number, headers: http.IncomingHttpHeaders, body: Uint8Array) {
    const text = new TextDecoder().decode(body.subarray(0, ERROR_BODY_LENGTH_MAX));
    const element = (name: string): string | undefined =>
      new RegExp(`<${name}>\\s*([A-Za-z0-9.-]{1,64})\\s*</${name}>`).exec(text)?.[1];
    const code = element("Code");
    super(`S3 answered ${status} ${code ?? ""}`.trimEnd());
    this.status = status;
    this.code = code;
    this.region = nameIn(headers["x-amz-bucket-region"]) ?? element("Region");
    this.retryAfterMs = retryAfterMs(headers["retry-after"]);
    this.ServerTime = headers.date;
  }
}

/** An answer that ended before its end. */
export class S3TruncatedAnswer extends Error {
  /** Name of the class. */
  override readonly name = "S3TruncatedAnswer";
}

/** An answer longer than any block. */
export class S3OversizedAnswer extends Error {
  /** Name of the class. */
  override readonly name = "S3OversizedAnswer";
}

/** How connections are made. */
export interface S3TransportOptions {
  /** The store, without secrets. */
  readonly url: string;
  /** Whether the service is spoken to over TLS. */
  readonly secure: boolean;
  /** Whether to refuse addresses that are not globally reachable. */
  readonly publicAddressesOnly: boolean;
}

/** Connections at once. Further requests wait for one to be free. */
const CONNECTIONS_MAX = 128;

/** Longest part of a refusal's body that is looked at. */
const ERROR_BODY_LENGTH_MAX = 64 * 1024;

/**
 * Sends requests and reads answers. Requests are not repeated and redirects not followed. What it
 * throws holds nothing of a request, so no signature and no token.
 */
export class S3Transport {
  /** For the client, which asks. */
  readonly metadata = { handlerProtocol: "http/1.1" };
  readonly #agent: http.Agent;
  readonly #request: typeof http.request;

  /** Connects to nothing yet. */
  constructor({ url, secure, publicAddressesOnly }: S3TransportOptions) {
    const options: http.AgentOptions = {
      keepAlive: true,
      maxSockets: CONNECTIONS_MAX,
      ...(publicAddressesOnly ? { lookup: publicLookup(url) } : {}),
    };
    this.#agent = secure ? new https.Agent(options) : new http.Agent(options);
    this.#request = secure ? https.request : http.request;
  }

  /**
   * Sends a request and gives the answer.
   *
   * @throws {S3Refusal} when the service does not answer with success.
   * @throws {S3TruncatedAnswer} or {S3OversizedAnswer}.
   * @throws what node:http throws when the connection fails.
   * @throws the signal's reason when it is aborted; the connection is closed then.
   */
  handle(
    request: S3Request,
    options: { readonly abortSignal?: AbortSignal } = {},
  ): Promise<{ response: S3Answer }> {
    const signal = options.abortSignal;
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const message = this.#request({
        agent: this.#agent,
        host: request.hostname.replace(/^\[|\]$/g, ""),
        ...(request.port === undefined ? {} : { port: request.port }),
        method: request.method,
        path: request.path + queryText(request.query),
        headers: request.headers,
      });
      const abort = (): void => {
        message.destroy();
        fail(signal!.reason);
      };
      const fail = (error: unknown): void => {
        signal?.removeEventListener("abort", abort);
        reject(error);
      };
      signal?.addEventListener("abort", abort);
      message.on("error", fail);
      message.on("response", (response) => {
        readAnswer(response, request.method === "HEAD").then((bytes) => {
          signal?.removeEventListener("abort", abort);
          const status = response.statusCode ?? 0;
          if (status < 200 || status > 299) {
            return reject(new S3Refusal(status, response.headers, bytes));
          }
          // Some requests fail after their answer has begun: these say so at its end.
          if (request.query["x-id"] !== "GetObject" && endsInError(bytes)) {
            return reject(new S3Refusal(500, response.headers, bytes));
          }
          const headers = flatHeaders(response.headers);
          resolve({ response: { statusCode: status, headers, body: new S3Body(bytes) } });
        }, (error) => {
          message.destroy();
          fail(error);
        });
      });
      message.end(bodyBuffer(request.body));
    });
  }

  /** The client changes nothing afterwards. */
  updateHttpClientConfig(): void {}

  /** For the client, which asks. */
  httpHandlerConfigs(): Record<never, never> {
    return {};
  }

  /** Closes all connections. */
  destroy(): void {
    this.#agent.destroy();
  }
}

/** The whole body of an answer. */
async function readAnswer(response: http.IncomingMessage, isHead: boolean): Promise<Bytes> {
  // An answer to HEAD says how long the body would be, and has none.
  const length = isHead ? 0 : contentLength(response);
  if (length !== undefined && length > BLOCK_SIZE_MAX) {
    throw new S3OversizedAnswer(`The answer has ${length} bytes`);
  }
  // Where the length is known the bytes go straight to their place.
  let bytes: Bytes = new Uint8Array(length ?? FIRST_ROOM);
  let at = 0;
  await new Promise<void>((resolve, reject) => {
    response.on("data", (part: Uint8Array) => {
      if (at + part.length > bytes.length) {
        if (length !== undefined || at + part.length > BLOCK_SIZE_MAX) {
          return reject(new S3OversizedAnswer(`The answer has more than ${at} bytes`));
        }
        const larger = new Uint8Array(Math.max(2 * bytes.length, at + part.length));
        larger.set(bytes.subarray(0, at));
        bytes = larger;
      }
      bytes.set(part, at);
      at += part.length;
    });
    response.on("end", () => resolve());
    response.on("error", () => reject(truncated()));
    response.on("close", () => reject(truncated()));
  });
  if (length !== undefined && at < length) throw truncated();
  return at === bytes.length ? bytes : bytes.slice(0, at);

  function truncated(): S3TruncatedAnswer {
    return new S3TruncatedAnswer(`The answer ended after ${at} of ${length ?? "its"} bytes`);
  }
}

function endsInError(bytes: Uint8Array): boolean {
  return new TextDecoder().decode(bytes.subarray(-20)).trimEnd().endsWith("</Error>");
}

/** Room for an answer whose length is not said, in bytes, at first. */
const FIRST_ROOM = 64 * 1024;

function contentLength(response: http.IncomingMessage): number | undefined {
  const text = response.headers["content-length"];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

function flatHeaders(headers: http.IncomingHttpHeaders): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return flat;
}

function queryText(query: S3Request["query"]): string {
  const parts = Object.entries(query).flatMap(([name, value]) =>
    value === null
      ? [encode(name)]
      : [value].flat().map((item) => `${encode(name)}=${encode(item)}`)
  );
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

/** Encodes as the signature does. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** What `node:http` wants. The bytes are not copied. */
function bodyBuffer(body: unknown): Buffer | string | undefined {
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return typeof body === "string" ? body : undefined;
}

/** What is the name of a region, and nothing else. */
function nameIn(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" && /^[A-Za-z0-9-]{1,64}$/.test(header) ? header : undefined;
}
