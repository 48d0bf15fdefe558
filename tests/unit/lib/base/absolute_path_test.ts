import assert from "node:assert/strict";
import { resolve } from "node:path";
import { absolutePath, splitPath } from "../../../../lib/base/absolute_path.ts";

Deno.test("absolute path: it is what node:path makes of it", () => {
  const paths = [
    "",
    ".",
    "..",
    "a",
    "./a/",
    "a//b/../c/.",
    "../../x",
    "/",
    "//",
    "/a/./b//..",
    "/..",
    "/a/ b",
    "...",
  ];
  assert.deepEqual(paths.map(absolutePath), paths.map((path) => resolve(path)));
});

Deno.test("absolute path: it is split into directory and name", () => {
  assert.deepEqual(splitPath("/a/b c"), { parent: "/a", name: "b c" });
  assert.deepEqual(splitPath("/a"), { parent: "/", name: "a" });
  assert.deepEqual(splitPath("/"), { parent: "/", name: "" });
});
