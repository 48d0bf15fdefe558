/** Goal: errors keep their stable code and class, and say what scripts and people need. */

import assert from "node:assert/strict";
import * as errors from "../../../../lib/base/errors.ts";
import {
  BlockNotFoundError,
  ERROR_CLASSES,
  MyfsError,
  StoreUnavailableError,
  SystemError,
  toFailure,
  UntrustedRouteError,
} from "../../../../lib/base/errors.ts";

/** One of every class, made with what all constructors take: texts. */
const samples = Object.values(errors as Record<string, unknown>)
  .filter((value): value is new (...texts: string[]) => MyfsError =>
    typeof value === "function" && value.prototype instanceof MyfsError
  )
  .map((Class) => new Class("a", "b", "c", "d"));

Deno.test("errors: every class is found by its code, and every code has its class", () => {
  const byCode = Object.fromEntries(samples.map((error) => [error.code, error.constructor]));
  assert.ok(samples.length > 10);
  assert.deepEqual({ ...ERROR_CLASSES }, byCode);
});

Deno.test("errors: they name their class, and messages are sentences without a period", () => {
  for (const error of samples) {
    assert.equal(error.name, error.constructor.name);
    assert.ok(error instanceof MyfsError && error instanceof Error);
  }
  assert.equal(new BlockNotFoundError("ab", "dir:///x").message, "Block ab is not in dir:///x");
});

Deno.test("errors: cause and hint are kept, and are absent where there are none", () => {
  const cause = new Error("inner");
  const error = new StoreUnavailableError("dir:///x", "Cannot", {
    cause,
    hint: "Try",
    retryable: true,
  });
  assert.deepEqual([error.cause, error.hint, error.retryable], [cause, "Try", true]);
  const plain = new StoreUnavailableError("dir:///x", "Cannot");
  assert.ok(!("cause" in plain));
  assert.deepEqual([plain.hint, plain.retryable], [undefined, false]);
});

Deno.test("errors: a hint given replaces the usual one", () => {
  assert.match(new UntrustedRouteError("dir:///x").hint!, /--trust-routes/);
  assert.equal(new UntrustedRouteError("dir:///x", { hint: "Other." }).hint, "Other.");
});

Deno.test("errors: a failed call says what was tried, on what, why, and its POSIX name", () => {
  const error = new SystemError("write", "a/b", "ENOSPC", "the disk is full", "Free some space.");
  assert.equal(error.message, "Cannot write a/b: the disk is full (ENOSPC)");
  assert.equal(error.hint, "Free some space.");
});

Deno.test("toFailure: keeps the code of our errors, and calls others unknown", () => {
  assert.deepEqual(toFailure("p", new SystemError("open", "q", "EACCES", "permission is denied")), {
    path: "p",
    reason: "Cannot open q: permission is denied (EACCES)",
    code: "system",
  });
  assert.deepEqual(toFailure("p", new RangeError("r")), {
    path: "p",
    reason: "r",
    code: "unknown",
  });
  assert.deepEqual(toFailure("p", "text"), { path: "p", reason: "text", code: "unknown" });
});
