/**
 * Anything thrown, as the answer that a client gets: `application/problem+json`.
 *
 * @module
 */

import { HTTPException } from "hono/http-exception";
import { MyfsError } from "myfs";
import { HubProblem, type HubProblemCode, PROBLEM_MEDIA_TYPE } from "../lib/hub_api/problem.ts";
import type { HubContext } from "./context.ts";

/** Answers with a problem. */
export function problemResponse(context: HubContext, problem: HubProblem): Response {
  const { status, code, title, detail, retryAfterSeconds } = problem;
  const headers = new Headers({ "content-type": PROBLEM_MEDIA_TYPE, "cache-control": "no-store" });
  if (retryAfterSeconds !== undefined) headers.set("retry-after", String(retryAfterSeconds));
  if (status === 401) headers.set("www-authenticate", 'Bearer realm="myfs-hub"');
  // The rest of such a body is not worth waiting for.
  if (status === 408 || status === 413) headers.set("connection", "close");
  const request_id = context.get("requestId");
  const body = { type: "about:blank", title, status, code, detail, request_id };
  return context.body(JSON.stringify(body), status as 400, Object.fromEntries(headers));
}

/** Answers what is no request that the application could be given, such as one for a host `a/b`. */
export function answerUnreadable(error: unknown): Response {
  const isInternal = !(error instanceof Error && error.name === "RequestError");
  const status = isInternal ? 500 : 400;
  const code: HubProblemCode = isInternal ? "internal" : "bad_request";
  const title = isInternal ? "The hub failed" : "The request cannot be read";
  return Response.json({ type: "about:blank", title, status, code }, {
    status,
    headers: { "content-type": PROBLEM_MEDIA_TYPE, "cache-control": "no-store" },
  });
}

/** What a client learns of anything thrown: of what nobody foresaw, only that it happened. */
export function toProblem(error: unknown): HubProblem {
  if (error instanceof HubProblem) return error;
  if (error instanceof HTTPException) return ofStatus(error.status, error);
  if (error instanceof MyfsError) return ofLibrary(error);
  if (isDiskFull(error)) {
    return new HubProblem(507, "storage_full", "The hub's disk is full", undefined, {
      cause: error,
    });
  }
  if (isDatabaseAway(error)) {
    return new HubProblem(503, "unavailable", "The hub's database is away", undefined, {
      cause: error,
      retryAfterSeconds: 5,
    });
  }
  return new HubProblem(500, "internal", "The hub failed", undefined, { cause: error });
}

function ofStatus(status: number, cause: unknown): HubProblem {
  const codes: Readonly<Record<number, HubProblemCode>> = {
    400: "bad_request",
    401: "token_invalid",
    403: "forbidden",
    404: "not_found",
    413: "too_large",
    415: "unsupported_media_type",
  };
  const code = codes[status];
  if (code === undefined) {
    return new HubProblem(500, "internal", "The hub failed", undefined, { cause });
  }
  return new HubProblem(status, code, "The request cannot be served", undefined, { cause });
}

function ofLibrary(error: MyfsError): HubProblem {
  const options = { cause: error };
  switch (error.code) {
    case "block_not_found":
      return new HubProblem(404, "block_not_found", "There is no such block", undefined, options);
    case "flist_format":
    case "untrusted_route":
    case "unsafe_path":
      return new HubProblem(
        422,
        "flist_invalid",
        "That is no flist that can be kept",
        undefined,
        options,
      );
    case "path_not_found":
      return new HubProblem(404, "not_found", "There is no such path", undefined, options);
    case "store_unavailable":
      if (isDiskFull(error.cause) || /ENOSPC|No space left/.test(error.message)) {
        return new HubProblem(507, "storage_full", "The hub's disk is full", undefined, options);
      }
      return new HubProblem(503, "unavailable", "The hub's store is away", undefined, {
        ...options,
        retryAfterSeconds: 5,
      });
    default:
      if (isDiskFull(error)) {
        return new HubProblem(507, "storage_full", "The hub's disk is full", undefined, options);
      }
      return new HubProblem(500, "internal", "The hub failed", undefined, options);
  }
}

function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { errno, code } = error as { readonly errno?: unknown; readonly code?: unknown };
  return [errno, code].some((name) => name === "ENOSPC" || name === "EDQUOT") ||
    /ENOSPC|No space left on device|database or disk is full/.test(error.message);
}

/** SQLite's BUSY, LOCKED, NOMEM, READONLY, IOERR, CANTOPEN and PROTOCOL: what may pass. */
const AWAY_CODES: ReadonlySet<number> = new Set([5, 6, 7, 8, 10, 14, 15]);

function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: number };
  if (code !== "ERR_SQLITE_ERROR") return false;
  // Not every way to run a statement gives SQLite's code.
  return AWAY_CODES.has((errcode ?? 0) & 0xff) ||
    /^(database (table )?is locked|disk I\/O error|unable to open database|attempt to write a readonly)/
      .test(error.message);
}
