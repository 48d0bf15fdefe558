/**
 * What it means when a connection fails, for every store that has one.
 *
 * @module
 */

/** How a failed connection is told to the user. */
export interface NetworkFault {
  /** What happened, to follow a colon. */
  readonly reason: string;
  /** One sentence that says what the user can do. */
  readonly hint: string;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
}

const CHECK_SERVER = "Check that the server runs and that the URL has its host and port.";
const CHECK_NETWORK = "Check the network and the server, then run the command again.";
const CHECK_PORT =
  "Check the network, the server, and whether its port is for TLS, then run the command again.";
const TRUST_CERTIFICATE =
  "Name the authority that signed the server's certificate in NODE_EXTRA_CA_CERTS, as a PEM file.";

const later = (reason: string, hint = CHECK_NETWORK): NetworkFault => ({
  reason,
  hint,
  retryable: true,
});
const never = (reason: string, hint: string): NetworkFault => ({ reason, hint, retryable: false });

const FAULTS: ReadonlyMap<string, NetworkFault> = new Map(Object.entries({
  ECONNREFUSED: later("nothing accepts connections there", CHECK_SERVER),
  ECONNRESET: later("the server closed the connection", CHECK_PORT),
  ECONNABORTED: later("the connection was given up"),
  EPIPE: later("the server closed the connection", CHECK_PORT),
  ETIMEDOUT: later("the server did not answer in time"),
  EHOSTUNREACH: later("there is no way to the host", CHECK_SERVER),
  EHOSTDOWN: later("the host is down", CHECK_SERVER),
  ENETUNREACH: later("there is no way to the network", CHECK_NETWORK),
  ENETDOWN: later("the network is down", CHECK_NETWORK),
  EADDRNOTAVAIL: later("this machine has no free address or port to connect from"),
  EMFILE: later(
    "too many open files in this process",
    "Raise the limit with ulimit -n, or use fewer jobs.",
  ),
  EAI_AGAIN: later("the name of the host cannot be looked up now", CHECK_NETWORK),
  ENOTFOUND: never("there is no host of that name", "Check the host in the URL."),
  DEPTH_ZERO_SELF_SIGNED_CERT: never("the server's certificate is self-signed", TRUST_CERTIFICATE),
  SELF_SIGNED_CERT_IN_CHAIN: never(
    "the server's certificate is signed by an authority that is not trusted",
    TRUST_CERTIFICATE,
  ),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: never(
    "the server's certificate is signed by an authority that is not trusted",
    TRUST_CERTIFICATE,
  ),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: never(
    "the server's certificate is signed by an authority that is not trusted",
    TRUST_CERTIFICATE,
  ),
  CERT_HAS_EXPIRED: never(
    "the server's certificate has expired",
    "Renew the certificate, or check the clock of this machine.",
  ),
  CERT_NOT_YET_VALID: never(
    "the server's certificate is not valid yet",
    "Check the clocks of this machine and of the server.",
  ),
  ERR_TLS_CERT_ALTNAME_INVALID: never(
    "the server's certificate is for another name",
    "Use the name that the certificate has, or another certificate.",
  ),
  ERR_SSL_WRONG_VERSION_NUMBER: never(
    "the server does not speak TLS on this port",
    "Use the port for TLS, or the scheme without TLS.",
  ),
  EPROTO: never(
    "TLS failed: the server speaks another version, or none",
    "Check that the port is the one for TLS.",
  ),
}));

/** What a failed connection means. Nothing of the error's own text is in the answer but its code. */
export function networkFault(error: unknown): NetworkFault {
  const code = codeOf(error);
  const known = FAULTS.get(code);
  if (known !== undefined) return { ...known, reason: `${known.reason} (${code})` };
  if (code.startsWith("HPE_")) {
    return never(
      `what came is not HTTP (${code})`,
      "Check that the port is that of the service, and whether it needs the scheme with TLS.",
    );
  }
  if (/CERT|_TLS_|_SSL_/.test(code)) {
    return never(`the server's certificate or TLS is not accepted (${code})`, TRUST_CERTIFICATE);
  }
  return later(code === "" ? "the connection failed" : `the connection failed (${code})`);
}

/** The system's or the library's name of the failure; of several addresses tried, the first's. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  if (!(error instanceof Error)) return "";
  if ("code" in error && typeof error.code === "string" && /^[A-Z][A-Z0-9_]*$/.test(error.code)) {
    return error.code;
  }
  return error.cause instanceof Error ? codeOf(error.cause) : "";
}
