/**
 * What the runtime's TLS library says when it refuses a server, by the names that OpenSSL and Node
 * have for it.
 *
 * @module
 */

/** A TLS handshake that failed. */
export class TlsFailure extends Error {
  /** Name of the class. */
  override readonly name = "TlsFailure";
  /** Such as `CERT_HAS_EXPIRED`. */
  readonly code: string;

  /** Makes the error. */
  constructor(code: string, cause: unknown) {
    super("the TLS handshake failed", { cause });
    this.code = code;
  }
}

const CODES: readonly (readonly [RegExp, string])[] = [
  [/CaUsedAsEndEntity|self.?signed/i, "DEPTH_ZERO_SELF_SIGNED_CERT"],
  [/UnknownIssuer/, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
  [/Expired|certificate expired/, "CERT_HAS_EXPIRED"],
  [/NotValidYet|not valid yet/, "CERT_NOT_YET_VALID"],
  [/NotValidForName|not valid for name/, "ERR_TLS_CERT_ALTNAME_INVALID"],
  [/invalid peer certificate/, "ERR_TLS_CERT_INVALID"],
  [/InvalidContentType|corrupt message/, "ERR_SSL_WRONG_VERSION_NUMBER"],
  [/unexpected end of file/, "ECONNRESET"],
];

/** `error` with a code, where it is one of the TLS library; else as it is. */
export function tlsFailure(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const isTls = error instanceof Deno.errors.InvalidData ||
    error instanceof Deno.errors.UnexpectedEof;
  if (!isTls) return error;
  const code = CODES.find(([pattern]) => pattern.test(error.message))?.[1];
  return new TlsFailure(code ?? "EPROTO", error);
}
