/**
 * What callers of the library may ask of a pack, and what they are told: options, reports, progress.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  checkImage,
  inspectImage,
  MemoryStore,
  openImage,
  packDirectory,
  type ProgressEvent,
  unpackImage,
} from "../../mod.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

async function pathsOf(meta: string): Promise<string[]> {
  await using image = await openImage(meta);
  return (await Array.fromAsync(image.walk(), ({ path }) => path)).slice(1);
}

Deno.test("pack: reports say what was done, to the byte", async () => {
  using folder = new TempFolder();
  const random = new SeededRandom(3);
  const large = random.bytes(700_000);
  const source = folder.tree("tree", {
    "large": large,
    "copy": large,
    "a/small": random.bytes(1000),
    "a/same": "same",
    "b/same": "same",
    "empty": "",
  });
  await Deno.link(`${source}/large`, `${source}/linked`);
  await Deno.symlink("nowhere", `${source}/link`);
  const store = new MemoryStore();
  const meta = folder.file("a.fl");
  const first = await packDirectory(source, { meta, store, jobs: 1 });
  const { files, directories, symlinks, specials, hardLinks, contentBytes } = first;
  assert.deepEqual(
    { files, directories, symlinks, specials, hardLinks, contentBytes },
    {
      files: 6,
      directories: 3,
      symlinks: 1,
      specials: 0,
      hardLinks: 1,
      contentBytes: 1_400_000 + 1000 + 8,
    },
  );
  assert.equal(first.flistBytes, (await Deno.stat(meta)).size);
  const blocks = await Array.fromAsync(store.list(), (id) => store.get(id));
  let storedBytes = 0;
  for (const block of blocks) storedBytes += block.length;
  assert.equal(first.storedBytes, storedBytes);
  assert.equal(first.referencedBytes, storedBytes);
  assert.deepEqual(
    [first.chunks, first.blocksStored, first.blocksPresent, first.blocksReused],
    [blocks.length, blocks.length, 0, 0],
  );
  assert.ok(first.durationMs > 0 && Number.isFinite(first.durationMs));

  const second = await packDirectory(source, { meta, store, jobs: 1 });
  assert.deepEqual(
    [second.blocksStored, second.blocksPresent, second.storedBytes, second.referencedBytes],
    [0, blocks.length, 0, storedBytes],
  );

  const unpacked = await unpackImage(meta, folder.file("out"), { store, jobs: 1 });
  assert.equal(unpacked.contentBytes, contentBytes);
  assert.equal(unpacked.blocksRead, blocks.length);
  assert.equal(unpacked.blockBytes, storedBytes);
  const checked = await checkImage(meta, { store, jobs: 1 });
  assert.deepEqual([checked.blocks, checked.blocksOk], [blocks.length, blocks.length]);
  assert.equal(checked.blockBytes, storedBytes);
  // Reports go to machines as JSON.
  for (const report of [first, unpacked, checked, await inspectImage(meta)]) {
    assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
  }
});

Deno.test("pack and unpack: progress only goes forward, and ends where the totals say", async () => {
  using folder = new TempFolder();
  const random = new SeededRandom(4);
  const files: Record<string, Uint8Array> = { "large": random.bytes(5_000_000) };
  for (let i = 0; i < 300; i++) files[`d${i % 7}/${i}`] = random.bytes(5000);
  const source = folder.tree("tree", files);
  const meta = folder.file("a.fl");
  const store = `dir://${folder.file("blocks")}`;
  const events: ProgressEvent[] = [];
  const onProgress = (event: ProgressEvent): void => void events.push(event);
  const report = await packDirectory(source, { meta, store, onProgress });
  const phases = [...new Set(events.map(({ phase }) => phase))];
  assert.deepEqual(phases, ["scan", "store", "finish"]);
  expectForward(events);
  const stored = events.findLast(({ phase }) => phase === "store")!;
  assert.equal(stored.bytes, report.contentBytes);
  assert.equal(stored.bytesTotal, report.contentBytes);
  assert.equal(stored.entriesTotal, report.files);

  events.length = 0;
  await unpackImage(meta, folder.file("out"), { onProgress });
  assert.deepEqual([...new Set(events.map(({ phase }) => phase))].at(-1), "finish");
  expectForward(events);
  const written = events.findLast(({ phase }) => phase === "write")!;
  assert.deepEqual([written.bytes, written.bytesTotal], [report.contentBytes, report.contentBytes]);

  events.length = 0;
  await checkImage(meta, { onProgress });
  expectForward(events);
  assert.deepEqual(
    [events.at(-1)!.phase, events.at(-1)!.entries, events.at(-1)!.entriesTotal],
    ["read", report.chunks, report.chunks],
  );
});

function expectForward(events: readonly ProgressEvent[]): void {
  for (const [i, event] of events.entries()) {
    const before = events[i - 1];
    if (event.bytesTotal !== undefined) assert.ok(event.bytes <= event.bytesTotal);
    if (event.entriesTotal !== undefined) assert.ok(event.entries <= event.entriesTotal);
    if (before?.phase !== event.phase) continue;
    assert.ok(event.entries >= before.entries && event.bytes >= before.bytes, event.phase);
  }
}

Deno.test("pack: exclude leaves out what its patterns say, and all below", async () => {
  using folder = new TempFolder();
  folder.tree("tree", {
    "a.o": "",
    "src/b.o": "",
    "src/b.c": "",
    "node_modules/x/y": "",
    "deep/node_modules/z": "",
    "cache": "a file",
    "sub/cache/f": "",
    "var/log/a": "",
    "var/log/b/c": "",
    ".hidden.o": "",
    "!important": "",
  });
  const cases: [string[], string[]][] = [
    [[], []],
    [["*.o"], [".hidden.o", "a.o", "src/b.o"]],
    [["node_modules"], ["node_modules", "deep/node_modules"]],
    [["/node_modules"], ["node_modules"]],
    [["cache/"], ["sub/cache"]],
    [["var/log/*"], ["var/log/a", "var/log/b"]],
    [["/src/*.o", "**/c"], ["src/b.o", "var/log/b/c"]],
    [["nothing"], []],
    [["\\!important"], ["!important"]],
  ];
  const all = await packed([]);
  for (const [exclude, expected] of cases) {
    const gone = (path: string): boolean =>
      expected.some((root) => path === root || path.startsWith(`${root}/`));
    assert.deepEqual(await packed(exclude), all.filter((path) => !gone(path)), exclude.join(" "));
  }

  async function packed(exclude: readonly string[]): Promise<string[]> {
    const meta = folder.file("a.fl");
    const store = `dir://${folder.file("blocks")}`;
    const report = await packDirectory(folder.file("tree"), { meta, store, exclude, jobs: 1 });
    const paths = await pathsOf(meta);
    assert.equal(report.files + report.directories - 1, paths.length);
    return paths;
  }
});

Deno.test("pack: its own flist and store are not part of the tree they lie in", async () => {
  using folder = new TempFolder();
  const source = folder.tree("tree", { "a": "a", "sub/b": "b" });
  const meta = `${source}/sub/image.fl`;
  const store = `dir://${source}/blocks`;
  const flists: Uint8Array[] = [];
  for (let i = 0; i < 2; i++) {
    const { failures, losses } = await packDirectory(source, { meta, store, jobs: 1 });
    assert.deepEqual(failures, []);
    assert.ok(losses.every(({ what }) => /writes itself/.test(what)));
    assert.deepEqual(await pathsOf(meta), ["a", "sub", "sub/b"]);
    flists.push(await Deno.readFile(meta));
    // Making the flist changed the time of its directory: only then is the tree the same again.
    for (const path of [source, `${source}/sub`]) await Deno.utime(path, 0, 1_000_000);
  }
});

Deno.test("pack: tags, routes and secrets are written as asked", async () => {
  using folder = new TempFolder();
  const source = folder.tree("tree", { "a": "a" });
  const meta = folder.file("a.fl");
  const store = [`00-7f=dir://${folder.file("low")}`, `80-ff=dir://${folder.file("high")}`];
  const tags = { author: "somebody", "a key": "ünï\nlines" };
  await packDirectory(source, { meta, store, tags, jobs: 1 });
  const summary = await inspectImage(meta);
  assert.deepEqual(summary.tags, tags);
  assert.deepEqual(summary.routes, [
    { start: 0, end: 0x7f, url: `dir://${folder.file("low")}` },
    { start: 0x80, end: 0xff, url: `dir://${folder.file("high")}` },
  ]);
});

Deno.test("pack: a domain secret keeps keys unguessable, and readers need not know it", async () => {
  using folder = new TempFolder();
  const source = folder.tree("tree", { "a": "a".repeat(1000), "large": "b".repeat(600_000) });
  const meta = folder.file("a.fl");
  const store = `dir://${folder.file("blocks")}`;
  const domainSecret = new Uint8Array(32).fill(7);
  await packDirectory(source, { meta, store, domainSecret, jobs: 1 });
  assert.equal((await checkImage(meta)).corrupt.length, 0);
  await unpackImage(meta, folder.file("out"));
  assert.equal((await Deno.readTextFile(folder.file("out/large"))).length, 600_000);
  await using image = await openImage(meta);
  assert.equal((await image.readFile("a")).length, 1000);
});

Deno.test("pack: options that make no sense are refused before anything is done", async () => {
  using folder = new TempFolder();
  const source = folder.tree("tree", { "a": "a" });
  const meta = folder.file("a.fl");
  const store = `dir://${folder.file("blocks")}`;
  const wrong = [
    { jobs: 0 },
    { jobs: 65 },
    { jobs: 1.5 },
    { exclude: [""] },
    { exclude: ["/"] },
    { exclude: ["!*.o"] },
    { level: 0 },
    { level: 23 },
    { domainSecret: new Uint8Array(5) },
    { tags: { "myfs.format": "mine" } },
    { tags: { "": "x" } },
  ];
  for (const options of wrong) {
    await assert.rejects(
      packDirectory(source, { meta, store, ...options }),
      RangeError,
      JSON.stringify(options),
    );
    assert.ok(!folder.names().some((name) => name.startsWith("a.fl")), JSON.stringify(options));
  }
  await assert.rejects(packDirectory(source, { meta, store: "no store" }), SyntaxError);
  await assert.rejects(packDirectory(source, { meta, store: [] }));
  await assert.rejects(unpackImage(meta, folder.file("out"), { jobs: -1 }), RangeError);
});

Deno.test("pack: an empty directory is an image too", async () => {
  using folder = new TempFolder();
  const meta = folder.file("a.fl");
  const store = `dir://${folder.file("blocks")}`;
  const report = await packDirectory(folder.tree("tree"), { meta, store });
  assert.deepEqual([report.files, report.directories, report.chunks], [0, 1, 0]);
  const check = await checkImage(meta);
  assert.deepEqual([check.blocks, check.blocksOk], [0, 0]);
  await unpackImage(meta, folder.file("out"));
  assert.deepEqual(folder.names("out"), []);
});

Deno.test("pack: the folder of the flist must be there, the store's is made", async () => {
  using folder = new TempFolder();
  const source = folder.tree("tree", { "a": "a" });
  const store = `dir://${folder.file("x/y/blocks")}`;
  await assert.rejects(packDirectory(source, { meta: folder.file("none/a.fl"), store }), {
    name: "SystemError",
    errno: "ENOENT",
  });
  await assert.rejects(packDirectory(source, { meta: source, store }), {
    name: "SystemError",
    errno: "EISDIR",
  });
  await packDirectory(source, { meta: folder.file("a.fl"), store });
  assert.ok(folder.names("x/y").includes("blocks"));
});
