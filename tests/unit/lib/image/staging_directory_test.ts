/** Goal: what was made appears at once and whole, what was there stays, and nothing is left over. */

import assert from "node:assert/strict";
import type { Failure } from "../../../../lib/base/errors.ts";
import { StagingDirectory } from "../../../../lib/image/staging_directory.ts";
import { openDescriptors } from "../../../helpers/open_descriptors.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

/** Makes `files` in a staging directory of `target`, publishes them, and gives what was left out. */
async function publish(target: string, files: readonly string[]): Promise<[string, Failure][]> {
  const leftOut: [string, Failure][] = [];
  using staging = await StagingDirectory.create(target);
  for (const file of files) {
    const slash = file.lastIndexOf("/");
    if (slash >= 0) {
      await Deno.mkdir(`${staging.path}/${file.slice(0, slash)}`, { recursive: true });
    }
    if (slash < file.length - 1) await Deno.writeTextFile(`${staging.path}/${file}`, "new");
  }
  staging.publish((path, failure) => leftOut.push([path, failure]));
  return leftOut;
}

Deno.test("StagingDirectory: is closed to others, inside the target, and gone when not published", async () => {
  using folder = new TempFolder();
  const target = folder.tree("target", { "kept": "kept" });
  {
    using staging = await StagingDirectory.create(target);
    assert.ok(staging.path.startsWith(`${await Deno.realPath(target)}/.myfs-unpack-`));
    assert.equal((await Deno.stat(staging.path)).mode! & 0o777, 0o700);
    await Deno.mkdir(`${staging.path}/a/b`, { recursive: true });
    await Deno.writeTextFile(`${staging.path}/a/b/c`, "");
  }
  assert.deepEqual(folder.names("target"), ["kept"]);
  assert.equal(openDescriptors(folder.path), 0);
});

Deno.test("StagingDirectory: a target that it made goes again, unless something was put into it", async () => {
  using folder = new TempFolder();
  const target = folder.file("deep/target");
  {
    using _staging = await StagingDirectory.create(target);
  }
  assert.deepEqual(folder.names("deep"), []);
  {
    using _staging = await StagingDirectory.create(target);
    await Deno.writeTextFile(`${target}/by another`, "");
  }
  assert.deepEqual(folder.names("deep/target"), ["by another"]);
  assert.deepEqual(await publish(folder.file("new"), []), []);
  assert.deepEqual(folder.names("new"), []);
});

Deno.test("StagingDirectory: publishing merges directories and replaces files", async () => {
  using folder = new TempFolder();
  const target = folder.tree("target", { "a/b/old": "old", "a/same": "old", "kept/x": "old" });
  const inode = (await Deno.stat(`${target}/a/b`)).ino;
  const leftOut = await publish(target, ["a/b/new", "a/same", "a/c/d/", "top"]);
  assert.deepEqual(leftOut, []);
  assert.deepEqual(folder.names("target"), ["a", "kept", "top"]);
  assert.deepEqual(folder.names("target/a/b"), ["new", "old"]);
  assert.deepEqual(folder.names("target/a/c"), ["d"]);
  assert.equal(await Deno.readTextFile(`${target}/a/same`), "new");
  assert.equal(await Deno.readTextFile(`${target}/kept/x`), "old");
  assert.equal((await Deno.stat(`${target}/a/b`)).ino, inode);
});

Deno.test("StagingDirectory: what is in the way is named once, and the rest is published", async () => {
  using folder = new TempFolder();
  const target = folder.tree("target", { "file\n": "old", "d/x": "old" });
  const leftOut = await publish(target, ["file\n/below/deeper", "d", "fine"]);
  assert.deepEqual(leftOut.map(([path, { path: shown, code }]) => [path, shown, code]).sort(), [
    ["d", "d", "system"],
    ["file\n", "file\\x0a", "system"],
  ]);
  assert.deepEqual(folder.names("target"), ["d", "file\n", "fine"]);
  assert.equal(await Deno.readTextFile(`${target}/file\n`), "old");
});

Deno.test("StagingDirectory: a link in the target is replaced, not followed", async () => {
  using folder = new TempFolder();
  const target = folder.tree("target");
  folder.tree("outside", { "safe": "safe" });
  await Deno.symlink("../outside", `${target}/d`);
  await Deno.symlink("../outside/safe", `${target}/f`);
  const leftOut = await publish(target, ["d/in", "f"]);
  assert.deepEqual(leftOut.map(([path]) => path), ["d"]);
  assert.equal(await Deno.readTextFile(`${target}/f`), "new");
  assert.deepEqual(folder.names("outside"), ["safe"]);
  assert.equal(await Deno.readTextFile(folder.file("outside/safe")), "safe");
});

Deno.test("StagingDirectory: a target that is a file is an error that names it", async () => {
  using folder = new TempFolder();
  await Deno.writeTextFile(folder.file("file"), "");
  await assert.rejects(StagingDirectory.create(folder.file("file")), (error: Error) => {
    assert.match(error.message, /^Cannot write into .*\/file: it is not a directory \(ENOTDIR\)$/);
    return true;
  });
  assert.equal(await Deno.readTextFile(folder.file("file")), "");
});
