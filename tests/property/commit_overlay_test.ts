/**
 * Goal: a commit says what the overlay showed, whatever was done in it. Method: overlays of the
 * kernel over random trees, with random mount options, are changed at random, unmounted and mounted
 * again; a pack of what is mounted is compared with the commit, and every block of it opened. Each
 * image is the base of the next. The seed is the name of the step, and SEED repeats it alone.
 */

import assert from "node:assert/strict";
import {
  checkImage,
  commitOverlay,
  diffImages,
  MemoryStore,
  packDirectory,
  unpackImage,
} from "../../mod.ts";
import { OverlayMount } from "../helpers/overlay_mount.ts";
import { makeWhiteout, setXattr } from "../helpers/overlay_upper.ts";
import { makeRandomTree } from "../helpers/random_tree.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { SeededRandom, takeSeed } from "../helpers/seeded_random.ts";

const ROUNDS = Deno.env.has("SEED") ? 1 : 3;
const GENERATIONS = 3;

const MOUNTS: readonly (readonly string[])[] = [
  [],
  ["redirect_dir=on"],
  ["redirect_dir=on", "metacopy=on"],
  ["userxattr"],
];

/** All paths of a tree but its root, by whether they are directories. */
function list(root: string): { others: string[]; directories: string[] } {
  const others: string[] = [];
  const directories = [root];
  for (const directory of directories) {
    for (const { name, isDirectory } of Deno.readDirSync(directory)) {
      (isDirectory ? directories : others).push(`${directory}/${name}`);
    }
  }
  return { others: others.sort(), directories: directories.slice(1).sort() };
}

/** Moves as mv does: by rename where the overlay can, else by copy. */
function move(source: string, target: string): void {
  const args = ["-T", source, target];
  const { success, stderr } = new Deno.Command("mv", { args }).outputSync();
  assert.ok(success, new TextDecoder().decode(stderr));
}

/** What a change can be made to: one of each, where there is one. */
interface Chosen {
  readonly random: SeededRandom;
  readonly root: string;
  /** A path that nothing has. */
  readonly free: string;
  /** Any entry but a link, the root among them. */
  readonly entry: string;
  readonly file?: string;
  /** Anything but a directory. */
  readonly other?: string;
  readonly directory?: string;
}

/** Things that somebody might do, where there is something to do them to. */
const CHANGES: readonly ((chosen: Chosen) => unknown)[] = [
  ({ free, random }) =>
    Deno.writeFileSync(free, random.bytes(random.below(random.below(9) === 0 ? 400_000 : 900))),
  ({ free }) => Deno.mkdirSync(free),
  ({ other }) => other !== undefined && Deno.removeSync(other),
  ({ other, free }) => other !== undefined && move(other, free),
  ({ other, free }) => other !== undefined && Deno.linkSync(other, free),
  ({ directory, free }) =>
    directory !== undefined && !free.startsWith(`${directory}/`) && move(directory, free),
  ({ file, free }) => file !== undefined && Deno.copyFileSync(file, free),
  ({ file, random }) =>
    file !== undefined &&
    Deno.writeFileSync(file, random.bytes(1 + random.below(500)), { append: true }),
  ({ file, random }) =>
    file !== undefined &&
    Deno.truncateSync(file, random.below(Deno.statSync(file).size + 9000)),
  ({ entry, random }) => Deno.chmodSync(entry, [0o600, 0o644, 0o755, 0o4711][random.below(4)]!),
  ({ entry, random }) => Deno.chownSync(entry, random.below(9), 7),
  ({ entry, random }) => Deno.utimeSync(entry, 0, random.below(2 ** 30)),
  ({ entry, root }) => setXattr(entry === root ? `${root}/.` : entry, "user.x", "v"),
  // A directory that hides all of the one that was there.
  ({ directory, random }) => {
    if (directory === undefined) return;
    Deno.removeSync(directory, { recursive: true });
    if (random.below(3) > 0) Deno.mkdirSync(directory);
  },
  // Something of another kind.
  ({ entry, root, random }) => {
    if (entry === root) return;
    Deno.removeSync(entry, { recursive: true });
    if (random.below(2) === 0) Deno.symlinkSync("new target", entry);
    else Deno.writeTextFileSync(entry, "of another kind");
  },
  // A file that is exactly as it was, but copied.
  ({ file }) => {
    if (file === undefined) return;
    const { mtime } = Deno.statSync(file);
    using opened = Deno.openSync(file, { write: true });
    opened.utimeSync(0, mtime!);
  },
];

/** Does one thing to the tree at `root`. */
function change(root: string, random: SeededRandom): void {
  const { others, directories } = list(root);
  const one = <Item>(items: readonly Item[]): Item | undefined => items[random.below(items.length)];
  const isLink = (path: string): boolean => Deno.lstatSync(path).isSymlink;
  const entry = one([...others, ...directories].filter((path) => !isLink(path))) ?? root;
  const [file, other, directory] = [
    one(others.filter((path) => Deno.lstatSync(path).isFile)),
    one(others),
    one(directories),
  ];
  one(CHANGES)!({
    random,
    root,
    free: `${one([root, ...directories])}/new ${random.below(1_000_000)}`,
    entry: random.below(9) === 0 ? root : entry,
    ...(file === undefined ? {} : { file }),
    ...(other === undefined ? {} : { other }),
    ...(directory === undefined ? {} : { directory }),
  });
}

async function chain(seed: number): Promise<void> {
  using folder = new TempFolder();
  const random = new SeededRandom(seed);
  const store = `dir://${folder.file("blocks")}`;
  makeRandomTree(folder.file("0"), random, {
    entries: 20 + random.below(80),
    sizes: [0, 300_000],
    sizeMax: 5000,
  });
  let base = folder.file("0.fl");
  await packDirectory(folder.file("0"), { meta: base, store });
  for (let generation = 1; generation <= GENERATIONS; generation++) {
    const lower = folder.file(`lower-${generation}`);
    await unpackImage(base, lower, { preserveOwnership: true });
    const place = folder.tree(`overlay-${generation}`);
    const options = MOUNTS[random.below(MOUNTS.length)]!;
    for (let mounts = 1 + random.below(2); mounts > 0; mounts--) {
      using overlay = new OverlayMount(lower, place, options);
      for (let i = random.below(50); i > 0; i--) change(overlay.merged, random);
    }
    // What is not there may be taken away once more.
    if (random.below(2) === 0) makeWhiteout(`${place}/upper/was never there`);
    const plain = folder.file("plain.fl");
    {
      // What the kernel remembers of an overlay is not all as the upper directory says: symbolic
      // links cannot be marked with userxattr, and have another inode number until it forgets.
      using fresh = new OverlayMount(lower, place, options);
      await packDirectory(fresh.merged, { meta: plain, store: new MemoryStore() });
    }

    const upper = `${place}/upper`;
    const meta = folder.file(`${generation}.fl`);
    const jobs = 1 + random.below(2);
    const report = await commitOverlay(upper, { base, meta, jobs });
    assert.deepEqual([report.failures, report.losses], [[], []]);
    const { added, removed, changed } = await diffImages(plain, meta);
    assert.deepEqual([added, removed, changed], [[], [], []]);
    assert.equal((await checkImage(meta, { jobs: 1 })).blocksOk, report.chunks);
    assert.ok(
      (await diffImages(base, meta)).blocksAdded <= report.blocksStored + report.blocksPresent,
    );
    const again = folder.file("again.fl");
    await commitOverlay(upper, { base, meta: again });
    assert.deepEqual(await Deno.readFile(again), await Deno.readFile(meta));
    base = meta;
  }
}

requiringTest(
  ["linux", "root", "mount"],
  "commit: it gives what the overlay showed, whatever was done in it",
  async (t) => {
    for (let round = 0; round < ROUNDS; round++) {
      const seed = takeSeed();
      await t.step(`SEED=${seed}`, () => chain(seed));
    }
  },
);
