/** Goal: the one error for many keeps what each store said and the class that leaves most open. */

import assert from "node:assert/strict";
import {
  BlockCorruptError,
  BlockNotFoundError,
  StoreDeniedError,
  StoreUnavailableError,
} from "../../../../lib/base/errors.ts";
import { combineFailures, type StoreFailure } from "../../../../lib/store/store_failures.ts";

const ID = "a".repeat(64);
const missing: StoreFailure = { url: "mem://m", error: new BlockNotFoundError(ID, "mem://m") };
const corrupt: StoreFailure = { url: "mem://c", error: new BlockCorruptError(ID, "it is short") };
const denied: StoreFailure = {
  url: "mem://d",
  error: new StoreDeniedError("mem://d", "Cannot enter", { hint: "Knock." }),
};
const away: StoreFailure = {
  url: "mem://u",
  error: new StoreUnavailableError("mem://u", "Cannot reach it", { retryable: true }),
};
const odd: StoreFailure = { url: "mem://o", error: new Error("something else") };

Deno.test("combineFailures: one failure comes back as it is", () => {
  assert.equal(combineFailures("read", [denied]), denied.error);
});

Deno.test("combineFailures: all missing is missing, and names the stores", () => {
  const error = combineFailures("read", [missing, { ...missing, url: "mem://n" }]);
  assert(error instanceof BlockNotFoundError);
  assert.equal(error.id, ID);
  assert.match(error.message, /mem:\/\/m, mem:\/\/n/);
});

Deno.test("combineFailures: a damaged copy outweighs missing ones", () => {
  const error = combineFailures("read", [missing, corrupt]);
  assert(error instanceof BlockCorruptError);
  assert.equal(error.id, ID);
  assert.match(error.message, /mem:\/\/c: .*it is short/);
});

Deno.test("combineFailures: a store that refused outweighs missing and damaged copies", () => {
  const error = combineFailures("read", [missing, denied, corrupt]);
  assert(error instanceof StoreDeniedError);
  assert.equal(error.hint, "Knock.");
});

Deno.test("combineFailures: a store that could not be asked outweighs everything", () => {
  const error = combineFailures("read block x", [missing, away, denied, corrupt]);
  assert(error instanceof StoreUnavailableError);
  assert.equal(error.retryable, true);
  assert.match(error.message, /^Cannot read block x: /);
  for (const { url } of [missing, away, denied, corrupt]) assert(error.message.includes(url), url);
  assert(error.cause instanceof AggregateError);
  assert.equal(error.cause.errors.length, 4);
});

Deno.test("combineFailures: an unknown error is not taken for a missing block", () => {
  const error = combineFailures("read", [missing, odd]);
  assert(error instanceof StoreUnavailableError);
  assert.equal(error.retryable, false);
  assert.match(error.message, /something else/);
});
