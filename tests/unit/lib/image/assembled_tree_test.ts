/** Goal: entries in any order become a sorted tree, and nothing leads out of it. */

import assert from "node:assert/strict";
import { ArchiveFormatError, UnsafePathError } from "../../../../lib/base/errors.ts";
import { type AssembledEntry, AssembledTree } from "../../../../lib/image/assembled_tree.ts";
import { modeOfKind } from "../../../../lib/tree/tree_entry.ts";

function entry(
  kind: AssembledEntry["kind"],
  more: Partial<AssembledEntry> = {},
): AssembledEntry {
  const mode = modeOfKind(kind) + 0o755;
  return { kind, mode, uid: 1, gid: 2, size: 0, mtime: 5, mtimeNsec: 0, rdev: 0, ...more };
}

const link = (linkTarget: string): AssembledEntry => entry("symlink", { linkTarget });

async function paths(tree: AssembledTree): Promise<string[]> {
  const found: string[] = [];
  const walk = tree.directories({ onFailure: () => {}, onLoss: () => {} });
  for await (const { path, self, entries } of walk) {
    found.push(`${path}/ ${self.uid}: ${entries.map(({ name }) => name).join(" ")}`);
  }
  return found;
}

Deno.test("assembled tree: a walk is sorted, each directory before those in it", async () => {
  const tree = new AssembledTree("t");
  for (const path of ["b/y/z", "b/x", "a", "b-", "b/y/\udcff", "b/y/\u{10ffff}"]) {
    tree.put(path, entry("file"));
  }
  tree.put("", entry("directory", { uid: 9 }));
  tree.put("b", entry("directory"));
  assert.deepEqual(await paths(tree), [
    "/ 9: a b b-",
    "b/ 1: x y",
    "b/y/ 0: z \u{10ffff} \udcff",
  ]);
});

Deno.test("assembled tree: later entries replace earlier ones, directories merge", async () => {
  const tree = new AssembledTree("t");
  tree.put("d/in", entry("file"));
  tree.put("d", entry("directory"));
  tree.put("f", entry("directory"));
  tree.put("f/in", entry("file"));
  tree.put("f", entry("file"));
  tree.put("g", entry("file"));
  tree.put("g", entry("directory"));
  assert.deepEqual(await paths(tree), ["/ 0: d f g", "d/ 1: in", "g/ 1: "]);
});

Deno.test("assembled tree: paths go through links, and never out", async () => {
  const tree = new AssembledTree("t");
  tree.put("usr/bin", entry("directory"));
  tree.put("bin", link("usr/bin"));
  tree.put("bin/a", entry("file"));
  tree.put("up", link("../../../usr/./bin/../bin"));
  tree.put("up/b", entry("file"));
  tree.put("root", link("/"));
  tree.put("root/root/bin/c", entry("file"));
  tree.put("new", link("usr/made"));
  tree.put("new/d", entry("file"));
  assert.deepEqual(await paths(tree), [
    "/ 0: bin new root up usr",
    "usr/ 0: bin made",
    "usr/bin/ 1: a b c",
    "usr/made/ 0: d",
  ]);
  tree.put("loop", link("loop"));
  assert.throws(() => tree.put("loop/x", entry("file")), UnsafePathError);
});

Deno.test("assembled tree: a name on the way that is a file is refused, and so is a root that is one", () => {
  const tree = new AssembledTree("t");
  tree.put("file", entry("file"));
  assert.throws(() => tree.put("file/x", entry("file")), ArchiveFormatError);
  assert.throws(() => tree.put("", entry("file")), ArchiveFormatError);
});

Deno.test("assembled tree: hard links are one inode, whatever happens to the first name", async () => {
  const tree = new AssembledTree("t");
  tree.put("a", entry("file", { size: 1, content: 7 }));
  tree.link("d/b", "a");
  tree.link("d/b", "a");
  tree.put("a", entry("file", { size: 1, content: 8 }));
  tree.put("l", link("nowhere"));
  tree.link("l2", "l");
  assert.deepEqual([...tree.files()].map(({ content }) => content).sort(), [7, 8]);
  assert.throws(() => tree.link("x", "gone"), /not there/);
  assert.throws(() => tree.link("x", "gone/deep"), /not there/);
  assert.throws(() => tree.link("x", "d"), /directory/);
  assert.throws(() => tree.link("", "a"), ArchiveFormatError);
  assert.deepEqual(await paths(tree), ["/ 0: a d l l2", "d/ 0: b"]);
});

Deno.test("assembled tree: removes and clears what is there, behind links too", async () => {
  const tree = new AssembledTree("t");
  for (const path of ["usr/bin/a", "usr/bin/b", "c/d"]) tree.put(path, entry("file"));
  tree.put("bin", link("usr/bin"));
  tree.remove("bin/a");
  tree.remove("no/such");
  tree.remove("usr/bin/a/deeper");
  tree.clear("c");
  tree.clear("none");
  // The link is about to be replaced: nothing is behind it.
  tree.remove("bin/b", (path) => path === "bin");
  tree.clear("bin", (path) => path === "bin");
  assert.deepEqual(await paths(tree), ["/ 0: bin c usr", "c/ 0: ", "usr/ 0: bin", "usr/bin/ 0: b"]);
  tree.clear("");
  assert.deepEqual(await paths(tree), ["/ 0: "]);
});
