/** Goal: what is to be fetched ahead is told from the options, and contradictions are refused. */

import assert from "node:assert/strict";
import { checkTraceOut, prefetchOf, requireCacheFor } from "../../../cli/prefetch_options.ts";
import { MissingError, UsageError } from "../../../cli/problem.ts";
import { TempFolder } from "../../helpers/temp_folder.ts";

Deno.test("prefetch options: all, none, nothing, and a list", async () => {
  using folder = new TempFolder();
  const id = "ab".repeat(32);
  const traceIn = folder.file("trace");
  await Deno.writeTextFile(traceIn, `{"myfsTrace":1}\n{"block":"${id}"}\n`);
  assert.deepEqual(await prefetchOf({}), {});
  assert.deepEqual(await prefetchOf({ prefetch: "none", traceIn }), {});
  assert.deepEqual(await prefetchOf({ prefetch: "all" }), { prefetch: "all" });
  assert.deepEqual(await prefetchOf({ traceIn }), { prefetch: [id] });
  assert.deepEqual(await prefetchOf({ prefetch: "list", traceIn }), { prefetch: [id] });
});

Deno.test("prefetch options: what makes no sense is refused", async () => {
  await assert.rejects(prefetchOf({ prefetch: "list" }), UsageError);
  await assert.rejects(prefetchOf({ prefetch: "all", traceIn: "trace" }), UsageError);
  await assert.rejects(prefetchOf({ traceIn: "/dev/zero" }), UsageError);
});

Deno.test("prefetch options: fetching ahead takes a cache, and the hint says how to get one", () => {
  const refusal = (isRefused: boolean) => {
    try {
      requireCacheFor({ prefetch: "all" }, undefined, isRefused);
    } catch (error) {
      assert.ok(error instanceof UsageError);
      return error.hint;
    }
  };
  assert.match(refusal(true) ?? "", /--no-cache/);
  assert.match(refusal(false) ?? "", /--cache/);
  requireCacheFor({}, undefined, true);
});

Deno.test("prefetch options: a trace that could not be written is told before the mount", async () => {
  using folder = new TempFolder();
  await checkTraceOut(folder.file("trace"));
  await checkTraceOut("trace");
  await assert.rejects(checkTraceOut(folder.file("nope/trace")), MissingError);
});
