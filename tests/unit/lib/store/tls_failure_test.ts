/**
 * Goal: what the runtime says of a certificate becomes the name that others have for it, so that the
 * user is told what is wrong. Method: the runtime's own words; tests/fault/store_http_test.ts has
 * real handshakes.
 */

import assert from "node:assert/strict";
import { TlsFailure, tlsFailure } from "../../../../lib/store/tls_failure.ts";

Deno.test("tlsFailure: names what is wrong", () => {
  const codes: Readonly<Record<string, string>> = {
    "invalid peer certificate: UnknownIssuer": "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))": "DEPTH_ZERO_SELF_SIGNED_CERT",
    "invalid peer certificate: Expired": "CERT_HAS_EXPIRED",
    "invalid peer certificate: NotValidYet": "CERT_NOT_YET_VALID",
    'invalid peer certificate: certificate not valid for name "a"; certificate is only valid for b':
      "ERR_TLS_CERT_ALTNAME_INVALID",
    "invalid peer certificate: BadSignature": "ERR_TLS_CERT_INVALID",
    "received corrupt message of type InvalidContentType": "ERR_SSL_WRONG_VERSION_NUMBER",
    "received fatal alert: ProtocolVersion": "EPROTO",
  };
  for (const [message, code] of Object.entries(codes)) {
    const failure = tlsFailure(new Deno.errors.InvalidData(message));
    assert.ok(failure instanceof TlsFailure);
    assert.equal(failure.code, code, message);
  }
});

Deno.test("tlsFailure: leaves other errors as they are", () => {
  for (const error of [new Deno.errors.ConnectionReset("x"), new TypeError("x"), "x"]) {
    assert.equal(tlsFailure(error), error);
  }
});
