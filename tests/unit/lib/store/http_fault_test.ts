/**
 * Goal: every failure becomes an error that says what to do and whether to try again, and shows
 * nothing that the server said. Method: statuses and failures one by one.
 */

import assert from "node:assert/strict";
import {
  BlockCorruptError,
  BlockNotFoundError,
  StoreDeniedError,
  StoreUnavailableError,
} from "../../../../lib/base/errors.ts";
import { HttpRedirectError } from "../../../../lib/store/http_redirect.ts";
import { HttpBrokenAnswer, HttpOversizedAnswer } from "../../../../lib/store/http_connection.ts";
import { httpBlockFault, httpFault, statusFault } from "../../../../lib/store/http_fault.ts";
import { HttpSyntaxError } from "../../../../lib/store/http_message.ts";
import { TlsFailure } from "../../../../lib/store/tls_failure.ts";
import { randomBlock } from "../../../helpers/random_block.ts";

const STORE = "http://store/blocks";
const TASK = "read block 00 in http://store/blocks";

function ofStatus(status: number, headers: Record<string, string> = {}): Error {
  const answer = { status, headers: new Map(Object.entries(headers)), body: new Uint8Array(0) };
  return statusFault(STORE, TASK, answer);
}

Deno.test("statusFault: credentials and permissions are a denial", () => {
  for (const status of [401, 403, 407]) {
    const error = ofStatus(status);
    assert.ok(error instanceof StoreDeniedError, `${status}`);
    assert.equal(error.store, STORE);
    assert.match(error.message, new RegExp(`^Cannot ${TASK}: the server answers ${status} \\(`));
    assert.ok(error.hint);
  }
  assert.match((ofStatus(403) as StoreDeniedError).hint!, /missing/);
});

Deno.test("statusFault: tells what may succeed later", () => {
  for (const status of [408, 425, 429, 500, 502, 503, 504, 507, 520]) {
    const error = ofStatus(status);
    assert.ok(error instanceof StoreUnavailableError && error.retryable, `${status}`);
  }
  for (const status of [204, 206, 302, 304, 400, 404, 405, 409, 413, 416, 418, 451, 501, 505]) {
    const error = ofStatus(status);
    assert.ok(error instanceof StoreUnavailableError && !error.retryable, `${status}`);
    assert.ok(error.hint, `${status}`);
  }
});

Deno.test("statusFault: passes on how long the server asks to wait", () => {
  const wait = (value: string): number | undefined =>
    (ofStatus(503, { "retry-after": value }) as StoreUnavailableError).retryAfterMs;
  assert.equal(wait("7"), 7000);
  const until = wait(new Date(Date.now() + 60_000).toUTCString())!;
  assert.ok(until > 50_000 && until <= 60_000, `${until}`);
  assert.equal(wait("soon"), undefined);
});

Deno.test("httpFault: every failure of a request is the store's", () => {
  const cases: readonly (readonly [Error, boolean, RegExp])[] = [
    [new HttpBrokenAnswer("it was cut off"), true, /before its answer was complete/],
    [new HttpSyntaxError("x"), false, /is not HTTP/],
    [new HttpOversizedAnswer("x"), false, /too large/],
    [new HttpRedirectError("it redirects", "Do this."), false, /it redirects/],
    [new Deno.errors.ConnectionReset("x"), true, /: ./],
    [Object.assign(new Error("x"), { code: "ECONNREFUSED" }), true, /ECONNREFUSED/],
    [new TlsFailure("CERT_HAS_EXPIRED", new Error("x")), false, /expired/],
    [new TlsFailure("DEPTH_ZERO_SELF_SIGNED_CERT", new Error("x")), false, /self-signed/],
  ];
  for (const [cause, retryable, message] of cases) {
    const error = httpFault(STORE, TASK, cause);
    assert.ok(error instanceof StoreUnavailableError, `${cause}`);
    assert.equal(error.retryable, retryable, `${cause}`);
    assert.equal(error.store, STORE);
    assert.match(error.message, message);
    assert.ok(error.message.startsWith(`Cannot ${TASK}: `));
    assert.equal(error.cause, cause);
    assert.ok(error.hint);
  }
});

Deno.test("httpFault: the hint for a certificate that signs itself names what works", () => {
  const error = httpFault(STORE, TASK, new TlsFailure("DEPTH_ZERO_SELF_SIGNED_CERT", new Error()));
  assert.match((error as StoreUnavailableError).hint!, /authority.*sign.*NODE_EXTRA_CA_CERTS/);
});

Deno.test("httpFault: a permission of the runtime that is missing is a denial", () => {
  const error = httpFault(STORE, TASK, new Deno.errors.NotCapable("Requires net access"));
  assert.ok(error instanceof StoreDeniedError);
  assert.match(error.message, /net access/);
});

Deno.test("httpFault: what is not the network's comes back as it is", () => {
  const others = [
    new TypeError("x"),
    new RangeError("x"),
    new DOMException("x", "AbortError"),
    "x",
  ];
  for (const error of [...others, new BlockNotFoundError("00", STORE)]) {
    assert.equal(httpFault(STORE, TASK, error), error);
  }
});

Deno.test("httpBlockFault: what is larger than any block is a damaged one", () => {
  const { id } = randomBlock(10);
  const error = httpBlockFault(STORE, id, TASK, new HttpOversizedAnswer("it has 99 bytes"));
  assert.ok(error instanceof BlockCorruptError);
  assert.equal(error.id, id);
  assert.match(error.message, /http:\/\/store\/blocks is larger than any block: it has 99 bytes/);
  assert.ok(
    httpBlockFault(STORE, id, TASK, new HttpBrokenAnswer("x")) instanceof StoreUnavailableError,
  );
});
