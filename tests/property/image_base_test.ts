/**
 * Goal: a pack on a base is as right as one without, whatever has happened to the tree, the base's
 * blocks and the files' times since. Method: random trees changed at random, a chain of packs, each
 * on the one before; every file is read back and compared. The seed is the name of the step, and
 * SEED repeats it alone.
 */

import assert from "node:assert/strict";
import {
  checkImage,
  diffImages,
  MemoryStore,
  openImage,
  packDirectory,
  type Profile,
  type Store,
} from "../../mod.ts";
import { makeRandomTree } from "../helpers/random_tree.ts";
import { SeededRandom, takeSeed } from "../helpers/seeded_random.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

const ROUNDS = Deno.env.has("SEED") ? 1 : 4;
const GENERATIONS = 4;
/** Longer than one step of any file system's clock. */
const CLOCK_STEP_MS = 25;

/** Runs `work` as if it were a minute later, so that files count as settled that were just made. */
async function later<Result>(work: () => Promise<Result>): Promise<Result> {
  const now = Date.now;
  Date.now = () => now() + 60_000;
  try {
    return await work();
  } finally {
    Date.now = now;
  }
}

/** All files of a tree, and all directories. */
function list(root: string): { files: string[]; directories: string[] } {
  const files: string[] = [];
  const directories = [root];
  for (const directory of directories) {
    for (const { name, isDirectory, isFile } of Deno.readDirSync(directory)) {
      if (isDirectory) directories.push(`${directory}/${name}`);
      else if (isFile) files.push(`${directory}/${name}`);
    }
  }
  return { files: files.sort(), directories: directories.sort() };
}

/** Does one thing to a tree that somebody might do between two backups. */
function change(root: string, random: SeededRandom): void {
  const { files, directories } = list(root);
  const one = <Item>(items: readonly Item[]): Item => items[random.below(items.length)]!;
  const place = (): string => `${one(directories)}/new ${random.below(1_000_000)}`;
  if (files.length === 0) return Deno.writeTextFileSync(place(), "first");
  const file = one(files);
  const before = Deno.statSync(file);
  switch (random.below(10)) {
    case 0:
      return Deno.writeFileSync(place(), random.bytes(random.below(300_000)));
    case 1:
      return Deno.removeSync(file);
    case 2:
      return Deno.renameSync(file, place());
    case 3:
      return Deno.linkSync(file, place());
    case 4:
      return Deno.copyFileSync(file, place());
    case 5:
      // Another file under the old name, with the old size and time.
      Deno.removeSync(file);
      Deno.writeFileSync(file, random.bytes(before.size));
      return Deno.utimeSync(file, 0, before.mtime!);
    case 6: {
      if (before.size === 0) return;
      using opened = Deno.openSync(file, { write: true });
      opened.seekSync(random.below(before.size), Deno.SeekMode.Start);
      opened.writeSync(random.bytes(1 + random.below(20)));
      opened.truncateSync(before.size);
      opened.utimeSync(0, before.mtime!);
      return;
    }
    case 7:
      return Deno.writeFileSync(file, random.bytes(1 + random.below(500)), { append: true });
    case 8:
      return Deno.truncateSync(file, random.below(before.size + 1));
    default:
      return Deno.chmodSync(file, one([0o600, 0o644, 0o755]));
  }
}

async function expectRight(meta: string, source: string, store: Store): Promise<void> {
  await using image = await openImage(meta, { store });
  const found: string[] = [];
  for await (const { path, kind, mode } of image.walk()) {
    if (kind !== "file") continue;
    found.push(`${source}/${path}`);
    const content = await Deno.readFile(`${source}/${path}`);
    const read = await image.readFile(path);
    assert.equal(read.length, content.length, path);
    assert.ok(read.every((byte, i) => byte === content[i]), `${path} has other content`);
    assert.equal(mode, (await Deno.stat(`${source}/${path}`)).mode, path);
  }
  assert.deepEqual(found.sort(), list(source).files);
  const check = await checkImage(meta, { store, jobs: 1 });
  assert.equal(check.blocksOk, check.blocks);
}

async function chain(seed: number): Promise<void> {
  using folder = new TempFolder();
  const random = new SeededRandom(seed);
  const source = folder.file("tree");
  const sizes = [300_000, 800_000];
  makeRandomTree(source, random, { entries: 20 + random.below(80), sizes, sizeMax: 9000 });
  const profile: Profile = random.below(4) === 0 ? "rfs" : "myfs";
  const store = new MemoryStore();
  const options = { store, profile, stateFolder: folder.file("state") };
  let base: string | undefined;
  for (let generation = 0; generation < GENERATIONS; generation++) {
    await new Promise((resolve) => setTimeout(resolve, CLOCK_STEP_MS));
    const meta = folder.file(`${generation}.fl`);
    const jobs = 1 + random.below(2);
    const onBase = base === undefined ? {} : { base };
    const report = await later(() => packDirectory(source, { meta, ...options, ...onBase, jobs }));
    assert.deepEqual(report.failures, []);
    await expectRight(meta, source, store);
    // The same without a base says the same of the tree.
    const plain = folder.file("plain.fl");
    await packDirectory(source, { meta: plain, store: new MemoryStore(), profile, jobs: 1 });
    const diff = await diffImages(plain, meta);
    assert.deepEqual([diff.added, diff.removed, diff.changed], [[], [], []]);

    await new Promise((resolve) => setTimeout(resolve, CLOCK_STEP_MS));
    for (let i = random.below(8); i > 0; i--) change(source, random);
    if (random.below(3) === 0) {
      const ids = await Array.fromAsync(store.list());
      if (ids.length > 0) await store.delete(ids[random.below(ids.length)]!);
    }
    base = meta;
  }
}

Deno.test("image: packs on a base are right, whatever has changed", async (t) => {
  for (let round = 0; round < ROUNDS; round++) {
    const seed = takeSeed();
    await t.step(`SEED=${seed}`, () => chain(seed));
  }
});
