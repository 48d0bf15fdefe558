/**
 * A hub that answers as the rfs server does, for what concerns blocks and files: in memory.
 *
 * @module
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { toHex } from "../../lib/base/bytes.ts";
import { blake2b256 } from "../../lib/block/digest.ts";

/** The one token that the hub takes. */
export const HUB_TOKEN = "eyJhbGciOiJIUzI1NiJ9.e30.c2VjcmV0";

/** Its limit on the bodies of requests, in bytes. */
const BODY_SIZE_MAX = 2 * 1024 * 1024;

/** A hub under way; it ends at the end of the scope. */
export class RfsHub implements AsyncDisposable {
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy());
  });
  /** The blocks by id. */
  readonly blocks = new Map<string, Uint8Array>();
  /** The blocks of files, by the files' hashes and in order. */
  readonly files = new Map<string, string[]>();
  /** How often blocks were downloaded. */
  readonly downloads = new Map<string, number>();
  /** Whether whole files can be had. */
  servesFiles = true;
  /** Method and target of all requests. */
  readonly requests: string[] = [];

  /** Starts a hub on a free port of 127.0.0.1. */
  static async start(): Promise<RfsHub> {
    const hub = new RfsHub();
    hub.#server.listen(0, "127.0.0.1");
    await once(hub.#server, "listening");
    return hub;
  }

  /** Such as `127.0.0.1:1234`. */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests.push(`${request.method} ${request.url}`);
    const url = new URL(request.url!, "http://hub");
    const body = await bodyOf(request);
    const text = (status: number, content: string): void => {
      response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(content);
    };
    const json = (status: number, content: unknown): void => {
      response.writeHead(status, { "Content-Type": "application/json" })
        .end(JSON.stringify(content));
    };
    if (body.length > BODY_SIZE_MAX) return text(413, "length limit exceeded");
    const file = this.files.get(
      /^\/api\/v1\/(?:file|blocks)\/([^/]+)$/.exec(url.pathname)?.[1] ?? "",
    );
    const [, hash] = /^\/api\/v1\/block\/([^/]+)$/.exec(url.pathname) ?? [];
    if (request.method === "GET" && url.pathname === "/api/v1") {
      return json(200, { msg: "flist server is working" });
    }
    if (request.method === "POST" && url.pathname === "/api/v1/block") {
      const [, token] = request.headers.authorization?.split(/\s+/) ?? [];
      if (token === undefined) return text(403, "No JWT token is added to the header");
      if (token !== HUB_TOKEN) return text(403, "Unable to decode JWT token");
      if (!url.searchParams.has("file_hash") || !url.searchParams.has("idx")) {
        return text(400, "Failed to deserialize query string: missing field `file_hash`");
      }
      const id = toHex(blake2b256(body));
      const isNew = !this.blocks.has(id);
      if (isNew) this.blocks.set(id, body);
      const fileHash = url.searchParams.get("file_hash")!;
      if (fileHash !== "") {
        if (!this.files.has(fileHash)) this.files.set(fileHash, []);
        this.files.get(fileHash)![Number(url.searchParams.get("idx"))] = id;
      }
      return json(isNew ? 201 : 200, { hash: id, message: "Block processed successfully" });
    }
    if (request.method === "POST" && url.pathname === "/api/v1/block/verify") {
      const { blocks } = JSON.parse(new TextDecoder().decode(body)) as {
        blocks: { block_hash: string; file_hash: string; block_index: number }[];
      };
      const missing = blocks.filter(({ block_hash, file_hash, block_index }) =>
        !this.blocks.has(block_hash) ||
        file_hash !== "" && this.files.get(file_hash)?.[block_index] !== block_hash
      );
      return json(200, { missing: missing.map(({ block_hash }) => block_hash) });
    }
    if (request.method === "GET" && url.pathname === "/api/v1/user/blocks") {
      if (request.headers.authorization !== `Bearer ${HUB_TOKEN}`) return text(401, "");
      const [page, size] = ["page", "per_page"].map((name) => Number(url.searchParams.get(name)));
      const all = [...this.blocks].map(([id, { length }]) => [id, length]);
      return json(200, {
        blocks: all.slice((page! - 1) * size!, page! * size!),
        total: all.length,
        all_blocks: all.length + 1,
      });
    }
    const [, counted] = /^\/api\/v1\/block\/([^/]+)\/downloads$/.exec(url.pathname) ?? [];
    if (counted !== undefined) {
      const block = this.blocks.get(counted);
      if (block === undefined) return text(404, `Block with hash '${counted}' not found`);
      const downloads_count = this.downloads.get(counted) ?? 0;
      return json(200, { block_hash: counted, downloads_count, block_size: block.length });
    }
    if (url.pathname.startsWith("/api/v1/blocks/") && request.method === "GET") {
      const single = url.pathname.split("/").at(-1)!;
      const ids = file ?? (this.blocks.has(single) ? [single] : undefined);
      if (ids === undefined) return text(404, "");
      return json(200, { blocks: ids.map((id, index) => [id, index]) });
    }
    if (url.pathname.startsWith("/api/v1/file/") && file !== undefined && this.servesFiles) {
      response.writeHead(200, { "Content-Type": "application/octet-stream" });
      for (const id of file) response.write(this.blocks.get(id)!);
      response.end();
      return;
    }
    if (hash !== undefined && (request.method === "GET" || request.method === "HEAD")) {
      const block = this.blocks.get(hash);
      if (block === undefined) return text(404, `Block with hash '${hash}' not found`);
      if (request.method === "GET") this.downloads.set(hash, (this.downloads.get(hash) ?? 0) + 1);
      response.writeHead(200, { "Content-Type": "application/octet-stream" }).end(block);
      return;
    }
    text(404, "");
  }
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const parts: BlobPart[] = [];
  for await (const part of request) parts.push(part);
  return await new Blob(parts).bytes();
}
