/**
 * An S3 service in memory that can be told to misbehave, and remembers what it was asked. It checks
 * no signature: the real services do that.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";

/** Answers a request in place of the service; undefined leaves it to the service. */
export type Misbehaviour = (
  request: http.IncomingMessage,
  response: http.ServerResponse,
) => void | "usual";

/** The body of S3's answer to a request it refuses. */
export function errorXml(code: string, inside = ""): string {
  return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code>` +
    `<Message>Told by the test</Message>${inside}</Error>`;
}

/** One bucket, `blocks`. */
export class MemoryS3 implements AsyncDisposable {
  /** Objects by key. */
  readonly objects = new Map<string, Uint8Array>();
  /** What was asked, such as `GET prefix/0a…`; a listing is `LIST prefix/`. */
  readonly requests: string[] = [];
  /** Headers of the last request. */
  headers: http.IncomingHttpHeaders = {};
  /** What is done instead of the usual. */
  misbehave: Misbehaviour = () => "usual";
  /** Names in a page of a listing. */
  pageLength = 1000;
  /** Whether `If-None-Match` is understood: refused with 501, or passed over. */
  conditions: "kept" | "refused" | "ignored" = "kept";
  readonly #server: http.Server;
  readonly #tls: boolean;

  private constructor(tls?: { key: string; cert: string }) {
    this.#tls = tls !== undefined;
    const listener = (request: http.IncomingMessage, response: http.ServerResponse): void => {
      this.#answer(request, response).catch(() => response.destroy());
    };
    this.#server = tls === undefined
      ? http.createServer(listener)
      : https.createServer(tls, listener);
  }

  /** A service that listens on loopback, over TLS where it has a certificate. */
  static async start(tls?: { key: string; cert: string }): Promise<MemoryS3> {
    const service = new MemoryS3(tls);
    await new Promise<void>((resolve) => service.#server.listen(0, "127.0.0.1", resolve));
    return service;
  }

  /** Port of the service. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** URL of a store in the bucket; `rest` is a prefix and parameters. */
  url(rest = "", user = "key:secret@"): string {
    return `${this.#tls ? "s3s" : "s3"}://${user}127.0.0.1:${this.port}/blocks${rest}`;
  }

  /** The requests since the last call, in order. */
  takeRequests(): string[] {
    return this.requests.splice(0);
  }

  /** Closes all connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = new URL(request.url!, "http://s3");
    const key = decodeURIComponent(url.pathname.replace(/^\/[^/]*\/?/, ""));
    const isList = request.method === "GET" && key === "";
    const prefix = url.searchParams.get("prefix") ?? "";
    this.requests.push(isList ? `LIST ${prefix}` : `${request.method} ${key}`);
    this.headers = request.headers;
    if (this.misbehave(request, response) !== "usual") return;
    const body = Buffer.concat(await request.toArray());
    if (!url.pathname.startsWith("/blocks")) {
      return this.#refuse(request, response, 404, "NoSuchBucket");
    }
    if (isList) return this.#list(url.searchParams, response);
    const found = this.objects.get(key);
    switch (request.method) {
      case "PUT": {
        const conditional = request.headers["if-none-match"] === "*";
        if (conditional && this.conditions === "refused") {
          return this.#refuse(request, response, 501, "NotImplemented");
        }
        if (conditional && this.conditions === "kept" && found !== undefined) {
          return this.#refuse(request, response, 412, "PreconditionFailed");
        }
        this.objects.set(key, body);
        response.end();
        return;
      }
      case "DELETE":
        this.objects.delete(key);
        response.writeHead(204).end();
        return;
      default:
        if (found === undefined) return this.#refuse(request, response, 404, "NoSuchKey");
        response.writeHead(200, { "Content-Length": found.length });
        response.end(request.method === "HEAD" ? undefined : found);
    }
  }

  #refuse(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    status: number,
    code: string,
  ): void {
    response.writeHead(status, { "Content-Type": "application/xml" });
    response.end(request.method === "HEAD" ? undefined : errorXml(code));
  }

  #list(parameters: URLSearchParams, response: http.ServerResponse): void {
    const prefix = parameters.get("prefix") ?? "";
    const after = parameters.get("continuation-token") ?? "";
    const length = Math.min(this.pageLength, Number(parameters.get("max-keys") ?? 1000));
    const keys = [...this.objects.keys()].sort().filter((key) =>
      key.startsWith(prefix) && !key.slice(prefix.length).includes("/") && key > after
    );
    const page = keys.slice(0, length);
    const more = keys.length > length;
    const contents = page.map((key) =>
      `<Contents><Key>${key}</Key><Size>${this.objects.get(key)!.length}</Size></Contents>`
    );
    response.end(
      `<?xml version="1.0"?><ListBucketResult><IsTruncated>${more}</IsTruncated>` +
        (more ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : "") +
        `${contents.join("")}</ListBucketResult>`,
    );
  }
}
