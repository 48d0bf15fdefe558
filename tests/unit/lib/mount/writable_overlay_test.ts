/** Goal: an overlay's directories are checked before anything is mounted, and found in the table. */

import assert from "node:assert/strict";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { parseMountTable } from "../../../../lib/fuse/mount_table.ts";
import { packDirectory } from "../../../../lib/image/pack.ts";
import {
  mountOverlay,
  overlayOn,
  prepareOverlay,
  removeWorkDirectory,
} from "../../../../lib/mount/writable_overlay.ts";
import { unmount } from "../../../../lib/fuse/unmount.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { requiringTest } from "../../../helpers/require.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

async function rootOf(folder: TempFolder): Promise<FlistReader> {
  const source = folder.tree("tree", { "a": "a" });
  await Deno.chmod(source, 0o2751);
  await Deno.chown(source, 12, 34);
  await Deno.utime(source, 5, 1234.5);
  const meta = folder.file("a.fl");
  await packDirectory(source, { meta, store: new MemoryStore() });
  return FlistReader.open(meta);
}

Deno.test("writable overlay: it is told from others in the table", () => {
  const text = [
    "50 1 0:45 / /mnt ro - fuse.myfs /a.fl ro,user_id=0",
    "51 50 0:46 / /mnt rw - overlay /a.fl rw,lowerdir=/mnt,upperdir=/a\\134\\054b\\040c,workdir=/w",
    "52 1 0:47 / /other rw - overlay x rw,lowerdir=/mnt,upperdir=/other,workdir=/w",
  ].join("\n");
  const table = parseMountTable(new TextEncoder().encode(text));
  assert.deepEqual(overlayOn({ id: 50, target: "/mnt" }, table), { id: 51, upper: "/a,b c" });
  assert.equal(overlayOn({ id: 1, target: "/mnt" }, table), undefined);
});

requiringTest(
  ["root"],
  "writable overlay: a fresh upper directory is like the image's root",
  async () => {
    using folder = new TempFolder();
    using flist = await rootOf(folder);
    const target = folder.tree("mnt");
    const { upper, work } = await prepareOverlay(folder.file("new/upper"), target, flist);
    const { mode, uid, gid, mtime } = await Deno.stat(upper);
    assert.deepEqual([mode! & 0o7777, uid, gid, mtime?.getTime()], [0o2751, 12, 34, 1_234_500]);
    assert.equal((await Deno.stat(work)).isDirectory, true);
    await removeWorkDirectory(upper);
    // One with changes stays as it is.
    await Deno.writeTextFile(`${upper}/x`, "");
    await Deno.chmod(upper, 0o700);
    await prepareOverlay(upper, target, flist);
    assert.equal((await Deno.stat(upper)).mode! & 0o7777, 0o700);
  },
);

requiringTest(["root"], "writable overlay: directories within each other are refused", async () => {
  using folder = new TempFolder();
  using flist = await rootOf(folder);
  const target = folder.tree("mnt");
  await assert.rejects(prepareOverlay(`${target}/upper`, target, flist), /lie in each other/);
  await assert.rejects(prepareOverlay(folder.path, target, flist), /lie in each other/);
});

requiringTest(["root"], "writable overlay: what has the work directory's name stays", async () => {
  using folder = new TempFolder();
  using flist = await rootOf(folder);
  const target = folder.tree("mnt");
  folder.tree("upper.work", { "thesis": "years of work" });
  const upper = folder.file("upper");
  await assert.rejects(prepareOverlay(upper, target, flist), /upper\.work is there already/);
  await removeWorkDirectory(upper);
  assert.equal(await Deno.readTextFile(`${upper}.work/thesis`), "years of work");
  // What an overlay left goes.
  folder.tree("other.work/work", { "#1": "" });
  await prepareOverlay(folder.file("other"), target, flist);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(folder.file("other.work"))), []);
});

requiringTest(
  ["root", "mount"],
  "writable overlay: names with every special character are used, and a second use is refused",
  async () => {
    using folder = new TempFolder();
    using flist = await rootOf(folder);
    const target = folder.tree("mnt, of: a\\b", { "a": "below" });
    const places = await prepareOverlay(folder.file("upper, of: a\\b"), target, flist);
    await mountOverlay(target, "test", places);
    try {
      await Deno.writeTextFile(`${target}/a`, "above");
      assert.equal(await Deno.readTextFile(`${places.upper}/a`), "above");
      await assert.rejects(
        prepareOverlay(places.upper, folder.tree("other"), flist),
        /is in use on .*mnt/,
      );
    } finally {
      await unmount(target);
    }
    assert.equal(await Deno.readTextFile(`${target}/a`), "below");
    await removeWorkDirectory(places.upper);
  },
);

requiringTest(
  ["root", "mount"],
  "writable overlay: a file system that cannot is named",
  async () => {
    using folder = new TempFolder();
    const places = { upper: "/proc/sys", work: "/proc/sys/kernel" };
    await assert.rejects(
      mountOverlay(folder.tree("mnt"), "test", places),
      /Cannot mount on .*: the file system of \/proc\/sys \(proc\) cannot hold/,
    );
  },
);
