/**
 * Trees of some size: a directory with 100,000 entries, a tree that every machine has, files of
 * several segments.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  checkImage,
  diffImages,
  inspectImage,
  MemoryStore,
  openImage,
  packDirectory,
  unpackImage,
} from "../../mod.ts";
import { FlistWriter } from "../../lib/flist/flist_writer.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { assertSameDump, dumpTree } from "../helpers/tree_dump.ts";

const ENTRIES = 100_000;

Deno.test("round trip: a directory with 100,000 entries", async () => {
  using folder = new TempFolder();
  const source = folder.tree("tree/wide");
  // One inode with many names is the cheapest way to so many entries; every 50th is its own.
  let file = "";
  let files = 0;
  for (let i = 0; i < ENTRIES; i++) {
    const path = `${source}/entry ${i}`;
    if (i % 50 === 0) {
      file = path;
      files++;
      await Deno.writeTextFile(path, `${i}`);
    } else {
      await Deno.link(file, path);
    }
  }
  const meta = folder.file("wide.fl");
  const store = `dir://${folder.file("blocks")}`;
  const packed = await packDirectory(folder.file("tree"), { meta, store });
  assert.deepEqual([packed.files, packed.hardLinks], [files, ENTRIES - files]);
  {
    await using image = await openImage(meta);
    assert.equal(image.readDirectory("wide").length, ENTRIES);
    assert.equal(image.stat("wide/entry 99999").hardLinkTo, "wide/entry 99950");
  }
  const target = folder.file("out");
  const unpacked = await unpackImage(meta, target);
  assert.deepEqual([unpacked.files, unpacked.hardLinks], [files, ENTRIES - files]);
  const names = new Set<string>();
  for await (const { name } of Deno.readDir(`${target}/wide`)) names.add(name);
  assert.equal(names.size, ENTRIES);
  for (const i of [0, 1, 49, 50, 51, 77_777, 99_999]) {
    assert.equal(await Deno.readTextFile(`${target}/wide/entry ${i}`), `${i - i % 50}`);
  }
  assert.equal((await Deno.stat(`${target}/wide/entry 3`)).nlink, 50);
});

Deno.test("round trip: 2,000 directories in each other", async () => {
  using folder = new TempFolder();
  const meta = folder.file("deep.fl");
  const entry = { uid: Deno.uid()!, gid: Deno.gid()!, size: 0, mtime: 1, mtimeNsec: 2, rdev: 0 };
  {
    using writer = FlistWriter.create(meta, { profile: "myfs" });
    let parent = writer.addInode({ ...entry, parent: 0, name: "", mode: 0o40755 });
    for (let i = 0; i < 2000; i++) {
      parent = writer.addInode({ ...entry, parent, name: "deeper and deeper", mode: 0o40711 });
    }
    writer.addInode({ ...entry, parent, name: "bottom", mode: 0o100600 });
    writer.finish();
  }
  const store = new MemoryStore();
  const report = await unpackImage(meta, folder.file("out"), { store, jobs: 1 });
  assert.deepEqual([report.failures, report.losses], [[], []]);
  assert.deepEqual([report.directories, report.files], [2001, 1]);
  const again = folder.file("again.fl");
  await packDirectory(folder.file("out"), { meta: again, store, jobs: 1 });
  const diff = await diffImages(meta, again);
  assert.deepEqual([diff.added, diff.removed, diff.changed], [[], [], []]);
});

/** Trees that Debian's base system and its relatives have. */
const REAL_TREES = ["/usr/share/zoneinfo", "/usr/share/perl", "/usr/share/perl5", "/usr/share/doc"];

requiringTest(["linux", "root", "python3"], "round trip: a tree of this machine", async () => {
  using folder = new TempFolder();
  const source = REAL_TREES.find((path) => {
    try {
      return Array.from(Deno.readDirSync(path)).length > 1;
    } catch {
      return false;
    }
  });
  assert.ok(source !== undefined, `This machine has none of ${REAL_TREES.join(", ")}`);
  const meta = folder.file("real.fl");
  const store = [`00-7f=dir://${folder.file("low")}`, `60-ff=dir://${folder.file("high")}`];
  const packed = await packDirectory(source, { meta, store });
  assert.deepEqual(packed.failures, []);
  const report = await unpackImage(meta, folder.file("out"), { preserveOwnership: true });
  assert.deepEqual([report.failures, report.losses], [[], []]);
  assertSameDump(dumpTree(folder.file("out")), dumpTree(source));
  assert.equal((await checkImage(meta)).blocksOk, packed.chunks);
});

Deno.test("round trip: files of several segments, whatever their ends", async () => {
  using folder = new TempFolder();
  const source = folder.tree("tree");
  const MIB = 2 ** 20;
  const unit = new SeededRandom(4711).bytes(MIB);
  const digests = new Map<string, string>();
  for (const size of [64 * MIB, 64 * MIB + 1, 129 * MIB - 5]) {
    const content = new Uint8Array(size);
    for (let at = 0, i = 0; at < size; at += MIB, i++) {
      // Each mebibyte differs, and half of it compresses.
      content.set(unit.subarray(0, Math.min(MIB / 2, size - at)), at);
      content[at] = i;
    }
    await Deno.writeFile(`${source}/${size}`, content);
    digests.set(`${size}`, createHash("sha256").update(content).digest("hex"));
  }
  const store = `dir://${folder.file("blocks")}`;
  const flists: Uint8Array[] = [];
  for (const jobs of [1, 3]) {
    const meta = folder.file(`${jobs}.fl`);
    const report = await packDirectory(source, { meta, store, jobs });
    assert.deepEqual(report.failures, []);
    flists.push(await Deno.readFile(meta));
  }
  assert.deepEqual(flists[0], flists[1]);
  await unpackImage(folder.file("1.fl"), folder.file("out"));
  for (const [name, digest] of digests) {
    const content = await Deno.readFile(folder.file(`out/${name}`));
    assert.equal(createHash("sha256").update(content).digest("hex"), digest, name);
  }
  assert.equal((await inspectImage(folder.file("1.fl"))).files, 3);
});
