/**
 * The rfs profile both ways: what myfs writes is read by a reader that does what rfs does, and what
 * a writer like rfs wrote opens, checks and unpacks. Reader and writer are `rfs_tools.py`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import {
  checkImage,
  cloneImage,
  diffImages,
  inspectImage,
  openImage,
  packDirectory,
  unpackImage,
} from "../../mod.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

interface RfsEntry {
  readonly name: string;
  readonly size: number;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly rdev: number;
  readonly ctime: number;
  readonly mtime: number;
  readonly target?: string;
  readonly sha256?: string;
}

interface RfsView {
  readonly tables: Readonly<Record<string, readonly string[]>>;
  readonly indexes: Readonly<Record<string, readonly string[]>>;
  readonly routes: readonly (readonly [number, number, string])[];
  readonly tags: Readonly<Record<string, string>>;
  readonly entries: Readonly<Record<string, RfsEntry>>;
  readonly versions: readonly number[];
}

async function rfsTools(...args: readonly string[]): Promise<string> {
  const script = fileURLToPath(new URL("../helpers/rfs_tools.py", import.meta.url));
  const { success, stdout, stderr } = await new Deno.Command("python3", { args: [script, ...args] })
    .output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** A tree with all that the profile can hold. */
async function makeTree(folder: TempFolder): Promise<string> {
  const random = new SeededRandom(20);
  const source = folder.tree("tree", {
    "empty": "",
    "small": "hello",
    "just below": random.bytes(524_287),
    "exact": random.runs(524_288),
    "just above": random.bytes(524_289),
    "several": random.runs(1_700_000),
    "zeros": new Uint8Array(1_048_576),
    "directory/ünï😀": "names are UTF-8",
    "directory/deeper/same": "hello",
    "directory/empty/file": "f",
  });
  await Deno.remove(`${source}/directory/empty/file`);
  await Deno.symlink("../small", `${source}/directory/link`);
  await Deno.symlink("/absolute/target", `${source}/absolute`);
  await Deno.chmod(`${source}/small`, 0o4711);
  await Deno.chmod(`${source}/directory`, 0o1777);
  await Deno.utime(`${source}/small`, 0, 1_234_567_890);
  await Deno.utime(`${source}/directory`, 0, 1_000_000_000);
  return source;
}

/** Paths below `root`, itself as the empty path. */
function* walk(root: string, path = ""): Generator<string> {
  yield path;
  for (const { name, isDirectory } of Deno.readDirSync(`${root}/${path}`)) {
    const below = path === "" ? name : `${path}/${name}`;
    if (isDirectory) yield* walk(root, below);
    else yield below;
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

requiringTest(
  ["linux", "python3", "libcrypto"],
  "rfs profile: an rfs reader finds every entry of what was packed, and reads every file",
  async () => {
    using folder = new TempFolder();
    const source = await makeTree(folder);
    await Deno.link(`${source}/several`, `${source}/linked`);
    const meta = folder.file("rfs.fl");
    const report = await packDirectory(source, {
      meta,
      store: [`00-9f=dir://${folder.file("low")}`, `a0-ff=dir://${folder.file("high")}`],
      profile: "rfs",
      tags: { version: "1", description: "for rfs" },
    });
    assert.deepEqual(report.failures, []);
    const view: RfsView = JSON.parse(await rfsTools("read", meta));
    assert.deepEqual(view.tables, {
      inode: ["ino", "parent", "name", "size", "uid", "gid", "mode", "rdev", "ctime", "mtime"],
      extra: ["ino", "data"],
      block: ["ino", "id", "key"],
      tag: ["key", "value"],
      route: ["start", "end", "url"],
    });
    assert.deepEqual(view.indexes, { parents: ["parent"], names: ["name"], block_ino: ["ino"] });
    assert.deepEqual(view.versions, [0, 0]);
    assert.deepEqual(view.routes, [
      [0, 0x9f, `dir://${folder.file("low")}`],
      [0xa0, 255, `dir://${folder.file("high")}`],
    ]);
    assert.deepEqual(view.tags, { version: "1", description: "for rfs" });
    assert.equal(view.entries[""]!.name, "/");
    const paths = [...walk(source)];
    assert.deepEqual(Object.keys(view.entries).sort(), paths.sort());
    for (const path of paths) {
      const entry = view.entries[path]!;
      const status = await Deno.lstat(`${source}/${path}`);
      const { mode, uid, gid } = entry;
      assert.deepEqual([mode, uid, gid], [status.mode, status.uid, status.gid], path);
      assert.equal(entry.mtime, Math.floor(status.mtime!.getTime() / 1000), path);
      assert.ok(Number.isInteger(entry.ctime), path);
      if (status.isFile) {
        const content = await Deno.readFile(`${source}/${path}`);
        assert.deepEqual([entry.size, entry.sha256], [content.length, sha256(content)], path);
      }
      if (status.isSymlink) assert.equal(entry.target, await Deno.readLink(`${source}/${path}`));
    }
  },
);

for (const layout of ["folders", "flat"]) {
  requiringTest(
    ["linux", "python3", "libcrypto"],
    `rfs profile: what rfs wrote into a store with ${layout} opens, checks, unpacks and migrates`,
    async () => {
      using folder = new TempFolder();
      const source = await makeTree(folder);
      const meta = folder.file("rfs.fl");
      folder.tree("store");
      await rfsTools("write", source, meta, folder.file("store"), layout);
      const options = { trustRoutes: true };

      const summary = await inspectImage(meta);
      assert.deepEqual([summary.profile, summary.tags.version], ["rfs", "0.2"]);
      const check = await checkImage(meta, options);
      assert.ok(check.blocks > 8);
      assert.deepEqual([check.blocksOk, check.missing, check.corrupt], [check.blocks, [], []]);

      {
        await using image = await openImage(meta, options);
        const at = await image.readAt("several", 524_280, 20);
        assert.deepEqual(at, (await Deno.readFile(`${source}/several`)).subarray(524_280, 524_300));
        assert.equal(image.stat("small").mode, 0o104711);
        assert.equal(image.readLink("absolute"), "/absolute/target");
      }

      const target = folder.file("out");
      const report = await unpackImage(meta, target, options);
      assert.deepEqual(report.failures, []);
      assert.deepEqual([...walk(target)].sort(), [...walk(source)].sort());
      for (const path of walk(source)) {
        const [before, after] = [
          await Deno.lstat(`${source}/${path}`),
          await Deno.lstat(`${target}/${path}`),
        ];
        assert.equal(after.mode, before.mode, path);
        const seconds = (date: Date | null): number => Math.floor(date!.getTime() / 1000);
        assert.equal(seconds(after.mtime), seconds(before.mtime), path);
        if (before.isFile) {
          const content = await Deno.readFile(`${target}/${path}`);
          assert.equal(sha256(content), sha256(await Deno.readFile(`${source}/${path}`)), path);
        }
        if (before.isSymlink) {
          const link = await Deno.readLink(`${target}/${path}`);
          assert.equal(link, await Deno.readLink(`${source}/${path}`));
        }
      }

      // The way to a store of today, and to the other profile.
      const clone = folder.file("clone.fl");
      const cloned = await cloneImage(meta, {
        target: clone,
        store: `dir://${folder.file("new store")}`,
        ...options,
      });
      assert.equal(cloned.blocksCopied, new Set(await blockFiles(folder.file("store"))).size);
      assert.equal((await checkImage(clone)).blocksOk, check.blocks);
      const migrated = folder.file("myfs.fl");
      await packDirectory(target, { meta: migrated, store: `dir://${folder.file("new store")}` });
      const diff = await diffImages(meta, migrated);
      assert.deepEqual([diff.added, diff.removed, diff.changed], [[], [], []]);
    },
  );
}

async function blockFiles(store: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(store)) {
    if (isDirectory) names.push(...await blockFiles(`${store}/${name}`));
    else names.push(name);
  }
  return names;
}

Deno.test("rfs profile: what it cannot hold is named and counted", async () => {
  using folder = new TempFolder();
  const source = folder.tree("tree", { "a": "a", "hole": "" });
  await Deno.truncate(`${source}/hole`, 600_000);
  await Deno.link(`${source}/a`, `${source}/b`);
  await Deno.utime(`${source}/a`, 0, new Date(1234));
  const { success } = await new Deno.Command("sh", {
    args: [
      "-c",
      `d="$(printf 'bad\\377name')"; mkdir -p "$d/in/it"; touch "$d/in/it/f"; mkfifo fifo`,
    ],
    cwd: source,
  }).output();
  assert.ok(success);
  const meta = folder.file("rfs.fl");
  const store = `dir://${folder.file("store")}`;
  const report = await packDirectory(source, { meta, store, profile: "rfs" });
  assert.deepEqual(report.failures.map(({ path, code }) => [path, code]), [
    ["bad\\xffname", "unsupported"],
  ]);
  const losses = Object.fromEntries(report.losses.map(({ what, count }) => [what, count]));
  assert.ok(Object.keys(losses).some((what) => /hard-link/.test(what)), JSON.stringify(losses));
  assert.ok(Object.keys(losses).some((what) => /nanoseconds/.test(what)), JSON.stringify(losses));
  await unpackImage(meta, folder.file("out"));
  assert.deepEqual(folder.names("out"), ["a", "b", "fifo", "hole"]);
  assert.deepEqual(await Deno.readFile(folder.file("out/hole")), new Uint8Array(600_000));
  assert.equal(await Deno.readTextFile(folder.file("out/b")), "a");
});
