/** Goal: a linked signal follows the outer one, can be aborted alone, and lets go. */

import assert from "node:assert/strict";
import { LinkedAbort } from "../../../../lib/base/linked_abort.ts";

Deno.test("LinkedAbort: is aborted with the outer signal, for its reason", () => {
  const outer = new AbortController();
  using link = new LinkedAbort(outer.signal);
  assert.equal(link.signal.aborted, false);
  outer.abort("why");
  assert.equal(link.signal.reason, "why");
  using late = new LinkedAbort(outer.signal);
  assert.equal(late.signal.reason, "why");
});

Deno.test("LinkedAbort: can be aborted alone, and without an outer signal", () => {
  const outer = new AbortController();
  using link = new LinkedAbort(outer.signal);
  link.abort("alone");
  assert.equal(link.signal.reason, "alone");
  assert.equal(outer.signal.aborted, false);
  using single = new LinkedAbort(undefined);
  single.abort("single");
  assert.equal(single.signal.reason, "single");
});

Deno.test("LinkedAbort: lets go of the outer signal when it is disposed of", () => {
  const outer = new AbortController();
  const link = new LinkedAbort(outer.signal);
  link[Symbol.dispose]();
  outer.abort();
  assert.equal(link.signal.aborted, false);
});
