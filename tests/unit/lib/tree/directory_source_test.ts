/** Goal: a walk tells everything in one order, leaves out what it should, and survives what it meets. */

import assert from "node:assert/strict";
import { compareByteStrings } from "../../../../lib/base/byte_string.ts";
import type { Failure } from "../../../../lib/base/errors.ts";
import {
  joinPath,
  scanDirectory,
  type ScannedDirectory,
  type ScannedEntry,
  type ScanOptions,
} from "../../../../lib/tree/directory_source.ts";
import { makeDevice } from "../../../../lib/tree/tree_entry.ts";
import { makeRandomTree } from "../../../helpers/random_tree.ts";
import { requiringTest } from "../../../helpers/require.ts";
import { openDescriptors } from "../../../helpers/open_descriptors.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { SeededRandom, takeSeed } from "../../../helpers/seeded_random.ts";

async function scan(root: string, options: Partial<ScanOptions> = {}): Promise<{
  directories: ScannedDirectory[];
  entries: Map<string, ScannedEntry>;
  failures: Failure[];
}> {
  const failures: Failure[] = [];
  const onFailure = (failure: Failure): void => void failures.push(failure);
  const directories = await Array.fromAsync(scanDirectory(root, { onFailure, ...options }));
  const entries = new Map(
    directories.flatMap(({ path, entries }) =>
      entries.map((entry) => [joinPath(path, entry.name), entry] as const)
    ),
  );
  return { directories, entries, failures };
}

Deno.test("scanDirectory: directories come before what is in them, names sorted by their bytes", async () => {
  const seed = takeSeed();
  using folder = new TempFolder();
  const root = folder.file("tree");
  makeRandomTree(root, new SeededRandom(seed), { entries: 120, sizeMax: 10, sizes: [0] });
  const { directories, entries, failures } = await scan(root);
  assert.deepEqual(failures, []);
  const known = new Set([""]);
  for (const { path, entries } of directories) {
    assert.ok(known.delete(path), `${path} comes before its entry or twice, SEED=${seed}`);
    const names = entries.map(({ name }) => name);
    assert.deepEqual(names, names.toSorted(compareByteStrings), `SEED=${seed}`);
    for (const { name, kind } of entries) if (kind === "directory") known.add(joinPath(path, name));
  }
  assert.deepEqual([...known], []);
  assert.equal(entries.size, 120);
  assert.equal(openDescriptors(folder.path), 0);
});

Deno.test("scanDirectory: tells metadata, link targets, hard links and holes", async () => {
  using folder = new TempFolder();
  const root = folder.tree("tree", { "file": "content", "d/in": "" });
  await Deno.link(`${root}/file`, `${root}/again`);
  await Deno.symlink("no/where", `${root}/link`);
  await Deno.chmod(`${root}/file`, 0o640);
  await Deno.utime(`${root}/file`, 0, -5);
  const sparse = await Deno.open(`${root}/sparse`, { write: true, create: true });
  sparse.truncateSync(1_000_000);
  sparse.close();
  const { entries, directories } = await scan(root);
  const file = entries.get("file")!;
  assert.deepEqual([file.kind, file.size, file.mode, file.mtime, file.linkCount, file.hasHoles], [
    "file",
    7,
    0o100640,
    -5,
    2,
    false,
  ]);
  assert.equal(entries.get("again")!.inode, file.inode);
  const link = entries.get("link")!;
  assert.deepEqual([link.kind, link.linkTarget, link.size], ["symlink", "no/where", 8]);
  assert.equal(file.linkTarget, undefined);
  assert.equal(entries.get("sparse")!.hasHoles, true);
  assert.equal(entries.get("d")!.size, 0);
  assert.equal(directories[0]!.self.inode, (await Deno.stat(root)).ino);
  assert.equal(directories[0]!.self.name, "");
});

Deno.test("scanDirectory: a directory that is excluded is not entered", async () => {
  using folder = new TempFolder();
  const root = folder.tree("tree", { "keep/a": "", "skip/b": "", "c": "" });
  const asked: string[] = [];
  const { entries, directories } = await scan(root, {
    exclude: (path, kind) => {
      asked.push(`${path} ${kind}`);
      return path === "skip" || path === "c";
    },
  });
  assert.deepEqual([...entries.keys()], ["keep", "keep/a"]);
  assert.deepEqual(directories.map(({ path }) => path), ["", "keep"]);
  assert.deepEqual(asked, ["c file", "keep directory", "skip directory", "keep/a file"]);
});

Deno.test("scanDirectory: what vanishes meanwhile is told, and the walk goes on", async () => {
  using folder = new TempFolder();
  const root = folder.tree("tree", { "a/x": "", "b\n/y": "", "c/z": "" });
  const { directories, failures } = await scan(root, {
    exclude: (path) => {
      if (path === "a/x") Deno.removeSync(`${root}/b\n`, { recursive: true });
      return false;
    },
  });
  assert.deepEqual(directories.map(({ path }) => path), ["", "a", "b\n", "c"]);
  assert.deepEqual(failures.map(({ path, code }) => [path, code]), [["b\\x0a", "system"]]);
});

Deno.test("scanDirectory: a root that cannot be read is an error, and nothing stays open", async () => {
  using folder = new TempFolder();
  await Deno.writeTextFile(folder.file("file"), "");
  await assert.rejects(scan(folder.file("none")), { errno: "ENOENT" });
  await assert.rejects(scan(folder.file("file")), { errno: "ENOTDIR" });
  assert.equal(openDescriptors(folder.path), 0);
});

Deno.test("scanDirectory: a walk that is given up closes what it held", async () => {
  using folder = new TempFolder();
  const root = folder.tree("tree", { "a/b/c": "" });
  for await (const { path } of scanDirectory(root, { onFailure: () => {} })) {
    if (path === "a/b") break;
  }
  assert.equal(openDescriptors(folder.path), 0);
});

requiringTest(
  ["root"],
  "scanDirectory: devices have the numbers that Linux gives them",
  async () => {
    const { entries } = await scan("/dev", { exclude: (path) => path !== "null" });
    assert.equal(entries.get("null")!.kind, "char-device");
    assert.equal(entries.get("null")!.rdev, makeDevice(1, 3));
  },
);

Deno.test("scanDirectory: other file systems stay empty where they are not wanted", async () => {
  // /proc is always one of its own.
  const exclude = (path: string): boolean => path !== "proc";
  const { directories, entries } = await scan("/", { exclude, oneFileSystem: true });
  assert.deepEqual(directories.map(({ path }) => path), ["", "proc"]);
  assert.deepEqual([...entries.keys()], ["proc"]);
  assert.notEqual(entries.get("proc")!.device, directories[0]!.self.device);
});
