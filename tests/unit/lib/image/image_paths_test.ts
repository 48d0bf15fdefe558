/** Goal: a path finds its inode, however it is written, and never leaves the image. */

import assert from "node:assert/strict";
import { PathNotFoundError, UnsafePathError } from "../../../../lib/base/errors.ts";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { normalizePath, resolveInode } from "../../../../lib/image/image_paths.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { fileRecord, metadata, writeFlist } from "../flist/flist_samples.ts";

function withFlist(use: (flist: FlistReader) => void): void {
  using folder = new TempFolder();
  writeFlist(folder.file("a.fl"), "myfs", (writer) => {
    const parent = writer.addInode({ parent: 1, name: "d", ...metadata(0o40755) });
    writer.addInode({ parent: 1, name: "link", linkTarget: "d", ...metadata(0o120777) });
    writer.addInode(fileRecord("\udcff", 0, { parent }));
  });
  using flist = FlistReader.open(folder.file("a.fl"));
  use(flist);
}

Deno.test("resolveInode: finds entries however the path is written", () => {
  withFlist((flist) => {
    for (const root of ["", "/", ".", "./", "//."]) assert.equal(resolveInode(flist, root).ino, 1);
    for (const path of ["d", "/d", "d/", "./d", "//d/."]) {
      assert.equal(resolveInode(flist, path).name, "d", path);
    }
    assert.equal(resolveInode(flist, "d/\udcff").kind, "file");
    assert.equal(resolveInode(flist, "link").kind, "symlink");
  });
});

Deno.test("resolveInode: what is not there, or behind what is no directory, is not found", () => {
  withFlist((flist) => {
    for (const path of ["none", "d/none", "link/\udcff", "d/\udcff/x", "D"]) {
      assert.throws(() => resolveInode(flist, path), PathNotFoundError, path);
    }
    assert.throws(() => resolveInode(flist, "a\x1b[0m"), { path: "a\\x1b[0m" });
  });
});

Deno.test("resolveInode: refuses .. wherever it stands", () => {
  withFlist((flist) => {
    for (const path of ["..", "d/..", "../d", "none/../d"]) {
      assert.throws(() => resolveInode(flist, path), UnsafePathError, path);
    }
    assert.throws(() => resolveInode(flist, "..."), PathNotFoundError);
  });
});

Deno.test("normalizePath: gives the shortest form", () => {
  assert.deepEqual(["", "/", "./a//b/", "a/./b", ".../a"].map(normalizePath), [
    "",
    "",
    "a/b",
    "a/b",
    ".../a",
  ]);
});
