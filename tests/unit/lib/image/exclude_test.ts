/** Goal: patterns mean what their documentation says, and a pack does not pack what it writes. */

import assert from "node:assert/strict";
import { excludeMatcher, ownOutputMatcher } from "../../../../lib/image/exclude.ts";
import type { EntryKind } from "../../../../lib/tree/tree_entry.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

/** Which of `paths` a pattern leaves out; a path with a slash at its end is a directory. */
function excluded(pattern: string, paths: readonly string[]): string[] {
  const isExcluded = excludeMatcher([pattern]);
  return paths.filter((path) => {
    const kind: EntryKind = path.endsWith("/") ? "directory" : "file";
    return isExcluded(path.replace(/\/$/, ""), kind);
  });
}

Deno.test("exclude: without a slash, names anywhere", () => {
  assert.deepEqual(excluded("*.o", ["a.o", "x/y/b.o", "a.og", ".o", "o"]), [
    "a.o",
    "x/y/b.o",
    ".o",
  ]);
  assert.deepEqual(
    excluded("node_modules", ["node_modules/", "a/node_modules/", "node_modules2/"]),
    [
      "node_modules/",
      "a/node_modules/",
    ],
  );
});

Deno.test("exclude: with a slash, paths from the root", () => {
  assert.deepEqual(excluded("/boot", ["boot/", "a/boot/"]), ["boot/"]);
  assert.deepEqual(excluded("var/cache/*", ["var/cache/a", "var/cache/", "x/var/cache/a"]), [
    "var/cache/a",
  ]);
  assert.deepEqual(excluded("a/**/b", ["a/b", "a/x/b", "a/x/y/b", "b", "c/a/b"]), [
    "a/b",
    "a/x/b",
    "a/x/y/b",
  ]);
});

Deno.test("exclude: with a slash at the end, directories only", () => {
  assert.deepEqual(excluded("tmp/", ["tmp/", "tmp", "a/tmp/"]), ["tmp/", "a/tmp/"]);
  assert.deepEqual(excluded("/tmp/", ["tmp/", "tmp", "a/tmp/"]), ["tmp/"]);
});

Deno.test("exclude: one star stays within a name, and dots are nothing special", () => {
  assert.deepEqual(excluded("/a/*", ["a/b", "a/.b", "a/b/c"]), ["a/b", "a/.b"]);
  assert.deepEqual(excluded("*", [".hidden", "x"]), [".hidden", "x"]);
});

Deno.test("exclude: any of several patterns is enough, and none leaves out nothing", () => {
  const isExcluded = excludeMatcher(["*.o", "/x"]);
  assert.deepEqual(["a.o", "x", "y"].map((path) => isExcluded(path, "file")), [true, true, false]);
  assert.equal(excludeMatcher([])("a", "file"), false);
});

Deno.test("exclude: an empty pattern is refused instead of matching all or nothing", () => {
  for (const pattern of ["", "/"]) assert.throws(() => excludeMatcher([pattern]), RangeError);
});

Deno.test("ownOutputMatcher: knows the flist, what it is written as, and the stores, through links too", async () => {
  using folder = new TempFolder();
  const source = folder.tree("tree", { "sub/keep": "", "blocks/x": "" });
  await Deno.symlink(source, folder.file("link"));
  const isOwn = await ownOutputMatcher(folder.file("link"), `${source}/sub/a.fl`, [
    folder.file("link/blocks"),
  ]);
  const own = ["sub/a.fl", "sub/a.fl.1234.tmp", "blocks"];
  const others = ["sub/keep", "a.fl", "sub/a.fl2", "sub/a.fl.bak", "blocks2", "sub"];
  assert.deepEqual([...own, ...others].filter(isOwn), own);
});

Deno.test("ownOutputMatcher: leaves out nothing where nothing of its own is in the tree", async () => {
  using folder = new TempFolder();
  const source = folder.tree("tree", { "a": "" });
  folder.tree("tree2");
  const isOwn = await ownOutputMatcher(source, folder.file("tree2/a"), [folder.file("tree2")]);
  assert.deepEqual(["a", "2/a", "tree2", ""].filter(isOwn), []);
});
