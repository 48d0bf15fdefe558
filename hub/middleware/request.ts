/**
 * What happens around every request: its id, its line in the log, its place in the metrics, and the
 * headers that every answer has.
 *
 * @module
 */

import type { MiddlewareHandler } from "hono";
import type { Hub, HubContext, HubEnvironment } from "../context.ts";

/** Ids that a proxy may have given. */
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

const LATENCY = "myfs_hub_request_duration_seconds";

/** Names, times, counts and logs each request. */
export function requestMiddleware(hub: Hub): MiddlewareHandler<HubEnvironment> {
  const { log, metrics, config } = hub;
  return async (context, next) => {
    const start = performance.now();
    const given = context.req.header("x-request-id");
    const requestId = given !== undefined && REQUEST_ID.test(given) ? given : crypto.randomUUID();
    context.set("requestId", requestId);
    context.set("address", addressOf(context, config.trusted_proxies));
    await next();
    addHeaders(context, hub);
    const seconds = (performance.now() - start) / 1000;
    const { status } = context.res;
    const endpoint = context.get("endpoint") ?? "none";
    const { method } = context.req;
    const labels = { method: knownMethod(method), endpoint, status };
    metrics.count("myfs_hub_requests_total", "Requests answered", labels);
    metrics.observe(LATENCY, "Time to the start of an answer", { endpoint }, seconds);
    if (config.log_requests) {
      log.info("request", {
        request_id: requestId,
        method,
        // Without the query, which may hold what a client should have kept to itself.
        path: context.req.path,
        status,
        ms: Math.round(seconds * 1e4) / 10,
        address: context.get("address"),
        user: context.get("caller")?.user,
      });
    }
  };
}

function addHeaders(context: HubContext, hub: Hub): void {
  const { headers } = context.res;
  const set = (name: string, value: string): void => {
    if (!headers.has(name)) context.header(name, value);
  };
  context.header("x-request-id", context.get("requestId"));
  set("x-content-type-options", "nosniff");
  set("referrer-policy", "no-referrer");
  set("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox");
  set("cache-control", "no-store");
  context.header("vary", "Authorization", { append: true });
  if (hub.state.isDraining) context.header("connection", "close");
}

/** `unix` for who came through the Unix socket: a proxy can be trusted there by that name. */
function addressOf(context: HubContext, trusted: readonly string[]): string {
  // A socket for IPv6 shows clients of IPv4 in its own way.
  const peer = context.env?.remoteAddress?.replace(/^::ffff:(?=\d+\.)/i, "") ?? "unix";
  if (!trusted.includes(peer)) return peer;
  // The last one is what the proxy saw; those before are what the client claims.
  const forwarded = context.req.header("x-forwarded-for")?.split(",").at(-1)?.trim();
  return forwarded !== undefined && /^[0-9a-fA-F.:]{2,45}$/.test(forwarded) ? forwarded : peer;
}

function knownMethod(method: string): string {
  return /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$/.test(method) ? method : "other";
}
