/**
 * Where an image is unpacked to: parts of it, and targets that are not empty, not there, or not
 * directories.
 *
 * @module
 */

import assert from "node:assert/strict";
import { relative } from "node:path";
import {
  packDirectory,
  PathNotFoundError,
  SystemError,
  unpackImage,
  UnsafePathError,
} from "../../mod.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { assertSameDump, dumpTree } from "../helpers/tree_dump.ts";

/** Packs the folder `name` and gives the flist. */
async function pack(folder: TempFolder, name: string): Promise<string> {
  const meta = folder.file(`${name}.fl`);
  const store = `dir://${folder.file("blocks")}`;
  const report = await packDirectory(folder.file(name), { meta, store, jobs: 1 });
  assert.deepEqual(report.failures, []);
  return meta;
}

/** Contents of all files in a folder by path, with links as `-> target` and directories as `/`. */
function listing(root: string, path = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of Deno.readDirSync(`${root}/${path}`)) {
    const below = path === "" ? entry.name : `${path}/${entry.name}`;
    if (entry.isSymlink) found[below] = `-> ${Deno.readLinkSync(`${root}/${below}`)}`;
    else if (entry.isFile) found[below] = Deno.readTextFileSync(`${root}/${below}`);
    else Object.assign(found, { [below]: "/" }, listing(root, below));
  }
  return found;
}

Deno.test("unpack --path: a directory's contents come without the way to it", async () => {
  using folder = new TempFolder();
  folder.tree("tree", { "a/b/c": "c", "a/b/d/e": "e", "a/x": "x", "y": "y" });
  await Deno.symlink("../x", folder.file("tree/a/b/link"));
  const meta = await pack(folder, "tree");
  const report = await unpackImage(meta, folder.file("out"), { path: "/a/b/" });
  assert.deepEqual(listing(folder.file("out")), {
    "c": "c",
    "d": "/",
    "d/e": "e",
    "link": "-> ../x",
  });
  const { files, directories, symlinks, contentBytes } = report;
  assert.deepEqual({ files, directories, symlinks, contentBytes }, {
    files: 2,
    directories: 2,
    symlinks: 1,
    contentBytes: 2,
  });
  // The directory's own metadata is the target's.
  const before = await Deno.stat(folder.file("tree/a/b"));
  assert.deepEqual((await Deno.stat(folder.file("out"))).mtime, before.mtime);
});

Deno.test("unpack --path: one file lands under its own name, whatever its kind", async () => {
  using folder = new TempFolder();
  folder.tree("tree", { "a/file": "content", "a/empty": "", "a/other": "o" });
  await Deno.symlink("nowhere", folder.file("tree/a/link"));
  const meta = await pack(folder, "tree");
  for (const path of ["a/file", "a/empty", "a/link"]) {
    await unpackImage(meta, folder.file("out"), { path });
  }
  assert.deepEqual(listing(folder.file("out")), {
    "file": "content",
    "empty": "",
    "link": "-> nowhere",
  });
});

Deno.test("unpack --path: a hard link whose first name lies outside is a file of its own", async () => {
  using folder = new TempFolder();
  folder.tree("tree", { "a first": "linked", "large": new Uint8Array(600_000).fill(65) });
  await Deno.mkdir(folder.file("tree/sub"));
  await Deno.link(folder.file("tree/a first"), folder.file("tree/sub/second"));
  await Deno.link(folder.file("tree/a first"), folder.file("tree/sub/third"));
  await Deno.link(folder.file("tree/large"), folder.file("tree/sub/large too"));
  const meta = await pack(folder, "tree");

  const report = await unpackImage(meta, folder.file("out"), { path: "sub" });
  assert.equal(await Deno.readTextFile(folder.file("out/second")), "linked");
  assert.equal((await Deno.stat(folder.file("out/large too"))).size, 600_000);
  assert.equal((await Deno.stat(folder.file("out/third"))).nlink, 2);
  assert.deepEqual([report.files, report.hardLinks], [2, 1]);

  await unpackImage(meta, folder.file("one"), { path: "sub/third" });
  assert.deepEqual(listing(folder.file("one")), { "third": "linked" });
});

Deno.test("unpack --path: what is not there, or leads out, is an error and makes no target", async () => {
  using folder = new TempFolder();
  folder.tree("tree", { "a/b": "b" });
  const meta = await pack(folder, "tree");
  const target = folder.file("out");
  for (const path of ["c", "a/c", "a/b/c"]) {
    await assert.rejects(unpackImage(meta, target, { path }), PathNotFoundError);
  }
  await assert.rejects(unpackImage(meta, target, { path: "a/../.." }), UnsafePathError);
  assert.ok(!folder.names().includes("out"));
});

Deno.test("unpack: merges into a target that is not empty, and keeps what the image lacks", async () => {
  using folder = new TempFolder();
  folder.tree("tree", { "same": "new", "sub/mine": "image", "sub/deeper/x": "x", "file": "f" });
  const meta = await pack(folder, "tree");
  const target = folder.tree("out", { "same": "old", "theirs": "t", "sub/theirs": "s" });
  await Deno.symlink("/etc/passwd", `${target}/file`);
  const report = await unpackImage(meta, target);
  assert.deepEqual(report.failures, []);
  assert.deepEqual(listing(target), {
    "same": "new",
    "theirs": "t",
    "file": "f",
    "sub": "/",
    "sub/mine": "image",
    "sub/theirs": "s",
    "sub/deeper": "/",
    "sub/deeper/x": "x",
  });
});

Deno.test("unpack: what is in the way stays, is named once, and the rest is unpacked", async () => {
  using folder = new TempFolder();
  folder.tree("tree", { "a/inside/x": "x", "b": "b", "c/y": "y", "d": "d" });
  const meta = await pack(folder, "tree");
  const elsewhere = folder.tree("elsewhere", { "kept": "k" });
  const target = folder.tree("out", { "a": "a file", "b/full": "a directory" });
  await Deno.symlink(elsewhere, `${target}/c`);
  const report = await unpackImage(meta, target);
  assert.deepEqual(report.failures.map(({ path }) => path).sort(), ["a", "b", "c"]);
  for (const { code, reason } of report.failures) {
    assert.equal(code, "system");
    assert.match(reason, /^Cannot replace [abc]: /);
  }
  // The root and d are what was unpacked.
  const { files, directories, symlinks } = report;
  assert.deepEqual({ files, directories, symlinks }, { files: 1, directories: 1, symlinks: 0 });
  assert.deepEqual(listing(target), {
    "a": "a file",
    "b": "/",
    "b/full": "a directory",
    "c": `-> ${elsewhere}`,
    "d": "d",
  });
  // The link to a directory was not followed.
  assert.deepEqual(listing(elsewhere), { "kept": "k" });
});

Deno.test("unpack: a second time over the first changes nothing", async () => {
  using folder = new TempFolder();
  folder.tree("tree", { "a/b": "b", "c": "c", "large": new Uint8Array(700_000).fill(66) });
  await Deno.symlink("c", folder.file("tree/link"));
  await Deno.link(folder.file("tree/c"), folder.file("tree/d"));
  const meta = await pack(folder, "tree");
  const target = folder.file("out");
  const first = await unpackImage(meta, target);
  const before = listing(target);
  const second = await unpackImage(meta, target);
  assert.deepEqual(listing(target), before);
  assert.deepEqual([second.failures, second.losses], [[], []]);
  assert.equal(second.contentBytes, first.contentBytes);
  assert.equal((await Deno.stat(`${target}/c`)).nlink, 2);
});

Deno.test("unpack: missing parents of the target are made, a file as target is refused", async () => {
  using folder = new TempFolder();
  folder.tree("tree", { "a": "a" });
  const meta = await pack(folder, "tree");
  await unpackImage(meta, folder.file("x/y/z"));
  assert.deepEqual(listing(folder.file("x")), { "y": "/", "y/z": "/", "y/z/a": "a" });

  await Deno.writeTextFile(folder.file("file"), "here first");
  for (const target of ["file", "file/below"]) {
    await assert.rejects(unpackImage(meta, folder.file(target)), (error) => {
      assert.ok(error instanceof SystemError);
      assert.match(error.errno, /^(EEXIST|ENOTDIR)$/);
      assert.ok(error.message.includes(folder.file(target)));
      return true;
    });
  }
  assert.equal(await Deno.readTextFile(folder.file("file")), "here first");
});

Deno.test("unpack: a target given as a link to a directory is that directory", async () => {
  using folder = new TempFolder();
  folder.tree("tree", { "a": "a" });
  const meta = await pack(folder, "tree");
  folder.tree("real");
  await Deno.symlink("real", folder.file("link"));
  await unpackImage(meta, folder.file("link"));
  assert.deepEqual(listing(folder.file("real")), { "a": "a" });
});

Deno.test("pack and unpack: relative paths mean the working directory", async () => {
  using folder = new TempFolder();
  folder.tree("tree", { "a": "a" });
  const here = relative(Deno.cwd(), folder.path);
  const store = `dir://${folder.file("blocks")}`;
  await packDirectory(`${here}/tree`, { meta: `${here}/tree.fl`, store, jobs: 1 });
  await unpackImage(`${here}/tree.fl`, `${here}/out/below`);
  assert.deepEqual(listing(folder.file("out")), { "below": "/", "below/a": "a" });
});

requiringTest(
  ["linux", "root", "python3"],
  "unpack: what a target gives its entries (default ACL, setgid) does not change the tree",
  async () => {
    using folder = new TempFolder();
    folder.tree("tree", { "a/b": "b", "c": "c" });
    const meta = await pack(folder, "tree");
    const target = folder.tree("out");
    const set = [
      "import os, struct, sys",
      "acl = struct.pack('<I', 2)",
      "for entry in [(1, 7, -1), (2, 7, 98), (4, 5, -1), (16, 7, -1), (32, 5, -1)]:",
      "    acl += struct.pack('<HHi', *entry)",
      "os.setxattr(sys.argv[1], 'system.posix_acl_default', acl)",
    ].join("\n");
    const { success } = await new Deno.Command("python3", { args: ["-c", set, target] }).output();
    assert.ok(success);
    await Deno.chown(target, 0, 100);
    await Deno.chmod(target, 0o2775);
    const report = await unpackImage(meta, target, { preserveOwnership: true });
    assert.deepEqual([report.failures, report.losses], [[], []]);
    // The root's own default ACL is not in the image, and so none of unpack's business.
    assertSameDump(dumpTree(target).slice(1), dumpTree(folder.file("tree")).slice(1));
  },
);
