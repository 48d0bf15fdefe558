/**
 * A flist in figures.
 */

import assert from "node:assert/strict";
import { inspectionLines } from "../../../../cli/output/inspection.ts";

Deno.test("inspection: shows every figure, and tags and routes as the command line takes them", () => {
  const summary = {
    meta: "a.fl",
    profile: "myfs" as const,
    version: 1,
    flistBytes: 4096,
    digest: "ab",
    files: 1,
    directories: 1,
    symlinks: 0,
    specials: 0,
    hardLinks: 0,
    contentBytes: 4000,
    chunks: 1,
    referencedBytes: 1000,
    tags: { "a\x1b": "b" },
    routes: [{ start: 0, end: 255, url: "dir:///a" }, { start: 0, end: 127, url: "dir:///b" }],
  };
  assert.deepEqual([...inspectionLines(summary)], [
    "flist    a.fl",
    "profile  myfs, version 1",
    "size     4.00 KiB",
    "digest   ab",
    "tree     1 file, 1 directory",
    "content  3.91 KiB in 1 chunk",
    "blocks   1,000 B, 25.0 % of the content",
    "tag      a\\x1b=b",
    "route    dir:///a",
    "route    00-7f=dir:///b",
  ]);
  const unknown = [...inspectionLines({ ...summary, referencedBytes: undefined })];
  assert.ok(!unknown.some((line) => line.startsWith("blocks")));
});
