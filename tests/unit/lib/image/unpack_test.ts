/** Goal: the tree comes back, whole or in part, and what cannot is left out and named. */

import assert from "node:assert/strict";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { packDirectory } from "../../../../lib/image/pack.ts";
import { unpackImage } from "../../../../lib/image/unpack.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { SeededRandom } from "../../../helpers/seeded_random.ts";

const LARGE = new SeededRandom(51).bytes(1_200_000);

interface Packed {
  readonly meta: string;
  readonly store: MemoryStore;
}

async function pack(folder: TempFolder): Promise<Packed> {
  const source = folder.tree("tree", { "d/large": LARGE, "d/small": "small", "empty": "" });
  await Deno.link(`${source}/d/large`, `${source}/twin`);
  await Deno.symlink("d/small", `${source}/link`);
  await Deno.chmod(`${source}/d/small`, 0o440);
  await Deno.chmod(`${source}/d`, 0o750);
  await Deno.utime(`${source}/d`, 0, 1_000_000);
  const [meta, store] = [folder.file("a.fl"), new MemoryStore()];
  await packDirectory(source, { meta, store, jobs: 1 });
  return { meta, store };
}

Deno.test("unpackImage: everything comes back, and the report counts it", async () => {
  using folder = new TempFolder();
  const { meta, store } = await pack(folder);
  const target = folder.file("out");
  const report = await unpackImage(meta, target, { store, jobs: 2 });
  const { files, directories, symlinks, hardLinks, contentBytes, failures, losses } = report;
  assert.deepEqual([files, directories, symlinks, hardLinks], [3, 2, 1, 1]);
  assert.equal(contentBytes, LARGE.length + 5);
  assert.deepEqual([failures, losses, report.target], [[], [], target]);
  assert.deepEqual(folder.names("out"), ["d", "empty", "link", "twin"]);
  assert.deepEqual(await Deno.readFile(`${target}/d/large`), LARGE);
  assert.equal((await Deno.stat(`${target}/d/large`)).ino, (await Deno.stat(`${target}/twin`)).ino);
  assert.equal(await Deno.readLink(`${target}/link`), "d/small");
  assert.equal((await Deno.stat(`${target}/d/small`)).mode! & 0o7777, 0o440);
  const { mode, mtime } = await Deno.stat(`${target}/d`);
  assert.deepEqual([mode! & 0o7777, mtime!.getTime()], [0o750, 1_000_000_000]);
});

Deno.test("unpackImage: a part of the image is a directory's content, or one file", async () => {
  using folder = new TempFolder();
  const { meta, store } = await pack(folder);
  await unpackImage(meta, folder.file("out"), { store, jobs: 1, path: "d" });
  assert.deepEqual(folder.names("out"), ["large", "small"]);
  await unpackImage(meta, folder.file("one"), { store, jobs: 1, path: "/twin" });
  assert.deepEqual(folder.names("one"), ["twin"]);
  assert.deepEqual(await Deno.readFile(folder.file("one/twin")), LARGE);
  await assert.rejects(unpackImage(meta, folder.file("none"), { store, path: "none" }), {
    code: "path_not_found",
  });
  assert.ok(!folder.names().includes("none"));
});

Deno.test("unpackImage: files that need a missing block are left out by every name; the rest comes", async () => {
  using folder = new TempFolder();
  const { meta, store } = await pack(folder);
  {
    using flist = FlistReader.open(meta);
    const directory = flist.child(1, "d")!;
    const large = flist.child(directory.ino, "large")!;
    const [extent] = flist.extents(large.hardLinkTo ?? large.ino);
    await store.delete(flist.chunk(extent!.chunk).id);
  }
  const report = await unpackImage(meta, folder.file("out"), { store, jobs: 1 });
  assert.deepEqual(report.failures.map(({ path }) => path).sort(), ["d/large", "twin"]);
  assert.deepEqual(report.failures.map(({ code }) => code).sort(), [
    "block_not_found",
    "partial_failure",
  ]);
  assert.deepEqual(folder.names("out"), ["d", "empty", "link"]);
  assert.deepEqual(folder.names("out/d"), ["small"]);
  assert.deepEqual([report.files, report.hardLinks], [2, 0]);
});

Deno.test("unpackImage: an abort leaves the target as it was", async () => {
  using folder = new TempFolder();
  const { meta, store } = await pack(folder);
  folder.tree("out", { "kept": "kept" });
  const abort = new AbortController();
  const reason = new Error("stop");
  const run = unpackImage(meta, folder.file("out"), {
    store,
    jobs: 1,
    signal: abort.signal,
    onProgress: ({ phase }) => phase === "write" && abort.abort(reason),
  });
  await assert.rejects(run, (error) => error === reason);
  assert.deepEqual(folder.names("out"), ["kept"]);
});
