/**
 * What it means when a request to a registry fails, or is answered with a status that is no success.
 *
 * @module
 */

import {
  type MyfsError,
  RegistryDeniedError,
  RegistryUnavailableError,
  StoreDeniedError,
  StoreUnavailableError,
  UntrustedRouteError,
} from "../base/errors.ts";
import { httpFault } from "../store/http_fault.ts";
import { HttpProxyError } from "../store/http_proxy.ts";
import { retryAfterMs } from "../store/retry_after.ts";
import { TlsFailure } from "../store/tls_failure.ts";

/**
 * The registry error for what a request threw. An abort and errors that are myfs's own already come
 * back as they are.
 *
 * @param host The registry's host and port.
 * @param task What could not be done, to follow "Cannot".
 */
export function registryFault(host: string, task: string, error: unknown): unknown {
  if (error instanceof UntrustedRouteError) {
    return new RegistryDeniedError(
      host,
      `Cannot ${task}: ${host} is on this machine or its private network`,
      { hint: "Only registries at public addresses may be asked here.", cause: error },
    );
  }
  if (error instanceof HttpProxyError) {
    return new RegistryUnavailableError(host, `Cannot ${task}: ${error.message}`, {
      cause: error,
      hint: "Look at HTTP_PROXY, HTTPS_PROXY and NO_PROXY, and at the proxy.",
      retryable: error.status >= 500,
    });
  }
  const fault = httpFault(host, task, error);
  if (fault instanceof StoreDeniedError) {
    return new RegistryDeniedError(host, fault.message, { cause: error });
  }
  if (!(fault instanceof StoreUnavailableError)) return fault;
  const noTls = error instanceof TlsFailure && error.code === "ERR_SSL_WRONG_VERSION_NUMBER";
  const hint = noTls
    ? "If the registry has no TLS, and you trust the network, ask for plain HTTP (--plain-http)."
    : fault.hint;
  return new RegistryUnavailableError(host, fault.message, {
    cause: error,
    retryable: fault.retryable,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The registry error for an answer that is no success; what is missing is the caller's to tell. */
export function registryStatusFault(
  host: string,
  task: string,
  answer: { readonly status: number; readonly headers: ReadonlyMap<string, string> },
): MyfsError {
  const { status, headers } = answer;
  if (status === 401 || status === 403) {
    return new RegistryDeniedError(host, `Cannot ${task}: ${host} answers ${status}`, {
      hint:
        "Check the name of the image: registries say the same of those that do not exist. If it " +
        "is private, give credentials that may read it.",
    });
  }
  const waitMs = retryAfterMs(headers.get("retry-after"));
  const retryable = status === 408 || status === 425 || status === 429 ||
    (status >= 500 && status !== 501 && status !== 505);
  const what = status === 429 ? `${status} (too many requests)` : `${status}`;
  return new RegistryUnavailableError(host, `Cannot ${task}: ${host} answers ${what}`, {
    retryable,
    hint: status === 429
      ? "Wait, or give credentials: most registries let those who sign in read more."
      : "Check that the host is that of a registry, and look at the registry.",
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
  });
}
