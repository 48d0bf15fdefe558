/** Goal: the blocks of several flists are named, each once, and bad flists before any of them. */

import assert from "node:assert/strict";
import { FlistFormatError, FlistNotFoundError } from "../../../../lib/base/errors.ts";
import { blockIdsOf } from "../../../../lib/image/block_ids.ts";
import { packDirectory } from "../../../../lib/image/pack.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { SeededRandom } from "../../../helpers/seeded_random.ts";

Deno.test("blockIdsOf: names the blocks of all flists, each once, in both profiles", async () => {
  using folder = new TempFolder();
  const random = new SeededRandom(7);
  const [shared, first, second] = Array.from({ length: 3 }, () => random.bytes(600_000));
  for (const profile of ["myfs", "rfs"] as const) {
    const store = new MemoryStore();
    // Twice in one tree: flists of rfs name a block wherever it occurs.
    const trees = [{ shared: shared!, again: shared!, first: first! }, {
      shared: shared!,
      second: second!,
    }];
    const metas: string[] = [];
    for (const [index, files] of trees.entries()) {
      const meta = folder.file(`${profile}${index}.fl`);
      const tree = folder.tree(`${profile}${index}`, files);
      await packDirectory(tree, { meta, store, profile, jobs: 1 });
      metas.push(meta);
    }
    const ids = [...blockIdsOf(metas)];
    assert.deepEqual(ids.toSorted(), (await Array.fromAsync(store.list())).sort());
    const [few] = metas.map((meta) => [...blockIdsOf([meta])]);
    assert.equal(few!.length, new Set(few).size);
    assert.ok(few!.length < ids.length);
  }
});

Deno.test("blockIdsOf: a flist that is missing or none is an error before the first id", () => {
  using folder = new TempFolder();
  Deno.writeTextFileSync(folder.file("none.fl"), "no flist");
  assert.throws(() => blockIdsOf([folder.file("none.fl")]).next(), FlistFormatError);
  assert.throws(() => blockIdsOf([folder.file("missing.fl")]).next(), FlistNotFoundError);
});
