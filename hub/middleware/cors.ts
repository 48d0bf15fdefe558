/**
 * Pages of any origin may use the API, as with rfs. That is safe because the hub knows its callers by
 * a header that a page has to set, never by a cookie: answers never allow credentials.
 *
 * @module
 */

import type { MiddlewareHandler } from "hono";
import type { HubEnvironment } from "../context.ts";

const EXPOSED = "etag, content-range, accept-ranges, retry-after, x-request-id, location";
const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";
const HEADERS =
  "authorization, content-type, range, if-match, if-none-match, if-range, x-request-id";

/** What every answer has. */
export const CORS_HEADERS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": EXPOSED,
} as const;

/** Answers preflights, and lets pages read answers. */
export function corsMiddleware(): MiddlewareHandler<HubEnvironment> {
  return async (context, next) => {
    const isPreflight = context.req.method === "OPTIONS" &&
      context.req.header("access-control-request-method") !== undefined;
    if (isPreflight) {
      context.set("endpoint", "preflight");
      return context.body(null, 204, {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": HEADERS,
        "access-control-max-age": "86400",
      });
    }
    await next();
    for (const [name, value] of Object.entries(CORS_HEADERS)) context.header(name, value);
  };
}
