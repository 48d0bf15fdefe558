/** Goal: what is to be fetched ahead is told from the options, and contradictions are refused. */

import assert from "node:assert/strict";
import { prefetchOf } from "../../../cli/prefetch_options.ts";
import { UsageError } from "../../../cli/problem.ts";
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
