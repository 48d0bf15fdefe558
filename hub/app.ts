/**
 * The hub as an application: what happens around every request, and the endpoints.
 *
 * @module
 */

import { OpenAPIHono } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { HUB_ENDPOINTS } from "../lib/hub_api/endpoints.ts";
import { HubProblem } from "../lib/hub_api/problem.ts";
import type { Hub, HubApp, HubContext, HubEnvironment } from "./context.ts";
import { registerAccountEndpoints } from "./endpoints/accounts.ts";
import { registerContentEndpoints } from "./endpoints/content.ts";
import { registerServiceEndpoints } from "./endpoints/service.ts";
import { callerMiddleware, requestBuckets } from "./middleware/authentication.ts";
import { bodyGuardMiddleware } from "./middleware/body_guard.ts";
import { corsMiddleware } from "./middleware/cors.ts";
import { requestMiddleware } from "./middleware/request.ts";
import type { TokenBuckets } from "./middleware/token_bucket.ts";
import { problemResponse, toProblem } from "./problem_response.ts";

/** Makes the application. @param rates What callers have left, where others count as well. */
export function createHubApp(hub: Hub, rates: TokenBuckets = requestBuckets(hub)): HubApp {
  const app: HubApp = new OpenAPIHono<HubEnvironment>();
  app.onError((error, context) => answerError(hub, context, error));
  app.use(
    requestMiddleware(hub),
    corsMiddleware(),
    bodyGuardMiddleware(hub),
    callerMiddleware(hub, rates),
    literalPathMiddleware(),
  );
  registerServiceEndpoints(app, hub);
  registerAccountEndpoints(app, hub);
  registerContentEndpoints(app, hub.content, hub);
  app.notFound((context) => answerUnknown(app, context));
  return app;
}

function answerError(hub: Hub, context: HubContext, error: Error): Response {
  // What reads a body may wrap, or take for its own, what was wrong about it.
  const problem = toProblem(context.get("bodyProblem") ?? error);
  // A quota that is used up is the user's affair.
  if (problem.status >= 500 && problem.code !== "quota_exceeded") {
    hub.log.error("request failed", {
      request_id: context.get("requestId"),
      code: problem.code,
      error: problem.cause ?? problem,
      stack: error.stack,
    });
  }
  return problemResponse(context, problem);
}

/** Paths without parameters, with their methods. */
const LITERAL_PATHS = new Map<string, Set<string>>();
for (const { method, path } of Object.values(HUB_ENDPOINTS)) {
  if (path.includes("{")) continue;
  const methods = LITERAL_PATHS.get(path) ?? new Set();
  LITERAL_PATHS.set(path, methods.add(method.toUpperCase()));
  if (method === "get") methods.add("HEAD");
}

/** Keeps `GET /blocks/missing` from being taken for the block of that name. */
function literalPathMiddleware(): MiddlewareHandler<HubEnvironment> {
  return async (context, next) => {
    const methods = LITERAL_PATHS.get(context.req.path);
    if (methods !== undefined && !methods.has(context.req.method)) {
      return methodNotAllowed(context, methods);
    }
    await next();
  };
}

/** 405 with the methods that there are, where the path is known; else 404. */
function answerUnknown(app: HubApp, context: HubContext): Response {
  const { path } = context.req;
  const methods = new Set<string>();
  const add = (method: string, template: string): void => {
    const pattern = template.replace(/\{\w+\}|:\w+/g, "[^/]+").replaceAll(".", "\\.");
    if (new RegExp(`^${pattern}$`).test(path)) methods.add(method.toUpperCase());
  };
  for (const { method, path: template } of Object.values(HUB_ENDPOINTS)) {
    const registered = template.replace(/\{(\w+)\}/g, ":$1");
    const isServed = app.routes.some((route) =>
      route.path === registered && route.method === method.toUpperCase()
    );
    if (isServed) add(method, template);
  }
  for (const { method, path: template } of app.routes) {
    if (method !== "ALL" && !template.includes("*")) add(method, template);
  }
  if (methods.has("GET")) methods.add("HEAD");
  if (methods.size === 0) {
    return problemResponse(context, new HubProblem(404, "not_found", "There is nothing here"));
  }
  return methodNotAllowed(context, methods);
}

function methodNotAllowed(context: HubContext, methods: ReadonlySet<string>): Response {
  context.header("allow", [...methods].sort().join(", "));
  return problemResponse(
    context,
    new HubProblem(405, "method_not_allowed", "That method is not served here"),
  );
}
