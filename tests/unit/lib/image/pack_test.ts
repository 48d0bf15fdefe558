/** Goal: a pack holds what the tree has, tells what it could not hold, and publishes all or nothing. */

import assert from "node:assert/strict";
import { StoreUnavailableError } from "../../../../lib/base/errors.ts";
import { openImage } from "../../../../lib/image/image.ts";
import { inspectImage } from "../../../../lib/image/inspect.ts";
import { packDirectory, resolveJobs } from "../../../../lib/image/pack.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { FaultyStore } from "../../../helpers/faulty_store.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { SeededRandom } from "../../../helpers/seeded_random.ts";

Deno.test("resolveJobs: 1 to 64 threads, as many as there are cores unless told", () => {
  assert.equal(resolveJobs(undefined), Math.min(navigator.hardwareConcurrency, 64));
  assert.deepEqual([1, 64].map(resolveJobs), [1, 64]);
  for (const jobs of [0, 65, 1.5, NaN, -1]) assert.throws(() => resolveJobs(jobs), RangeError);
});

Deno.test("packDirectory: equal contents are kept once, and the report counts what is there", async () => {
  using folder = new TempFolder();
  const large = new SeededRandom(41).bytes(300_000);
  const source = folder.tree("tree", {
    "a/large": large,
    "b/same": large,
    "small": "s",
    "same": "s",
    "empty": "",
  });
  await Deno.link(`${source}/small`, `${source}/twin`);
  await Deno.symlink("small", `${source}/link`);
  const [meta, store] = [folder.file("a.fl"), new MemoryStore()];
  const report = await packDirectory(source, { meta, store, jobs: 2 });
  const { files, directories, symlinks, hardLinks, contentBytes, failures, losses } = report;
  assert.deepEqual([files, directories, symlinks, hardLinks], [5, 3, 1, 1]);
  assert.equal(contentBytes, 2 * large.length + 2);
  assert.deepEqual([failures, losses], [[], []]);
  const blocks = await Array.fromAsync(store.list());
  assert.deepEqual([report.blocksStored, report.chunks], [blocks.length, blocks.length]);
  assert.ok(report.storedBytes < large.length + 10_000, `${report.storedBytes}`);
  assert.equal(report.referencedBytes, report.storedBytes);
  const summary = await inspectImage(meta);
  assert.deepEqual([summary.files, summary.contentBytes], [files, contentBytes]);
  const again = await packDirectory(source, { meta, store, jobs: 1 });
  assert.deepEqual([again.blocksStored, again.blocksPresent], [0, blocks.length]);
});

Deno.test("packDirectory: leaves out what is excluded, and what it writes itself", async () => {
  using folder = new TempFolder();
  const source = folder.tree("tree", { "keep": "k", "x.o": "x", "blocks/other": "o" });
  const meta = `${source}/a.fl`;
  const store = `dir://${source}/blocks`;
  const report = await packDirectory(source, { meta, store, exclude: ["*.o"], jobs: 1 });
  await using image = await openImage(meta);
  const paths = (await Array.fromAsync(image.walk())).map(({ path }) => path);
  assert.deepEqual(paths, ["", "keep"]);
  assert.ok(report.losses.some(({ examples }) => examples.includes("blocks")));
});

Deno.test("packDirectory: a store that fails leaves no flist, and an older one as it was", async () => {
  using folder = new TempFolder();
  const source = folder.tree("tree", { "a": "a" });
  const meta = folder.file("a.fl");
  const error = new StoreUnavailableError("mem://", "Away");
  for (const call of ["put", "flush"] as const) {
    const store = new FaultyStore(new MemoryStore(), [{ call, error }]);
    await assert.rejects(packDirectory(source, { meta, store, jobs: 1 }), StoreUnavailableError);
    assert.deepEqual(folder.names(), ["tree"]);
  }
  await packDirectory(source, { meta, store: new MemoryStore(), jobs: 1 });
  const before = await Deno.readFile(meta);
  await Deno.writeTextFile(`${source}/b`, "b");
  const store = new FaultyStore(new MemoryStore(), [{ call: "put", error }]);
  await assert.rejects(packDirectory(source, { meta, store, jobs: 1 }), StoreUnavailableError);
  assert.deepEqual(await Deno.readFile(meta), before);
  assert.deepEqual(folder.names(), ["a.fl", "tree"]);
});

Deno.test("packDirectory: a domain secret changes every block, and readers still read", async () => {
  using folder = new TempFolder();
  const source = folder.tree("tree", { "a": "content" });
  const [meta, store] = [folder.file("a.fl"), new MemoryStore()];
  await packDirectory(source, { meta, store, jobs: 1 });
  const plain = await Array.fromAsync(store.list());
  const domainSecret = new Uint8Array(32).fill(7);
  const { blocksPresent } = await packDirectory(source, { meta, store, domainSecret, jobs: 1 });
  assert.equal(blocksPresent, 0);
  assert.equal((await Array.fromAsync(store.list())).length, 2 * plain.length);
  await using image = await openImage(meta, { store });
  assert.equal(new TextDecoder().decode(await image.readFile("a")), "content");
});

Deno.test("packDirectory: a source that is not there, and an abort, leave nothing behind", async () => {
  using folder = new TempFolder();
  const options = { meta: folder.file("a.fl"), store: new MemoryStore(), jobs: 1 };
  await assert.rejects(packDirectory(folder.file("none"), options), { errno: "ENOENT" });
  const reason = new Error("stop");
  const signal = AbortSignal.abort(reason);
  const source = folder.tree("tree", { "a": "a" });
  await assert.rejects(packDirectory(source, { ...options, signal }), (error) => error === reason);
  assert.deepEqual(folder.names(), ["tree"]);
});
