/**
 * What happens around every request: its id, its line in the log, its place in the metrics, and the
 * headers that every answer has.
 *
 * @module
 */

import type { MiddlewareHandler } from "hono";
import type { Hub, HubContext, HubEnvironment } from "../context.ts";
import type { Counter, Histogram } from "../metrics.ts";

/** Ids that a proxy may have given. */
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** Headers of every answer that does not have others of that name. */
export const ANSWER_HEADERS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
} as const;

/** A request that was answered. */
export interface AnsweredRequest {
  readonly requestId: string;
  readonly method: string;
  /** Without the query, which may hold what a client should have kept to itself. */
  readonly path: string;
  /** Path of the endpoint, as the OpenAPI document has it. */
  readonly endpoint: string | undefined;
  readonly status: number;
  /** When it came, as `performance.now()` has it. */
  readonly start: number;
  readonly address: string;
  readonly user: string | undefined;
}

/** Names, times, counts and logs each request. */
export function requestMiddleware(hub: Hub): MiddlewareHandler<HubEnvironment> {
  const note = requestNotes(hub);
  return async (context, next) => {
    const start = performance.now();
    const requestId = requestIdOf(context.req.header("x-request-id"));
    context.set("requestId", requestId);
    const forwarded = context.req.header("x-forwarded-for");
    const address = addressOf(context.env?.remoteAddress, forwarded, hub.config.trusted_proxies);
    context.set("address", address);
    await next();
    addHeaders(context, hub);
    note({
      requestId,
      method: context.req.method,
      path: context.req.path,
      endpoint: context.get("endpoint"),
      status: context.res.status,
      start,
      address,
      user: context.get("caller")?.user,
    });
  };
}

/** Makes what counts, times and logs requests. */
export function requestNotes({ log, metrics, config }: Hub): (request: AnsweredRequest) => void {
  const series = new Map<string, { readonly count: Counter; readonly seconds: Histogram }>();
  const seriesOf = (method: string, endpoint: string, status: number): {
    readonly count: Counter;
    readonly seconds: Histogram;
  } =>
    series.getOrInsertComputed(`${method} ${endpoint} ${status}`, () => ({
      count: metrics.counter("myfs_hub_requests_total", "Requests answered", {
        method,
        endpoint,
        status,
      }),
      seconds: metrics.histogram(
        "myfs_hub_request_duration_seconds",
        "Time to the start of an answer",
        { endpoint },
      ),
    }));
  return (request) => {
    const { requestId, method, path, endpoint = "none", status, start, address, user } = request;
    const seconds = (performance.now() - start) / 1000;
    const own = seriesOf(knownMethod(method), endpoint, status);
    own.count.value++;
    own.seconds.observe(seconds);
    if (!config.log_requests) return;
    const ms = Math.round(seconds * 1e4) / 10;
    log.info("request", { request_id: requestId, method, path, status, ms, address, user });
  };
}

/** The id that a request came with, or a new one. */
export function requestIdOf(given: string | undefined): string {
  return given !== undefined && REQUEST_ID.test(given) ? given : crypto.randomUUID();
}

/**
 * Where a request came from: `unix` for who came through the Unix socket, where a proxy can be
 * trusted by that name.
 *
 * @param forwarded What the header `X-Forwarded-For` says.
 */
export function addressOf(
  remoteAddress: string | undefined,
  forwarded: string | undefined,
  trusted: readonly string[],
): string {
  // A socket for IPv6 shows clients of IPv4 in its own way.
  const peer = remoteAddress?.replace(/^::ffff:(?=\d+\.)/i, "") ?? "unix";
  if (forwarded === undefined || !trusted.includes(peer)) return peer;
  // The last one is what the proxy saw; those before are what the client claims.
  const last = forwarded.split(",").at(-1)!.trim();
  return /^[0-9a-fA-F.:]{2,45}$/.test(last) ? last : peer;
}

function addHeaders(context: HubContext, hub: Hub): void {
  const { headers } = context.res;
  const set = (name: string, value: string): void => {
    if (!headers.has(name)) context.header(name, value);
  };
  context.header("x-request-id", context.get("requestId"));
  for (const [name, value] of Object.entries(ANSWER_HEADERS)) set(name, value);
  set("cache-control", "no-store");
  context.header("vary", "Authorization", { append: true });
  if (hub.state.isDraining) context.header("connection", "close");
}

function knownMethod(method: string): string {
  return /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$/.test(method) ? method : "other";
}
