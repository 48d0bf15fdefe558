/**
 * What an S3 service's refusals, and failures on the way to it, mean for a store.
 *
 * @module
 */

import { MyfsError, StoreDeniedError, StoreUnavailableError } from "../base/errors.ts";
import { networkFault } from "./network_fault.ts";
import { S3OversizedAnswer, S3Refusal, S3TruncatedAnswer } from "./s3_transport.ts";

/** Who asks: with credentials, without any, or without because the flist is foreign. */
export type S3Asker = "signed" | "anonymous" | "foreign";

/** How one of S3's failures is told to the user. */
interface Meaning {
  readonly reason: string;
  readonly hint: string;
  readonly denied?: boolean;
  readonly retryable?: boolean;
}

const CHECK_KEY =
  "Check the key and secret in the URL, or AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_PROFILE.";
const RENEW = "Get new temporary credentials, then run the command again.";
const GO_ON = "Run the command again later; what was stored so far stays usable.";
const FREE_SPACE = "Free some space or raise the quota; what was stored so far stays usable.";

const MEANINGS: ReadonlyMap<string, Meaning> = new Map(Object.entries({
  NoSuchBucket: {
    reason: "there is no such bucket",
    hint: "Check its name, make it, or add create=1 to the URL's parameters when storing.",
  },
  AccessDenied: {
    reason: "access denied",
    hint:
      "Give the key permission to get, put and list objects of the bucket; without the right to list, a missing block looks like this too.",
    denied: true,
  },
  AllAccessDisabled: { reason: "the bucket is closed", hint: "Ask its owner.", denied: true },
  AccountProblem: { reason: "the account is closed", hint: "Ask its owner.", denied: true },
  InvalidAccessKeyId: { reason: "the key is unknown", hint: CHECK_KEY, denied: true },
  XAdminUserNotFound: { reason: "the key is unknown", hint: CHECK_KEY, denied: true },
  SignatureDoesNotMatch: {
    reason: "the secret is wrong",
    hint: `${CHECK_KEY} In a URL, a slash in a secret is written %2F, a plus sign %2B.`,
    denied: true,
  },
  ExpiredToken: { reason: "the credentials have expired", hint: RENEW, denied: true },
  TokenRefreshRequired: { reason: "the credentials have expired", hint: RENEW, denied: true },
  InvalidToken: { reason: "the session token is not valid", hint: RENEW, denied: true },
  RequestTimeTooSkewed: {
    reason: "this machine's clock and the service's differ too much",
    hint: "Set the clock of this machine.",
    retryable: true,
  },
  SlowDown: { reason: "the service asks to go slower", hint: GO_ON, retryable: true },
  ServiceUnavailable: { reason: "the service is overloaded", hint: GO_ON, retryable: true },
  InternalError: { reason: "the service failed", hint: GO_ON, retryable: true },
  RequestTimeout: { reason: "the request took too long", hint: GO_ON, retryable: true },
  OperationAborted: {
    reason: "another operation was under way",
    hint: GO_ON,
    retryable: true,
  },
  ConditionalRequestConflict: {
    reason: "another write was under way",
    hint: GO_ON,
    retryable: true,
  },
  QuotaExceeded: { reason: "the quota is used up", hint: FREE_SPACE },
  InsufficientStorage: { reason: "the service has no space left", hint: FREE_SPACE },
  XMinioStorageFull: { reason: "the service has no space left", hint: FREE_SPACE },
}));

/**
 * The store error for what a request threw: {@link StoreDeniedError} for credentials and
 * permissions, {@link StoreUnavailableError} otherwise. Myfs's own errors come back as they are. What
 * the client threw is not kept as the cause, as it may hold parts of the request.
 *
 * @param url The store, without secrets.
 * @param task What could not be done, to follow "Cannot".
 */
export function s3Fault(url: string, task: string, error: unknown, asker: S3Asker): unknown {
  if (error instanceof MyfsError || error instanceof RangeError) return error;
  if (error instanceof S3Refusal) return refusalFault(url, task, error, asker);
  if (error instanceof S3TruncatedAnswer) {
    return new StoreUnavailableError(
      url,
      `Cannot ${task}: the answer broke off before its end`,
      { hint: "Check the network and the service, then run the command again.", retryable: true },
    );
  }
  if (error instanceof S3OversizedAnswer) {
    return new StoreUnavailableError(
      url,
      `Cannot ${task}: the answer is larger than any block`,
      { hint: "Check that the URL is that of a store of blocks." },
    );
  }
  if (error instanceof Deno.errors.NotCapable) {
    return new StoreDeniedError(url, `Cannot ${task}: ${error.message}`);
  }
  if (isFromNetwork(error)) {
    const { reason, ...rest } = networkFault(error);
    return new StoreUnavailableError(url, `Cannot ${task}: ${withAuthority(reason)}`, rest);
  }
  const name = error instanceof Error ? error.name : typeof error;
  if (!wasAnswered(error)) {
    return new StoreUnavailableError(url, `Cannot ${task}: the request failed (${name})`, {
      hint: "Check the parameters of the URL, and the settings for AWS tools.",
    });
  }
  return new StoreUnavailableError(
    url,
    `Cannot ${task}: the answer cannot be understood (${name})`,
    { hint: "Check that the URL is that of an S3 service." },
  );
}

/** The runtime's `node:https` says the same of both. */
function withAuthority(reason: string): string {
  return reason.replace(
    "self-signed",
    "self-signed, or signed by an authority that is not trusted",
  );
}

/** The client notes the status of an answer on what it throws about it. */
function wasAnswered(error: unknown): boolean {
  const { $metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } };
  return $metadata?.httpStatusCode !== undefined;
}

function refusalFault(url: string, task: string, refusal: S3Refusal, asker: S3Asker): MyfsError {
  const { status, code, region, retryAfterMs } = refusal;
  const name = code ?? `status ${status}`;
  const isRedirect = status >= 300 && status <= 399;
  const isElsewhere = isRedirect || region !== undefined && status === 400;
  if (isElsewhere) {
    return new StoreUnavailableError(
      url,
      region === undefined
        ? `Cannot ${task}: the service sends to another address (${name})`
        : `Cannot ${task}: the bucket is in region ${region} (${name})`,
      {
        hint: region === undefined
          ? "Name the address of the service itself; redirects are not followed."
          : `Write region=${region} in the URL, with the host of that region where it has its own.`,
      },
    );
  }
  const meaning = MEANINGS.get(code ?? "") ?? meaningOfStatus(status, code);
  const message = `Cannot ${task}: ${meaning.reason} (${name})`;
  if (meaning.denied === true) {
    return new StoreDeniedError(url, message, { hint: hintForAsker(asker) ?? meaning.hint });
  }
  return new StoreUnavailableError(url, message, {
    hint: meaning.hint,
    retryable: meaning.retryable ?? false,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** What to do where no credentials were sent; undefined where some were. */
function hintForAsker(asker: S3Asker): string | undefined {
  switch (asker) {
    case "signed":
      return undefined;
    case "anonymous":
      return "No credentials were sent: put key:secret@ in the URL, or set AWS_ACCESS_KEY_ID and " +
        "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.";
    case "foreign":
      return "Stores that a foreign flist names are asked without your credentials: if you trust " +
        "it, pass --trust-routes, or name the store with --store.";
  }
}

/** What a status means where S3's name for the failure is unknown or missing. */
function meaningOfStatus(status: number, code: string | undefined): Meaning {
  if (status === 401 || status === 403) {
    return { reason: "access denied", hint: CHECK_KEY, denied: true };
  }
  if (status === 408 || status === 429 || status >= 500 && status !== 501 && status !== 507) {
    return { reason: "the service cannot do it now", hint: GO_ON, retryable: true };
  }
  if (status === 507) return { reason: "the service has no space left", hint: FREE_SPACE };
  return code === undefined
    ? {
      reason: "the answer is not that of an S3 service",
      hint: "Check host and port, and the scheme: s3:// is HTTP, s3s:// is HTTPS.",
    }
    : { reason: "the service refused", hint: "Look up the name of the failure for this service." };
}

/** Errors of the system and of TLS have a code; those of the client have none. */
function isFromNetwork(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && typeof error.code === "string") return true;
  return error instanceof AggregateError || error.cause instanceof Error;
}
