/**
 * Packing on top of an earlier flist: what did not change is neither read nor stored again, and
 * whatever did change is noticed.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  checkImage,
  diffImages,
  MemoryStore,
  openImage,
  packDirectory,
  type PackOptions,
  type PackReport,
  UnsupportedError,
} from "../../mod.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { runApi } from "../helpers/api_runner.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

/** Files are known by their times only when these are older than clocks are coarse (2.1 s). */
const SETTLING_MS = 2300;

const random = new SeededRandom(99);
const LARGE = random.bytes(3_000_000);
const SMALL = random.bytes(9000);

function makeTree(folder: TempFolder): string {
  const files: Record<string, string | Uint8Array> = {
    "large": LARGE,
    "small": SMALL,
    "empty": "",
  };
  for (let i = 0; i < 100; i++) files[`d${i % 5}/file ${i}`] = random.bytes(3000);
  return folder.tree("tree", files);
}

/** Packs the folder `tree` on the base `base.fl`, and checks the result against the tree. */
async function packOnBase(
  folder: TempFolder,
  options: Partial<PackOptions> = {},
): Promise<PackReport> {
  const source = folder.file("tree");
  const meta = folder.file("next.fl");
  const store = options.store ?? `dir://${folder.file("blocks")}`;
  const base = folder.file("base.fl");
  const stateFolder = folder.file("state");
  const report = await packDirectory(source, { meta, store, base, stateFolder, ...options });
  assert.deepEqual(report.failures, []);
  const fromStore = typeof store === "string" ? {} : { store };
  const check = await checkImage(meta, fromStore);
  assert.equal(check.blocksOk, report.chunks);
  await using image = await openImage(meta, fromStore);
  for await (const { path, kind, size } of image.walk()) {
    if (kind !== "file") continue;
    const content = await Deno.readFile(`${source}/${path}`);
    assert.equal(size, content.length, path);
    assert.deepEqual(await image.readFile(path), content, path);
  }
  return report;
}

Deno.test("pack with a base", async (t) => {
  using folder = new TempFolder();
  const source = makeTree(folder);
  const store = `dir://${folder.file("blocks")}`;
  const stateFolder = folder.file("state");
  await new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
  const first = await packDirectory(source, { meta: folder.file("base.fl"), store, stateFolder });

  await t.step("stores and reads nothing when nothing changed", async () => {
    const report = await packOnBase(folder);
    assert.equal(report.unchangedFiles, 102);
    assert.deepEqual([report.blocksStored, report.blocksPresent, report.storedBytes], [0, 0, 0]);
    assert.equal(report.blocksReused, first.chunks);
    assert.equal(report.contentBytes, first.contentBytes);
    assert.equal(report.referencedBytes, first.referencedBytes);
    const diff = await diffImages(folder.file("base.fl"), folder.file("next.fl"));
    assert.deepEqual([diff.added, diff.removed, diff.changed], [[], [], []]);
    assert.equal(diff.blocksAdded, 0);
  });

  await t.step("reads everything and stores nothing without the folder of stamps", async () => {
    const report = await packOnBase(folder, { stateFolder: folder.file("no state") });
    assert.equal(report.unchangedFiles, 0);
    assert.deepEqual([report.blocksStored, report.storedBytes], [0, 0]);
    assert.equal(report.chunks, first.chunks);
  });

  await t.step("does not believe stamps that are damaged or of another flist", async () => {
    const stamps = folder.file(`state/stamps/${folder.names("state/stamps")[0]}`);
    const good = await Deno.readFile(stamps);
    for (const bad of [good.subarray(0, 100), new Uint8Array(good.length), new Uint8Array()]) {
      await Deno.writeFile(stamps, bad);
      assert.equal((await packOnBase(folder)).unchangedFiles, 0);
    }
    await Deno.writeFile(stamps, good);
    assert.equal((await packOnBase(folder)).unchangedFiles, 102);
  });

  await t.step(
    "finds what is new, changed, renamed and removed, and stores only that",
    async () => {
      await Deno.writeFile(`${source}/d0/new`, random.bytes(5000));
      await Deno.writeFile(`${source}/d0/file 0`, random.bytes(2500));
      await Deno.rename(`${source}/d1/file 1`, `${source}/d2/renamed`);
      await Deno.rename(`${source}/large`, `${source}/d3/large moved`);
      await Deno.remove(`${source}/d4/file 4`);
      const report = await packOnBase(folder);
      assert.equal(report.unchangedFiles, 102 - 4);
      assert.ok(report.storedBytes > 7500 && report.storedBytes < 9000, `${report.storedBytes}`);
      const diff = await diffImages(folder.file("base.fl"), folder.file("next.fl"));
      assert.deepEqual(diff.added, ["d0/new", "d2/renamed", "d3/large moved"]);
      assert.deepEqual(diff.removed, ["d1/file 1", "d4/file 4", "large"]);
      const changed = diff.changed.filter(({ changes }) => changes.includes("content"));
      assert.deepEqual(changed.map(({ path }) => path), ["d0/file 0"]);
    },
  );

  await t.step("notices new content behind an old size and an old mtime", async () => {
    const path = `${source}/d2/file 2`;
    const { mtime } = await Deno.stat(path);
    await Deno.writeFile(path, random.bytes(3000));
    await Deno.utime(path, 0, mtime!);
    await packOnBase(folder);
  });

  await t.step("reuses the chunks of a large file that changed in one place", async () => {
    const changed = LARGE.slice();
    changed.fill(1, 1_500_000, 1_500_010);
    await Deno.writeFile(`${source}/d3/large moved`, changed);
    const report = await packOnBase(folder);
    assert.ok(report.storedBytes < LARGE.length * 0.75, `${report.storedBytes} stored`);
  });

  await t.step("keeps apart what hard links share now and did not before", async () => {
    await Deno.remove(`${source}/small`);
    await Deno.link(`${source}/d0/file 5`, `${source}/small`);
    const report = await packOnBase(folder);
    assert.equal(report.hardLinks, 1);
  });

  await t.step("packs again what the store has lost", async () => {
    const lost = folder.names("blocks").slice(0, 3);
    for (const prefix of lost) {
      await Deno.remove(folder.file(`blocks/${prefix}`), { recursive: true });
    }
    const report = await packOnBase(folder);
    assert.ok(report.blocksStored >= 3 && report.blocksReused > 0);
  });

  await t.step("goes into an empty store whole", async () => {
    const report = await packOnBase(folder, { store: new MemoryStore() });
    assert.equal(report.blocksReused, 0);
    assert.equal(report.blocksStored, report.chunks);
  });

  await t.step("refuses a base of the other profile, and says what to do", async () => {
    await assert.rejects(packOnBase(folder, { profile: "rfs" }), (error) => {
      assert.ok(error instanceof UnsupportedError);
      assert.match(error.message, /base\.fl: it has the profile myfs, not rfs/);
      assert.match(error.hint!, /--profile myfs/);
      return true;
    });
  });

  await t.step("may be written over its own base", async () => {
    const base = folder.file("base.fl");
    const report = await packDirectory(source, { meta: base, base, store, stateFolder });
    assert.equal(report.blocksStored, 0);
  });
});

Deno.test("pack with a base: works for the rfs profile too, which has no digests", async () => {
  using folder = new TempFolder();
  makeTree(folder);
  const store = `dir://${folder.file("blocks")}`;
  const meta = folder.file("base.fl");
  await packDirectory(folder.file("tree"), { meta, store, profile: "rfs" });
  await Deno.writeTextFile(folder.file("tree/new"), "new");
  const report = await packOnBase(folder, { profile: "rfs" });
  assert.equal(report.blocksStored, 1);
});

Deno.test("pack with a base: files that were just written are read again", async () => {
  using folder = new TempFolder();
  const source = folder.tree("tree", { "a": "first" });
  const store = `dir://${folder.file("blocks")}`;
  const stateFolder = folder.file("state");
  await packDirectory(source, { meta: folder.file("base.fl"), store, stateFolder });
  // A change within one step of the file system's clock shows in no time.
  const report = await packOnBase(folder);
  assert.equal(report.unchangedFiles, 0);
});

requiringTest(
  ["linux", "strace"],
  "pack with a base: files that did not change are not opened",
  async () => {
    using folder = new TempFolder();
    const source = folder.tree("tree", { "unchanged": "u", "large unchanged": LARGE, "new": "n" });
    await new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
    const store = `dir://${folder.file("blocks")}`;
    const stateFolder = folder.file("state");
    const base = folder.file("base.fl");
    await packDirectory(source, { meta: base, store, stateFolder, exclude: ["new"] });
    const log = folder.file("strace.log");
    const under = ["strace", "-f", "-qq", "-s", "100", "-e", "trace=openat", "-o", log];
    const options = { meta: folder.file("next.fl"), store, base, stateFolder, jobs: 1 };
    const { report } = await runApi<PackReport>(["pack", source, options], { under });
    assert.equal(report?.unchangedFiles, 2);
    const opened = await Deno.readTextFile(log);
    assert.ok(opened.includes('"new"'));
    assert.ok(!opened.includes('unchanged"'));
  },
);
