/**
 * Who sends a request: the Bearer token, and what it permits.
 *
 * @module
 */

import type { MiddlewareHandler } from "hono";
import { HubProblem } from "../../lib/hub_api/problem.ts";
import { HUB_ENDPOINTS } from "../../lib/hub_api/endpoints.ts";
import type { Scope } from "../../lib/hub_api/messages/mod.ts";
import { type Caller, permits } from "../accounts/caller.ts";
import { type Hub, type HubContext, type HubEnvironment, originOf } from "../context.ts";
import { type Allowance, TokenBuckets } from "./token_bucket.ts";

const TOKEN_LENGTH_MAX = 8192;

/** Paths that anybody may ask: a token that has ended is no reason against signing out or in. */
const PUBLIC_PATHS: ReadonlySet<string> = new Set(
  Object.values(HUB_ENDPOINTS).filter(({ scope }) => scope === "none").map(({ path }) => path),
);

/** Finds out who calls, and limits how often they do. */
export function callerMiddleware(
  hub: Hub,
  requests: TokenBuckets,
): MiddlewareHandler<HubEnvironment> {
  const failures = accountBuckets(hub);
  return async (context, next) => {
    const address = context.get("address");
    try {
      const header = context.req.header("authorization");
      if (header !== undefined) {
        context.set("caller", await hub.accounts.authenticate(bearerToken(header)));
      }
    } catch (error) {
      if (!(error instanceof HubProblem)) throw error;
      if (!PUBLIC_PATHS.has(context.req.path)) {
        expectAllowed(context, failures, failures.takeFor(undefined, address));
        await noteRefusal(hub, context, error);
        throw error;
      }
    }
    if (context.env?.begun === undefined) {
      const allowance = requests.takeFor(context.get("caller")?.user, address);
      expectAllowed(context, requests, allowance);
    }
    await next();
  };
}

/** Buckets for all requests. */
export function requestBuckets({ config, now }: Hub): TokenBuckets {
  return new TokenBuckets(config.rate_limit_per_second, config.rate_limit_burst, now);
}

/** Buckets for what guessers do: signing in, refreshing, tokens that are not good. */
export function accountBuckets({ config, now }: Hub): TokenBuckets {
  const { account_rate_limit_per_second: rate, account_rate_limit_burst: burst } = config;
  return new TokenBuckets(rate, burst, now);
}

/** Counts a request. @throws {HubProblem} when there are too many. */
export function takeOne(context: HubContext, buckets: TokenBuckets, key: string): void {
  expectAllowed(context, buckets, buckets.take(key));
}

function expectAllowed(
  context: HubContext,
  buckets: TokenBuckets,
  { isAllowed, remaining, retryAfterSeconds }: Allowance,
): void {
  if (isAllowed) return;
  context.header("ratelimit-limit", String(buckets.burst));
  context.header("ratelimit-remaining", String(remaining));
  context.header("ratelimit-reset", String(retryAfterSeconds));
  throw new HubProblem(429, "too_many_requests", "Too many requests", undefined, {
    retryAfterSeconds,
  });
}

/** Lets a request on whose caller may do what takes `scope`; any caller for `signed-in`. */
export function requireScope(scope: Scope | "signed-in"): MiddlewareHandler<HubEnvironment> {
  return async (context, next) => {
    callerWith(context, scope);
    await next();
  };
}

/** The caller, who may do what takes `scope`. @throws {HubProblem} otherwise. */
export function callerWith(context: HubContext, scope: Scope | "signed-in"): Caller {
  const caller = context.get("caller");
  if (caller === undefined) throw new HubProblem(401, "token_missing", "A token is missing");
  if (scope === "signed-in" || permits(caller, scope)) return caller;
  throw new HubProblem(403, "scope_missing", `This takes the scope ${scope}`);
}

async function noteRefusal(hub: Hub, context: HubContext, { code }: HubProblem): Promise<void> {
  try {
    const refusal = { action: "authenticate", outcome: "refused", detail: code } as const;
    await hub.audit.record({ ...originOf(context), ...refusal });
  } catch (error) {
    // The answer is the same; the log has the refusal already.
    hub.log.warn("a refusal could not be noted", { error });
  }
}

/** The token of a header `Authorization`. @throws {HubProblem} for any scheme but Bearer. */
export function bearerToken(header: string): string {
  const token = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header.trim())?.[1];
  if (token !== undefined && token.length <= TOKEN_LENGTH_MAX) return token;
  throw new HubProblem(401, "token_invalid", "The token is not good", "It takes a Bearer token");
}
