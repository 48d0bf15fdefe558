/**
 * Processes that are killed while they pack or unpack, at any moment: no flist, no file under its
 * final name that is not whole, a store that is sound, and a next attempt that succeeds.
 *
 * @module
 */

import assert from "node:assert/strict";
import { checkImage, commitOverlay, packDirectory, unpackImage } from "../../mod.ts";
import { apiCommand } from "../helpers/api_runner.ts";
import type { ApiCall } from "../helpers/api_process.ts";
import { makeRandomTree } from "../helpers/random_tree.ts";
import { requiringTest } from "../helpers/require.ts";
import { SeededRandom, takeSeed } from "../helpers/seeded_random.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

const ROUNDS = 5;

/** Starts a call and kills its process `delayMs` after `isUnderWay`; false when it was too late. */
async function killDuring(
  call: ApiCall,
  isUnderWay: () => boolean,
  delayMs: number,
): Promise<boolean> {
  const child = apiCommand(call).spawn();
  const output = child.output();
  let ended = false;
  output.then(() => ended = true);
  while (!ended && !isUnderWay()) await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended.
  }
  return (await output).signal === "SIGKILL";
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

requiringTest(
  ["linux"],
  "kill: a pack that is killed leaves no flist and a sound store",
  async (t) => {
    using folder = new TempFolder();
    const seed = takeSeed();
    await t.step(`SEED=${seed}`, async () => {
      const random = new SeededRandom(seed);
      const source = folder.file("tree");
      makeRandomTree(source, random, {
        entries: 800,
        sizes: [300_000, 3_000_000],
        sizeMax: 20_000,
      });
      const store = `dir://${folder.file("blocks")}`;
      const older = folder.file("older.fl");
      await packDirectory(folder.tree("older", { "a": "older" }), { meta: older, store });
      const meta = folder.file("a.fl");
      let killed = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const call: ApiCall = ["pack", source, { meta, store, jobs: 2 }];
        // The flist's temporary file is the first thing that a pack makes.
        const isUnderWay = () => folder.names().some((name) => name.startsWith("a.fl."));
        const isKilled = await killDuring(call, isUnderWay, random.below(250));
        if (!isKilled) {
          await Deno.remove(meta);
          continue;
        }
        killed++;
        assert.ok(!isThere(meta));
        const check = await checkImage(older, { jobs: 1 });
        assert.equal(check.blocksOk, check.blocks);
      }
      assert.ok(killed > 0, "no process was killed in time");
      const report = await packDirectory(source, { meta, store });
      assert.deepEqual(report.failures, []);
      const check = await checkImage(meta);
      assert.equal(check.blocksOk, check.blocks);
    });
  },
);

requiringTest(
  ["linux"],
  "kill: a commit that is killed leaves no flist, and its base sound",
  async (t) => {
    using folder = new TempFolder();
    const seed = takeSeed();
    await t.step(`SEED=${seed}`, async () => {
      const random = new SeededRandom(seed);
      const upper = folder.file("upper");
      const options = { entries: 800, sizes: [300_000, 3_000_000], sizeMax: 20_000 };
      makeRandomTree(upper, random, options);
      const base = folder.file("base.fl");
      const store = `dir://${folder.file("blocks")}`;
      await packDirectory(folder.tree("base", { "a": "a", "b": "b" }), { meta: base, store });
      const meta = folder.file("a.fl");
      const trust = { trustBase: true, trustRoutes: true };
      let killed = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const call: ApiCall = ["commit", upper, { base, meta, userXattrs: true, ...trust }];
        const isUnderWay = () => folder.names().some((name) => name.startsWith("a.fl."));
        if (!await killDuring(call, isUnderWay, random.below(250))) {
          await Deno.remove(meta);
          continue;
        }
        killed++;
        assert.ok(!isThere(meta));
        const check = await checkImage(base, { jobs: 1 });
        assert.equal(check.blocksOk, check.blocks);
      }
      assert.ok(killed > 0, "no process was killed in time");
      const report = await commitOverlay(upper, { base, meta, userXattrs: true });
      assert.deepEqual(report.failures, []);
      assert.equal((await checkImage(meta)).blocksOk, report.chunks);
    });
  },
);

requiringTest(["linux"], "kill: an unpack that is killed leaves whole files or none", async (t) => {
  using folder = new TempFolder();
  const seed = takeSeed();
  await t.step(`SEED=${seed}`, async () => {
    const random = new SeededRandom(seed);
    const source = folder.file("tree");
    makeRandomTree(source, random, { entries: 1500, sizes: [3_000_000], sizeMax: 20_000 });
    const meta = folder.file("a.fl");
    await packDirectory(source, { meta, store: `dir://${folder.file("blocks")}` });
    const target = folder.file("out");
    for (let round = 0; round < ROUNDS; round++) {
      const call: ApiCall = ["unpack", meta, target, { trustRoutes: true, jobs: 2 }];
      const isUnderWay = () => isThere(target);
      await killDuring(call, isUnderWay, random.below(300));
      compare(target, source);
      await Deno.remove(target, { recursive: true });
    }
    await unpackImage(meta, target);
    compare(target, source);
  });
});

/** Asserts that all files in the target but those in the making are those of the source. */
function compare(target: string, source: string, path = ""): void {
  for (const { name, isDirectory, isFile } of Deno.readDirSync(`${target}/${path}`)) {
    if (path === "" && name.startsWith(".myfs-unpack-")) continue;
    const below = path === "" ? name : `${path}/${name}`;
    if (isDirectory) {
      compare(target, source, below);
    } else if (isFile) {
      const actual = Deno.readFileSync(`${target}/${below}`);
      const expected = Deno.readFileSync(`${source}/${below}`);
      assert.ok(actual.length === expected.length, `${below} has ${actual.length} bytes`);
      assert.ok(actual.every((byte, i) => byte === expected[i]), below);
    }
  }
}
