/**
 * What several commands ask of their options and operands.
 */

import assert from "node:assert/strict";
import { UsageError } from "../../../cli/problem.ts";
import {
  required,
  splitFlist,
  storeOptions,
  storesOf,
  takeFlist,
  wholeNumber,
} from "../../../cli/shared_options.ts";

Deno.test("operands: the flist is the first, unless --meta names it", () => {
  assert.deepEqual(takeFlist(undefined, ["a.fl", "out"], ["target"]), ["a.fl", "out"]);
  assert.deepEqual(takeFlist("a.fl", ["out", undefined], ["target"]), ["a.fl", "out"]);
  assert.deepEqual(takeFlist("a.fl", [undefined, undefined], ["[path]"]), ["a.fl", undefined]);
  assert.deepEqual(splitFlist(undefined, ["a.fl", "b", "c"]), { meta: "a.fl", rest: ["b", "c"] });
});

Deno.test("operands: too few and too many are refused by name", () => {
  assert.throws(() => takeFlist(undefined, [], []), /no flist/);
  assert.throws(() => takeFlist(undefined, ["a.fl"], ["target"]), /<target> is missing/);
  assert.throws(
    () => takeFlist("a.fl", ["out", "more"], ["target"]),
    (error) =>
      error instanceof UsageError && /more/.test(error.message) && /--meta/.test(error.hint ?? ""),
  );
});

Deno.test("stores: both names of the option add up", () => {
  assert.deepEqual(storesOf({ store: ["a", "b"], storeSpec: ["c"] }), ["a", "b", "c"]);
  assert.deepEqual(storeOptions({}), {});
});

Deno.test("whole number: accepts the range and nothing else", () => {
  const parse = wholeNumber(1, 64);
  assert.equal(parse("1"), 1);
  assert.equal(parse("64"), 64);
  for (const text of ["0", "65", "-1", "1.5", "", " 1", "1e1", "0x10", "9".repeat(30)]) {
    assert.throws(() => parse(text), { code: "commander.invalidArgument" }, text);
  }
});

Deno.test("required: names the option that is missing", () => {
  assert.equal(required("x", "--meta <flist>"), "x");
  assert.throws(() => required(undefined, "--meta <flist>"), /--meta <flist>/);
});
