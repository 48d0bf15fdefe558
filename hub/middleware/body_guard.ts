/**
 * Bounds bodies while they come in: in bytes, in silence, and in how slow they may be.
 *
 * @module
 */

import type { MiddlewareHandler } from "hono";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import type { Hub, HubEnvironment } from "../context.ts";
import { PUBLIC_PATHS } from "./authentication.ts";

/**
 * The largest body in JSON of those who need no token, such as who signs in: it is in memory before
 * anything is known of them.
 */
const PUBLIC_JSON_BYTES_MAX = 64 * 1024;

/** What a body may be. */
export interface BodyBounds {
  readonly bytesMax: number;
  /** The longest wait for the next bytes, in milliseconds. */
  readonly idleMs: number;
  /** The slowest that is allowed on average once `idleMs` have been waited for in all. */
  readonly bytesPerSecondMin: number;
}

/** Puts a guard around the body of each request. */
export function bodyGuardMiddleware({ config }: Hub): MiddlewareHandler<HubEnvironment> {
  return async (context, next) => {
    const { raw } = context.req;
    if (raw.method === "GET" || raw.method === "HEAD" || raw.body === null) return await next();
    const isJson = /json/i.test(context.req.header("content-type") ?? "");
    const bytesMax = !isJson
      ? config.body_bytes_max
      : PUBLIC_PATHS.has(context.req.path)
      ? Math.min(config.json_bytes_max, PUBLIC_JSON_BYTES_MAX)
      : config.json_bytes_max;
    if (Number(context.req.header("content-length") ?? 0) > bytesMax) throw tooLarge(bytesMax);
    const body = guardBody(raw.body, {
      bytesMax,
      idleMs: config.body_idle_seconds * 1000,
      bytesPerSecondMin: config.body_bytes_per_second_min,
    }, (problem) => context.set("bodyProblem", problem));
    context.req.raw = new Request(raw.url, {
      method: raw.method,
      headers: raw.headers,
      signal: raw.signal,
      body,
      duplex: "half",
    } as RequestInit);
    await next();
  };
}

/** The same bytes, as long as they keep to the bounds; then an error, which `onProblem` hears too. */
export function guardBody(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  bounds: BodyBounds,
  onProblem: (problem: HubProblem) => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  let bytes = 0;
  let waitedMs = 0;
  return new ReadableStream({
    async pull(controller): Promise<void> {
      const fail = async (problem: HubProblem): Promise<void> => {
        onProblem(problem);
        controller.error(problem);
        await reader.cancel(problem).catch(() => {});
      };
      const start = performance.now();
      let answer: ReadableStreamReadResult<Uint8Array<ArrayBuffer>> | undefined;
      try {
        answer = await readWithin(reader, bounds.idleMs);
      } catch {
        // Nobody is there to hear of it, but it is no fault of the hub's.
        return await fail(new HubProblem(400, "bad_request", "The body broke off"));
      }
      if (answer === undefined) return await fail(tooSlow());
      waitedMs += performance.now() - start;
      if (answer.done) return controller.close();
      bytes += answer.value.byteLength;
      if (bytes > bounds.bytesMax) return await fail(tooLarge(bounds.bytesMax));
      const expected = bounds.bytesPerSecondMin * (waitedMs - bounds.idleMs) / 1000;
      if (bytes < expected) return await fail(tooSlow());
      controller.enqueue(answer.value);
    },
    async cancel(reason): Promise<void> {
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

async function readWithin<Value>(
  reader: ReadableStreamDefaultReader<Value>,
  timeoutMs: number,
): Promise<ReadableStreamReadResult<Value> | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), timeoutMs);
  try {
    return await Promise.race([reader.read(), promise]);
  } finally {
    clearTimeout(timer);
  }
}

function tooLarge(bytesMax: number): HubProblem {
  return new HubProblem(413, "too_large", "The body is too large", `At most ${bytesMax} bytes`);
}

function tooSlow(): HubProblem {
  return new HubProblem(408, "request_timeout", "The body came too slowly");
}
