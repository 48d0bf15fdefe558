/**
 * What becomes of anything thrown: a stable code, a sentence, a hint.
 */

import assert from "node:assert/strict";
import { describeProblem, UsageError } from "../../../cli/problem.ts";
import { PartialFailureError, UntrustedRouteError } from "../../../lib/base/errors.ts";

Deno.test("problem: keeps the library's code, message and hint", () => {
  const error = new UntrustedRouteError("dir:///s");
  assert.deepEqual(describeProblem(error), {
    code: "untrusted_route",
    message: error.message,
    hint: error.hint,
  });
});

Deno.test("problem: keeps the parts that failed", () => {
  const failures = [{ path: "a", reason: "no", code: "system" }];
  assert.deepEqual(describeProblem(new PartialFailureError("some", failures)), {
    code: "partial_failure",
    message: "some",
    failures,
  });
});

Deno.test("problem: wrong arguments are the user's", () => {
  for (const error of [new SyntaxError("x"), new RangeError("x"), new UsageError("x")]) {
    assert.deepEqual(describeProblem(error), { code: "usage", message: "x" });
  }
});

Deno.test("problem: the runtime's errors are the system's", async () => {
  const error = await Deno.stat("/does/not/exist").then(() => undefined, (error) => error);
  assert.deepEqual(describeProblem(error), {
    code: "system",
    message: "Cannot look at /does/not/exist: no such file or directory",
  });
  const two = await Deno.copyFile("/does/not/exist", "/nor/this").then(() => undefined, (e) => e);
  assert.match(describeProblem(two).message, /^Cannot copy \/does\/not\/exist to \/nor\/this: no /);
  const unknown = Object.assign(new Error("Broken in some other way"), { code: "EIO" });
  assert.equal(describeProblem(unknown).message, "Broken in some other way");
});

Deno.test("problem: what nobody foresaw says how to learn more", () => {
  for (const thrown of [new TypeError("x"), "x"]) {
    const problem = describeProblem(thrown);
    assert.equal(problem.code, "internal");
    assert.match(problem.hint ?? "", /MYFS_DEBUG=1/);
  }
});

Deno.test("usage error: a hint of its own is kept", () => {
  assert.equal(new UsageError("x", "own").withHint("other").hint, "own");
  assert.equal(new UsageError("x").withHint("other").hint, "other");
});
