/**
 * The way of most requests: `GET` of a block, answered on the server's own request and response. What
 * surrounds a request in the application takes several times as long as to send a small block.
 *
 * It answers only where the answer is the whole block. All other requests for blocks, and whatever
 * goes wrong, are the application's: the route `getBlock` says what is right, and a test holds both
 * to the same answers.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { type BlockId, type Bytes, parseBlockId, releaseBytes } from "myfs";
import { HUB_ENDPOINTS } from "../lib/hub_api/endpoints.ts";
import { permits } from "./accounts/caller.ts";
import type { Begun, Hub } from "./context.ts";
import { blockCacheControl } from "./endpoints/blocks.ts";
import { BYTES_MEDIA_TYPE, etagOf } from "./endpoints/byte_answer.ts";
import { bearerToken } from "./middleware/authentication.ts";
import { CORS_HEADERS } from "./middleware/cors.ts";
import { addressOf, ANSWER_HEADERS, requestIdOf, requestNotes } from "./middleware/request.ts";
import type { TokenBuckets } from "./middleware/token_bucket.ts";

/** Takes the requests of a server. */
export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void;

const BLOCK_PATH = /^\/api\/v1\/block\/([0-9a-f]{64})$/;

/** Hosts for which the application cannot refuse the request. */
const PLAIN_HOST = /^[\w.-]+(:\d+)?$|^\[[0-9a-f:.]+\](:\d+)?$/i;

/** What counts of a request that can be answered here. */
interface PlainGet {
  readonly id: BlockId;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly requestId: string | undefined;
  readonly forwarded: string | undefined;
}

/**
 * Makes a listener that answers what it can, and leaves the rest to `others`.
 *
 * @param rates What callers have left: the same as the application's.
 */
export function blockListener(
  hub: Hub,
  rates: TokenBuckets,
  others: (request: IncomingMessage, response: ServerResponse, begun?: Begun) => void,
): RequestListener {
  const { accounts, config, content, state } = hub;
  const note = requestNotes(hub);
  const headers = [
    ...["accept-ranges", "bytes", "cache-control", blockCacheControl(content)],
    ...["content-type", BYTES_MEDIA_TYPE, "vary", "Authorization"],
    ...Object.entries({ ...ANSWER_HEADERS, ...CORS_HEADERS }).flat(),
  ];

  /** @returns undefined where it is answered. */
  const answer = async (
    { id, path, ...given }: PlainGet,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<{ readonly begun?: Begun } | undefined> => {
    const start = performance.now();
    const { remoteAddress } = request.socket;
    const address = addressOf(remoteAddress, given.forwarded, config.trusted_proxies);
    const caller = await callerOf(given.authorization);
    if (caller === "refused") return {};
    const user = caller?.user;
    if (!rates.takeFor(user, address).isAllowed) return {};
    let block: Bytes;
    try {
      block = await content.blocks.get(id, user);
    } catch (failure) {
      return { begun: { failure } };
    }
    const requestId = requestIdOf(given.requestId);
    response.writeHead(200, [
      ...["etag", etagOf(id), "content-length", String(block.length), "x-request-id", requestId],
      ...headers,
    ]);
    // Large ones come by the thousand a second, and would wait long for the garbage collector.
    if (!content.blocks.isShared(block)) response.once("close", () => releaseBytes(block));
    response.end(block);
    const { path: endpoint } = HUB_ENDPOINTS.getBlock;
    note({ requestId, method: "GET", path, endpoint, status: 200, start, address, user });
    return undefined;
  };

  const callerOf = async (
    authorization: string | undefined,
  ): Promise<Awaited<ReturnType<typeof accounts.authenticate>> | undefined | "refused"> => {
    if (authorization === undefined) return undefined;
    try {
      const caller = await accounts.authenticate(bearerToken(authorization));
      return permits(caller, "read") ? caller : "refused";
    } catch {
      // The application finds out why, and says so.
      return "refused";
    }
  };

  return async (request, response) => {
    const get = state.isDraining ? undefined : plainGet(request);
    if (get === undefined) return others(request, response);
    const left = await answer(get, request, response);
    if (left !== undefined) others(request, response, left.begun);
  };
}

/** Undefined for anything but a request for one whole block without conditions. */
function plainGet({ method, url, rawHeaders }: IncomingMessage): PlainGet | undefined {
  if (method !== "GET" || url === undefined) return undefined;
  const hash = BLOCK_PATH.exec(url)?.[1];
  if (hash === undefined) return undefined;
  let host: string | undefined;
  let authorization: string | undefined;
  let requestId: string | undefined;
  let forwarded: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const value = rawHeaders[at + 1]!;
    switch (rawHeaders[at]!.toLowerCase()) {
      case "host":
        host = value;
        break;
      case "authorization":
        // Of two, the application decides; so below.
        if (authorization !== undefined) return undefined;
        authorization = value;
        break;
      case "x-request-id":
        if (requestId !== undefined) return undefined;
        requestId = value;
        break;
      case "x-forwarded-for":
        if (forwarded !== undefined) return undefined;
        forwarded = value;
        break;
      case "content-length":
      case "expect":
      case "if-none-match":
      case "if-range":
      case "range":
      case "transfer-encoding":
      case "upgrade":
        return undefined;
    }
  }
  if (host === undefined || !PLAIN_HOST.test(host)) return undefined;
  return { id: parseBlockId(hash), path: url, authorization, requestId, forwarded };
}
