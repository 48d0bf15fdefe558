/**
 * Goal: whatever tree is packed comes back, by unpacking it and by reading it, in both profiles, from
 * local stores and others; and equal trees stay equal on the way. Method: random trees; the seed is
 * the name of the step, and SEED repeats it alone. `deno task fuzz` tries many more.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  checkImage,
  diffImages,
  MemoryStore,
  openImage,
  packDirectory,
  type Profile,
  unpackImage,
} from "../../mod.ts";
import { makeRandomTree } from "../helpers/random_tree.ts";
import { SeededRandom, takeSeed } from "../helpers/seeded_random.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

const ROUNDS = Deno.env.has("SEED") ? 1 : 5;

/** Everything that the runtime can tell of a tree, without owners and with whole milliseconds. */
async function describe(root: string, profile: Profile, path = ""): Promise<string[]> {
  const lines: string[] = [];
  for await (const { name } of Deno.readDir(`${root}/${path}`)) {
    const below = path === "" ? name : `${path}/${name}`;
    const status = await Deno.lstat(`${root}/${below}`);
    const times = profile === "myfs"
      ? status.mtime!.getTime()
      : Math.floor(status.mtime!.getTime() / 1000);
    const words = [below, status.mode!.toString(8), times];
    if (status.isFile) {
      const content = await Deno.readFile(`${root}/${below}`);
      words.push(content.length, createHash("sha256").update(content).digest("hex"));
      if (profile === "myfs") words.push(`links ${status.nlink}`);
    }
    if (status.isSymlink) words.push(await Deno.readLink(`${root}/${below}`));
    lines.push(words.join(" "));
    if (status.isDirectory) lines.push(...await describe(root, profile, below));
  }
  return lines.sort();
}

async function roundTrip(seed: number): Promise<void> {
  using folder = new TempFolder();
  const random = new SeededRandom(seed);
  const source = folder.file("tree");
  const sizes = [0, 1, 262_143, 262_144, 262_145, 524_288, 524_289, 1_100_000, 2_097_153];
  makeRandomTree(source, random, { entries: 20 + random.below(150), sizes, sizeMax: 20_000 });
  const profile: Profile = random.below(3) === 0 ? "rfs" : "myfs";
  const store = random.below(2) === 0 ? new MemoryStore() : `dir://${folder.file("blocks")}`;
  const options = { store, jobs: 1 + random.below(3) };
  const meta = folder.file("a.fl");
  const report = await packDirectory(source, { meta, profile, ...options });
  assert.deepEqual(report.failures, []);

  const target = folder.file("out");
  const { failures } = await unpackImage(meta, target, options);
  assert.deepEqual(failures, []);
  const expected = await describe(source, profile);
  assert.deepEqual(await describe(target, profile), expected);

  {
    await using image = await openImage(meta, options);
    let entries = 0;
    for await (const { path, kind, size } of image.walk()) {
      entries++;
      if (kind !== "file") continue;
      const content = await Deno.readFile(`${source}/${path}`);
      assert.deepEqual(await image.readFile(path), content, path);
      const from = random.below(size + 2);
      const length = random.below(size + 2);
      const part = await image.readAt(path, from, length);
      assert.deepEqual(part, content.subarray(from, from + length), `${path} ${from}+${length}`);
    }
    assert.equal(entries, expected.length + 1);
  }
  const check = await checkImage(meta, options);
  assert.equal(check.blocksOk, check.blocks);

  // What came back packs to the same image again.
  const again = folder.file("b.fl");
  const second = await packDirectory(target, { meta: again, profile, ...options });
  assert.equal(second.blocksStored, 0);
  const diff = await diffImages(meta, again);
  assert.deepEqual([diff.added, diff.removed, diff.changed], [[], [], []]);
  if (profile === "myfs") assert.deepEqual(await Deno.readFile(again), await Deno.readFile(meta));
}

Deno.test("image: random trees come back", async (t) => {
  for (let round = 0; round < ROUNDS; round++) {
    const seed = takeSeed();
    await t.step(`SEED=${seed}`, () => roundTrip(seed));
  }
});
