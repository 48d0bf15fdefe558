/**
 * Makes a route of a row of the table of requests: who may send it, what it takes, and what the
 * OpenAPI document says of it all come from the same schemas.
 *
 * @module
 */

import type * as z from "zod";
import { HUB_ENDPOINTS, type HubEndpoint, type HubEndpointName } from "../lib/hub_api/endpoints.ts";
import { Problem } from "../lib/hub_api/messages/mod.ts";
import { HubProblem, PROBLEM_MEDIA_TYPE } from "../lib/hub_api/problem.ts";
import type { HubApp, HubContext } from "./context.ts";
import { callerWith } from "./middleware/authentication.ts";

type Table = typeof HUB_ENDPOINTS;
type Parsed<Name extends HubEndpointName, Part extends string> = Table[Name] extends
  Readonly<Record<Part, infer Schema extends z.ZodType>> ? z.output<Schema> : undefined;

/** What a request says, checked. */
export interface EndpointInput<Name extends HubEndpointName> {
  readonly params: Parsed<Name, "params">;
  readonly query: Parsed<Name, "query">;
  /** Of a body in JSON; other bodies are read from the request. */
  readonly body: Parsed<Name, "body">;
}

/** Answers a request. */
export type EndpointHandler<Name extends HubEndpointName> = (
  context: HubContext,
  input: EndpointInput<Name>,
) => Response | Promise<Response>;

/**
 * Registers an endpoint. `HEAD` goes to the handler of `GET`, whose body is dropped; registering it
 * adds it to the document alone.
 */
export function registerEndpoint<Name extends HubEndpointName>(
  app: HubApp,
  name: Name,
  handler: EndpointHandler<Name>,
): void {
  const endpoint: HubEndpoint = HUB_ENDPOINTS[name];
  documentEndpoint(app, name, endpoint);
  if (endpoint.method === "head") return;
  const path = endpoint.path.replace(/\{(\w+)\}/g, ":$1");
  app.on(endpoint.method.toUpperCase(), path, async (context) => {
    context.set("endpoint", endpoint.path);
    const { scope } = endpoint;
    if (scope !== "none" && scope !== "optional") callerWith(context, scope);
    else if (scope === "optional" && context.get("caller") !== undefined) {
      callerWith(context, "read");
    }
    const input = {
      params: check(endpoint.params, context.req.param(), "the path"),
      query: check(endpoint.query, context.req.query(), "the query"),
      body: endpoint.body === undefined ? undefined : await readJson(context, endpoint.body),
    };
    if (endpoint.bodyMediaType !== undefined) requireMediaType(context, endpoint.bodyMediaType);
    return await handler(context, input as EndpointInput<Name>);
  });
}

function check(schema: z.ZodType | undefined, value: unknown, where: string): unknown {
  if (schema === undefined) return undefined;
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const issue = error.issues[0]!;
  const field = String(issue.path.at(-1) ?? "");
  const isOfList = issue.path[0] === "blocks" && issue.path.length === 2;
  const isDigest = isOfList || ["hash", "sha256", "block_hash"].includes(field);
  throw new HubProblem(
    400,
    isDigest ? "bad_digest" : "bad_request",
    `There is something wrong in ${where}`,
    `${issue.path.map(String).join(".") || "it"}: ${issue.message}`,
  );
}

async function readJson(context: HubContext, schema: z.ZodType): Promise<unknown> {
  requireMediaType(context, "application/json");
  const text = await context.req.text();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new HubProblem(400, "bad_request", "The body is no JSON");
  }
  return check(schema, value, "the body");
}

/** A body without a media type counts as bytes: rfs's clients send none. */
function requireMediaType(context: HubContext, wanted: string): void {
  const given = context.req.header("content-type")?.replace(/;.*/s, "").trim().toLowerCase();
  const isFree = wanted === "application/octet-stream" || wanted === "application/vnd.sqlite3";
  if (given === wanted || isFree) return;
  throw new HubProblem(415, "unsupported_media_type", `The body has to be ${wanted}`);
}

/** One of the events that an answer has, which it is that the document describes. */
const EVENT = {
  type: "object" as const,
  properties: {
    id: { type: "string" as const },
    event: { type: "string" as const },
    data: { type: "string" as const },
  },
};

function documentEndpoint(app: HubApp, name: string, endpoint: HubEndpoint): void {
  const { method, path, summary, group, scope, params, query, body, bodyMediaType } = endpoint;
  const takesBody = body !== undefined || bodyMediaType !== undefined;
  const content = body !== undefined
    ? { "application/json": { schema: body } }
    : { [bodyMediaType ?? ""]: { schema: { type: "string" as const, format: "binary" } } };
  const answers = Object.entries(endpoint.answers).map(([status, answer]) => {
    const { description, schema: json, mediaType } = answer;
    if (json !== undefined) {
      return [status, { description, content: { "application/json": { schema: json } } }];
    }
    if (mediaType === undefined) return [status, { description }];
    const schema = mediaType === "text/event-stream" ? EVENT : { type: "string" as const };
    return [status, { description, content: { [mediaType]: { schema } } }];
  });
  const statuses = [
    400,
    401,
    ...(scope === "none" ? [] : [403]),
    ...(params === undefined && scope === "none" ? [] : [404]),
    405,
    ...(takesBody ? [408, 413, 415, 422, 507] : []),
    409,
    412,
    416,
    429,
    431,
    500,
    503,
  ];
  const problem = (status: number): [number, unknown] => [status, {
    description: "What went wrong",
    ...(method === "head" ? {} : { content: { [PROBLEM_MEDIA_TYPE]: { schema: Problem } } }),
  }];
  app.openAPIRegistry.registerPath({
    method,
    path,
    operationId: name,
    summary,
    tags: [group],
    security: scope === "none"
      ? []
      : scope === "optional"
      ? [{}, { bearer: [] }]
      : [{ bearer: [] }],
    request: {
      ...(params === undefined ? {} : { params }),
      ...(query === undefined ? {} : { query }),
      // No bytes are bytes too: an empty file.
      ...(takesBody ? { body: { required: body !== undefined, content } } : {}),
    },
    responses: Object.fromEntries([...answers, ...statuses.map(problem)]),
  });
}
