/**
 * Why a conversion failed, as its owner is told: all of the image and its registry, of the hub no more
 * than anybody is told, and of secrets nothing.
 */

import assert from "node:assert/strict";
import { jobErrorOf } from "../../../../hub/jobs/conversion.ts";
import { noRoom } from "../../../../hub/content/usage.ts";
import { ImageNotFoundError, RegistryDeniedError, StoreUnavailableError, SystemError } from "myfs";

Deno.test("conversion: what is wrong with image or registry is told with what to do", () => {
  const error = new ImageNotFoundError("quay.io/a:1", "quay.io does not have it", {
    hint: "Look.",
  });
  const { code, message } = jobErrorOf(error, []);
  assert.equal(code, "image_not_found");
  assert.match(message, /quay\.io does not have it.*\(Look\.\)$/);
});

Deno.test("conversion: the hub's own affairs are not told", () => {
  const errors = [
    new SystemError("open", "/srv/hub/secret", "EACCES", "it is forbidden"),
    new StoreUnavailableError("dir:///srv/hub", "Cannot write to dir:///srv/hub"),
    new Error("/srv/hub/hub.sqlite is gone"),
    "/srv/hub",
  ];
  for (const error of errors) assert.ok(!jobErrorOf(error, []).message.includes("/srv/hub"));
  assert.equal(jobErrorOf(errors[1], []).code, "unavailable");
  assert.equal(jobErrorOf(errors[2], []).code, "internal");
  assert.equal(jobErrorOf(new Error("ENOSPC: no space"), []).code, "storage_full");
  assert.equal(jobErrorOf(noRoom(), []).code, "quota_exceeded");
});

Deno.test("conversion: a secret that got into an error goes no further", () => {
  const error = new RegistryDeniedError("quay.io", "quay.io says: no s3cret, czNjcmV0");
  const { message } = jobErrorOf(error, ["s3cret", "czNjcmV0", ""]);
  assert.equal(message, "quay.io says: no [redacted], [redacted]");
});
