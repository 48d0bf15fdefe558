import assert from "node:assert/strict";
import { StoreDeniedError, StoreUnavailableError } from "../../../../../lib/base/errors.ts";
import { parseRespUrl } from "../../../../../lib/store/resp/resp_address.ts";
import { respFault } from "../../../../../lib/store/resp/resp_fault.ts";
import { RespError } from "../../../../../lib/store/resp/resp_reply.ts";

const FORM = { port: 9900, tls: false, spaceParameter: "namespace", example: "" };
const address = parseRespUrl("zdb://:s3cr3t@host/ns", FORM);

Deno.test("resp fault: says what could not be done, who says so, and what was said", () => {
  const error = respFault(address, "do it", new RespError("Access denied"));
  assert.ok(error instanceof StoreDeniedError);
  assert.equal(error.store, "zdb://host/ns");
  assert.equal(error.message, "Cannot do it: zdb://host/ns says: Access denied");
  assert.equal(error.hint, "Check the password of the namespace.");
});

Deno.test("resp fault: what is not known is final and has no hint", () => {
  const error = respFault(address, "do it", new RespError("Something new"));
  assert.ok(error instanceof StoreUnavailableError && !error.retryable);
  assert.equal(error.hint, undefined);
});

Deno.test("resp fault: shows neither the password nor control characters nor endless text", () => {
  const text = `s3cr3t\u001b[31m\u0085 ${"long ".repeat(1000)}`;
  const { message } = respFault(address, "do it", new RespError(text));
  assert.match(message, /says: \*\*\* \[31m {1,2}long/);
  assert.ok(message.length < 300);
});
