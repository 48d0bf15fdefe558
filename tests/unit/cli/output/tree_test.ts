/**
 * The drawing of trees, on an image that is made up.
 */

import assert from "node:assert/strict";
import type { Image, ImageEntry } from "myfs";
import { treeDocuments, treeLines } from "../../../../cli/output/tree.ts";

/** An image of directories and files: a path that ends in `/` is a directory. */
function imageOf(paths: readonly string[]): Pick<Image, "readDirectory"> & { root: ImageEntry } {
  const entry = (path: string): ImageEntry => ({
    path: path.replace(/\/$/, ""),
    kind: path === "" || path.endsWith("/") ? "directory" : "file",
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: 0,
    mtime: 0,
    mtimeNsec: 0,
    rdev: 0,
    ino: 1,
  });
  return {
    root: entry(""),
    readDirectory: (directory) => {
      const base = directory === "" ? "" : `${directory}/`;
      return paths.filter((path) =>
        path !== base && path.startsWith(base) && /^[^/]+\/?$/.test(path.slice(base.length))
      ).map(entry);
    },
  };
}

Deno.test("tree: branches end where their directory ends", () => {
  const image = imageOf(["a/", "a/b/", "a/b/c", "a/d", "e/", "f"]);
  assert.deepEqual([...treeLines(image, image.root)], [
    "/",
    "├── a",
    "│   ├── b",
    "│   │   └── c",
    "│   └── d",
    "├── e",
    "└── f",
  ]);
});

Deno.test("tree: goes as deep as asked", () => {
  const image = imageOf(["a/", "a/b/", "a/b/c"]);
  const paths = (depthMax?: number): string[] =>
    [...treeDocuments(image, image.root, depthMax)].map(({ path }) => path);
  assert.deepEqual(paths(1), ["", "a"]);
  assert.deepEqual(paths(2), ["", "a", "a/b"]);
  assert.deepEqual(paths(), ["", "a", "a/b", "a/b/c"]);
});

Deno.test("tree: a file is a tree of its own", () => {
  const image = imageOf(["a"]);
  assert.deepEqual([...treeLines(image, image.readDirectory("")[0]!)], ["a"]);
});

Deno.test("tree: a tree deeper than the call stack is drawn", () => {
  const directory = { ...imageOf([]).root, path: "d" };
  let depth = 0;
  const image = { readDirectory: () => depth++ < 16_000 ? [directory] : [] };
  assert.equal([...treeDocuments(image, directory)].length, 16_001);
});
