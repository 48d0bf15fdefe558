/**
 * What it means for a store when a request to its web server fails, or is answered with a status
 * that is no success.
 *
 * @module
 */

import {
  BlockCorruptError,
  MyfsError,
  StoreDeniedError,
  StoreUnavailableError,
} from "../base/errors.ts";
import type { BlockId } from "../block/block_ref.ts";
import { HttpRedirectError } from "./http_redirect.ts";
import { type HttpAnswer, HttpBrokenAnswer, HttpOversizedAnswer } from "./http_connection.ts";
import { HttpSyntaxError } from "./http_message.ts";
import { networkFault } from "./network_fault.ts";
import { retryAfterMs } from "./retry_after.ts";
import { TlsFailure } from "./tls_failure.ts";

const CHECK_PORT =
  "Check that the host and the port are those of the web server, and whether it needs https.";
const CHECK_PATH = "Check that the URL is that of the directory that holds the blocks.";

/**
 * The store error for what a request threw. Wrong arguments, an abort and myfs's own errors come
 * back as they are.
 *
 * @param store The store, without secrets.
 * @param task What could not be done, to follow "Cannot".
 */
export function httpFault(store: string, task: string, error: unknown): unknown {
  if (error instanceof MyfsError || !(error instanceof Error)) return error;
  const unavailable = (reason: string, hint: string, retryable: boolean): StoreUnavailableError =>
    new StoreUnavailableError(store, `Cannot ${task}: ${reason}`, {
      cause: error,
      hint,
      retryable,
    });
  if (error instanceof HttpRedirectError) return unavailable(error.message, error.hint, false);
  if (error instanceof HttpSyntaxError) {
    return unavailable(`the answer is not HTTP: ${error.message}`, CHECK_PORT, false);
  }
  if (error instanceof HttpOversizedAnswer) {
    return unavailable(`the answer is too large: ${error.message}`, CHECK_PORT, false);
  }
  if (error instanceof HttpBrokenAnswer) {
    return unavailable(
      `the server closed the connection before its answer was complete: ${error.message}`,
      "Check the network, the server, and whether its port is for https, then run the command again.",
      true,
    );
  }
  if (error instanceof Deno.errors.NotCapable) {
    return new StoreDeniedError(store, `Cannot ${task}: ${error.message}`, { cause: error });
  }
  if (error instanceof TypeError || error instanceof RangeError || error.name === "AbortError") {
    return error;
  }
  const { reason, hint, retryable } = networkFault(error);
  return unavailable(reason, selfSignedHint(error) ?? hint, retryable);
}

/** As {@link httpFault}, for a request that was to give a block. */
export function httpBlockFault(store: string, id: BlockId, task: string, error: unknown): unknown {
  if (!(error instanceof HttpOversizedAnswer)) return httpFault(store, task, error);
  const reason = `the answer of ${store} is larger than any block: ${error.message}`;
  return new BlockCorruptError(id, reason, { cause: error, hint: CHECK_PATH });
}

/** The store error for an answer that is neither a success nor says that a block is missing. */
export function statusFault(store: string, task: string, answer: HttpAnswer): MyfsError {
  const { status, headers } = answer;
  const message = `Cannot ${task}: the server answers ${status}${nameOf(status)}`;
  if (status === 401 || status === 403 || status === 407) {
    return new StoreDeniedError(store, message, { hint: DENIED_HINTS[status] });
  }
  const waitMs = retryAfterMs(headers.get("retry-after"));
  const retryable = status >= 500 ? !NEVER.has(status) : LATER.has(status);
  return new StoreUnavailableError(store, message, {
    hint: retryable ? "Run the command again later, or look at the server." : CHECK_PATH,
    retryable,
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
  });
}

/** Refusals of the client's that pass: request timeout, too early, too many requests. */
const LATER: ReadonlySet<number> = new Set([408, 425, 429]);

/** Failures of the server's that stay: not implemented, HTTP version not supported. */
const NEVER: ReadonlySet<number> = new Set([501, 505]);

const DENIED_HINTS = {
  401: "Give the user and the password, or the token, that the server wants in the store's URL.",
  403: "Check the credentials in the store's URL and the permissions of the files. Some servers " +
    "say so of files that are missing too, such as S3 where one may not list.",
  407: "A proxy on the way wants credentials of its own.",
};

/** What a status is called; only of those that a user is likely to meet. */
const NAMES: Readonly<Record<number, string>> = {
  400: "bad request",
  401: "unauthorized",
  403: "forbidden",
  404: "not found",
  405: "method not allowed",
  407: "proxy authentication required",
  408: "request timeout",
  413: "content too large",
  429: "too many requests",
  500: "internal server error",
  502: "bad gateway",
  503: "service unavailable",
  504: "gateway timeout",
  507: "insufficient storage",
};

function nameOf(status: number): string {
  return NAMES[status] === undefined ? "" : ` (${NAMES[status]})`;
}

/** The runtime takes no certificate that signs itself, not even one that is named as trusted. */
function selfSignedHint(error: unknown): string | undefined {
  if (!(error instanceof TlsFailure) || error.code !== "DEPTH_ZERO_SELF_SIGNED_CERT") {
    return undefined;
  }
  return "Have an authority, which may be your own, sign the server's certificate, and name the " +
    "authority's in NODE_EXTRA_CA_CERTS, as a PEM file.";
}
