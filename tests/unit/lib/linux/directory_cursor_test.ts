/** Goal: moves through trees of any depth, follows no link, and holds and leaks few descriptors. */

import assert from "node:assert/strict";
import { SystemError } from "../../../../lib/base/errors.ts";
import { DirectoryCursor, openRootDirectory } from "../../../../lib/linux/directory_cursor.ts";
import { FileStatus } from "../../../../lib/linux/file_status.ts";
import { libc } from "../../../../lib/linux/libc.ts";
import { openDescriptors } from "../../../helpers/open_descriptors.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

/** Runs `use` with the folder open as a root, and asserts that nothing stays open. */
function withRoot(use: (folder: TempFolder, rootFd: number) => void): void {
  using folder = new TempFolder();
  const rootFd = openRootDirectory(folder.path);
  try {
    use(folder, rootFd);
    assert.equal(openDescriptors(folder.path), 1);
  } finally {
    libc().close(rootFd);
  }
  assert.equal(openDescriptors(folder.path), 0);
}

function inodeOf(fd: number): number {
  const status = new FileStatus();
  assert.ok(status.of(fd));
  return status.inode;
}

Deno.test("DirectoryCursor: finds directories in any order of asking", () => {
  withRoot((folder, rootFd) => {
    const paths = ["a", "a/b", "a/b/c", "a/bc", "ab", "ab/c", "a/b/c/d"];
    for (const path of paths) Deno.mkdirSync(folder.file(path), { recursive: true });
    using cursor = new DirectoryCursor(rootFd);
    assert.equal(cursor.enter(""), rootFd);
    for (const path of [...paths, ...paths.toReversed(), "a/bc", "a/b", "a/b", "ab/c", "a"]) {
      assert.equal(inodeOf(cursor.enter(path)), Deno.statSync(folder.file(path)).ino, path);
    }
  });
});

Deno.test("DirectoryCursor: goes deeper than a path can, with few descriptors", () => {
  withRoot((folder, rootFd) => {
    using cursor = new DirectoryCursor(rootFd);
    const depth = 300;
    const name = "n".repeat(30);
    let path = "";
    for (let i = 0; i < depth; i++) {
      const made = libc().mkdirat(cursor.enter(path), new TextEncoder().encode(`${name}\0`), 0o700);
      assert.equal(made, 0);
      path = path === "" ? name : `${path}/${name}`;
    }
    assert.ok(path.length > 4096);
    const deepest = inodeOf(cursor.enter(path));
    assert.ok(openDescriptors(folder.path) < 60);
    cursor.enter(name);
    assert.equal(inodeOf(cursor.enter(path)), deepest);
    // All the way up, step by step: directories that were let go are opened again.
    for (let up = path; up !== ""; up = up.slice(0, Math.max(0, up.lastIndexOf("/")))) {
      assert.ok(cursor.enter(up) >= 0);
    }
  });
});

Deno.test("DirectoryCursor: follows no link on the way, and names what it could not open", () => {
  withRoot((folder, rootFd) => {
    Deno.mkdirSync(folder.file("real/in"), { recursive: true });
    Deno.symlinkSync("real", folder.file("link"));
    Deno.symlinkSync("/", folder.file("real/out"));
    Deno.writeTextFileSync(folder.file("real/file"), "");
    using cursor = new DirectoryCursor(rootFd);
    const failing = [["link", "link"], ["link/in", "link"], ["real/out/etc", "real/out"], [
      "real/file",
      "real/file",
    ], ["real/none/x", "real/none"]] as const;
    for (const [path, at] of failing) {
      assert.throws(() => cursor.enter(path), (error) => {
        assert.ok(error instanceof SystemError);
        assert.equal(error.path, at);
        return true;
      });
    }
    assert.equal(inodeOf(cursor.enter("real/in")), Deno.statSync(folder.file("real/in")).ino);
  });
});

Deno.test("openRootDirectory: follows links, as the user means them, and refuses files", () => {
  using folder = new TempFolder();
  Deno.mkdirSync(folder.file("real"));
  Deno.symlinkSync("real", folder.file("link"));
  Deno.writeTextFileSync(folder.file("file"), "");
  const fd = openRootDirectory(folder.file("link"));
  assert.equal(inodeOf(fd), Deno.statSync(folder.file("real")).ino);
  libc().close(fd);
  assert.throws(() => openRootDirectory(folder.file("file")), { errno: "ENOTDIR" });
  assert.throws(() => openRootDirectory(folder.file("none")), { errno: "ENOENT" });
});
