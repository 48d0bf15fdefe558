/**
 * Disks that are full: a clear error, nothing half-done, and what was there is as good as before.
 * Method: small file systems in memory, mounted for each test.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  checkImage,
  packDirectory,
  StoreUnavailableError,
  SystemError,
  unpackImage,
} from "../../mod.ts";
import { requiringTest } from "../helpers/require.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { SmallDisk } from "../helpers/small_disk.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

const MIB = 2 ** 20;
const NEEDS = ["linux", "root", "mount"] as const;

requiringTest(
  NEEDS,
  "disk full: a store without room is named, older images stay sound",
  async () => {
    using folder = new TempFolder();
    using disk = new SmallDisk(folder, "size=4m");
    const random = new SeededRandom(12);
    const store = `dir://${disk.path}/blocks`;
    const older = folder.file("older.fl");
    await packDirectory(folder.tree("older", { "a": random.bytes(MIB) }), { meta: older, store });

    const source = folder.tree("tree", { "a": random.bytes(3 * MIB), "b": random.bytes(3 * MIB) });
    const meta = folder.file("a.fl");
    for (const jobs of [1, 2]) {
      await assert.rejects(packDirectory(source, { meta, store, jobs }), (error) => {
        assert.ok(error instanceof StoreUnavailableError, `${error}`);
        assert.equal(error.store, store);
        assert.match(error.message, /^Cannot store block [0-9a-f]{64} in dir:.*\(ENOSPC\)$/);
        assert.match(error.hint!, /space/);
        return true;
      });
    }
    assert.deepEqual(folder.names(), ["disk", "older", "older.fl", "tree"]);
    const check = await checkImage(older);
    assert.equal(check.blocksOk, check.blocks);
    // With some room made, the same command gets through.
    disk.resize("12m");
    await packDirectory(source, { meta, store });
    assert.equal((await checkImage(meta)).missing.length, 0);
  },
);

requiringTest(
  NEEDS,
  "disk full: a flist without room is named, and the old one stays",
  async () => {
    using folder = new TempFolder();
    using disk = new SmallDisk(folder, "size=300k");
    const store = `dir://${folder.file("blocks")}`;
    const meta = `${disk.path}/a.fl`;
    await packDirectory(folder.tree("small", { "a": "a" }), { meta, store });
    const before = await Deno.readFile(meta);
    const files: Record<string, string> = {};
    for (let i = 0; i < 4000; i++) files[`${"name ".repeat(20)}${i}`] = "";
    const source = folder.tree("tree", files);
    await assert.rejects(packDirectory(source, { meta, store }), (error) => {
      assert.ok(error instanceof SystemError, `${error}`);
      assert.equal(error.errno, "ENOSPC");
      assert.ok(error.message.includes(meta));
      return true;
    });
    assert.deepEqual(folder.names("disk"), ["a.fl"]);
    assert.deepEqual(await Deno.readFile(meta), before);
  },
);

for (
  const [what, options, files] of [
    ["bytes", "size=4m", { "a": 3 * MIB, "b/c": 3 * MIB, "d": 3 * MIB }],
    [
      "inodes",
      "size=40m,nr_inodes=30",
      Object.fromEntries(
        Array.from({ length: 100 }, (_, i) => [`d${i % 10}/${i}`, 100]),
      ),
    ],
  ] as const
) {
  requiringTest(
    NEEDS,
    `disk full: a target without ${what} is named, and left as it was`,
    async () => {
      using folder = new TempFolder();
      const random = new SeededRandom(13);
      const contents = Object.entries<number>(files).map((
        [path, size],
      ) => [path, random.bytes(size)]);
      const source = folder.tree("tree", Object.fromEntries(contents));
      const meta = folder.file("a.fl");
      await packDirectory(source, { meta, store: `dir://${folder.file("blocks")}` });
      using disk = new SmallDisk(folder, options);
      await Deno.writeTextFile(`${disk.path}/mine`, "mine");
      for (const jobs of [1, 2]) {
        await assert.rejects(unpackImage(meta, disk.path, { jobs }), (error) => {
          assert.ok(error instanceof SystemError, `${error}`);
          assert.equal(error.errno, "ENOSPC");
          assert.match(error.message, /^Cannot .*: the disk is full \(ENOSPC\)$/);
          assert.match(error.hint!, /space/);
          return true;
        });
        assert.deepEqual(folder.names("disk"), ["mine"]);
      }
    },
  );
}

requiringTest(NEEDS, "one file system: what is mounted in the tree stays out", async () => {
  using folder = new TempFolder();
  const source = folder.tree("disk", { "a": "a" });
  using disk = new SmallDisk(folder, "size=1m");
  await Deno.writeTextFile(`${disk.path}/inside`, "inside");
  const outer = folder.path;
  const options = { store: `dir://${folder.file("blocks")}`, jobs: 1, exclude: ["*.fl"] };
  const all = await packDirectory(outer, { ...options, meta: folder.file("all.fl") });
  const one = await packDirectory(outer, {
    ...options,
    meta: folder.file("one.fl"),
    oneFileSystem: true,
  });
  // The mount point stays, as an empty directory.
  assert.equal(source, disk.path);
  assert.deepEqual([all.files, one.files], [1, 0]);
  assert.equal(all.directories, one.directories);
});

requiringTest(NEEDS, "read-only target: the error says so", async () => {
  using folder = new TempFolder();
  const meta = folder.file("a.fl");
  await packDirectory(folder.tree("tree", { "a": "a" }), {
    meta,
    store: `dir://${folder.file("blocks")}`,
  });
  using disk = new SmallDisk(folder, "size=1m,ro");
  const options = { errno: "EROFS", name: "SystemError" };
  await assert.rejects(unpackImage(meta, disk.path), options);
  await assert.rejects(unpackImage(meta, `${disk.path}/new`), options);
  const store = `dir://${folder.file("blocks")}`;
  const packing = packDirectory(folder.file("tree"), { meta: `${disk.path}/a.fl`, store });
  await assert.rejects(packing, options);
});
