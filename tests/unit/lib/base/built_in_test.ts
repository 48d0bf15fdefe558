import assert from "node:assert/strict";
import * as zlib from "node:zlib";
import { builtIn } from "../../../../lib/base/built_in.ts";

Deno.test("built-in module: it is the one that an import gives", () => {
  assert.equal(builtIn("node:zlib").zstdCompressSync, zlib.zstdCompressSync);
});
