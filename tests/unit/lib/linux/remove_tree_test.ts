/** Goal: what is named goes, with all below it; nothing beside it does, and no link leads outside. */

import assert from "node:assert/strict";
import { DirectoryCursor, openRootDirectory } from "../../../../lib/linux/directory_cursor.ts";
import { libc } from "../../../../lib/linux/libc.ts";
import { removeTree } from "../../../../lib/linux/remove_tree.ts";
import { openDescriptors } from "../../../helpers/open_descriptors.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

/** Removes `name` from the folder, and asserts that nothing stays open. */
function remove(folder: TempFolder, name: string): boolean {
  const fd = openRootDirectory(folder.path);
  try {
    return removeTree(fd, name);
  } finally {
    libc().close(fd);
    assert.equal(openDescriptors(folder.path), 0);
  }
}

Deno.test("removeTree: removes trees, files and links, and nothing that links lead to", () => {
  using folder = new TempFolder();
  folder.tree("kept", { "file": "kept" });
  const root = folder.tree("gone", { "a/b/c/file": "x", "a/other": "y", "top": "z" });
  Deno.mkdirSync(`${root}/empty`);
  Deno.symlinkSync("../kept", `${root}/link`);
  Deno.symlinkSync(folder.file("kept"), `${root}/a/b/absolute`);
  assert.equal(remove(folder, "gone"), true);
  Deno.symlinkSync("kept", folder.file("link"));
  assert.equal(remove(folder, "link"), true);
  assert.deepEqual(folder.names(), ["kept"]);
  assert.equal(Deno.readTextFileSync(folder.file("kept/file")), "kept");
  assert.equal(remove(folder, "kept"), true);
  assert.deepEqual(folder.names(), []);
});

Deno.test("removeTree: says no where there is nothing", () => {
  using folder = new TempFolder();
  assert.equal(remove(folder, "none"), false);
});

Deno.test("removeTree: depth does not matter", () => {
  using folder = new TempFolder();
  const rootFd = openRootDirectory(folder.path);
  {
    using cursor = new DirectoryCursor(rootFd);
    const name = new TextEncoder().encode("directory\0");
    let path = "";
    for (let i = 0; i < 600; i++) {
      assert.equal(libc().mkdirat(cursor.enter(path), name, 0o700), 0);
      path = path === "" ? "directory" : `${path}/directory`;
    }
  }
  libc().close(rootFd);
  assert.equal(remove(folder, "directory"), true);
  assert.deepEqual(folder.names(), []);
});
