/**
 * Equal trees give equal flists and blocks, byte for byte, whatever the number of workers, the kind
 * of store, the place of the tree and the moment. Trees are random; the seed is the name of a step,
 * and SEED repeats it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import {
  editFlist,
  MemoryStore,
  packDirectory,
  type PackOptions,
  type Profile,
  type Store,
} from "../../mod.ts";
import { SeededRandom, takeSeed } from "../helpers/seeded_random.ts";
import { makeRandomTree } from "../helpers/random_tree.ts";
import { requiringTest } from "../helpers/require.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

const PROFILES: readonly Profile[] = ["myfs", "rfs"];

async function pack(
  folder: TempFolder,
  source: string,
  options: Partial<PackOptions> & Pick<PackOptions, "store">,
): Promise<Uint8Array> {
  const meta = folder.file("packed.fl");
  const report = await packDirectory(source, { ...options, meta });
  assert.deepEqual(report.failures, []);
  return await Deno.readFile(meta);
}

/** SHA-256 of each block by id. */
async function blocksOf(store: Store): Promise<Record<string, string>> {
  const ids = await Array.fromAsync(store.list!());
  const digests: Record<string, string> = {};
  for (const id of ids.sort()) {
    digests[id] = createHash("sha256").update(await store.get(id)).digest("hex");
  }
  return digests;
}

function assertEqualBytes(actual: Uint8Array, expected: Uint8Array, message: string): void {
  // Not deepEqual, which would print megabytes.
  assert.ok(Buffer.from(actual).equals(expected), message);
}

for (const profile of PROFILES) {
  requiringTest(
    ["linux", "cp"],
    `reproducible: flists and blocks of the ${profile} profile`,
    async (t) => {
      using folder = new TempFolder();
      const source = folder.file("tree");
      const seed = takeSeed();
      await t.step(`SEED=${seed}`, () => {
        // Large enough for its walk to take longer than the event loop's turns.
        const sizes = [0, 1, 262_143, 262_144, 524_288, 2_100_000];
        makeRandomTree(source, new SeededRandom(seed), { entries: 2000, sizes });
      });
      const store = new MemoryStore();
      const expected = await pack(folder, source, { store, profile, jobs: 1 });
      const blocks = await blocksOf(store);

      for (const jobs of [1, 2, 4]) {
        await t.step(`${jobs} workers, again`, async () => {
          const other = new MemoryStore();
          const flist = await pack(folder, source, { store: other, profile, jobs });
          assertEqualBytes(flist, expected, "the flists differ");
          assert.deepEqual(await blocksOf(other), blocks);
        });
      }

      await t.step("a copy of the tree elsewhere", async () => {
        const copy = folder.file("copy");
        const { success } = await new Deno.Command("cp", { args: ["-a", source, copy] }).output();
        assert.ok(success);
        const flist = await pack(folder, copy, { store, profile, jobs: 2 });
        assertEqualBytes(flist, expected, "the flists differ");
      });

      await t.step("a directory store", async () => {
        const local = `dir://${folder.file("blocks")}`;
        const flist = await pack(folder, source, { store: local, profile, jobs: 2 });
        // The routes are all that may differ.
        await Deno.writeFile(folder.file("memory.fl"), expected);
        await Deno.writeFile(folder.file("local.fl"), flist);
        const edited: Uint8Array[] = [];
        for (const name of ["memory.fl", "local.fl"]) {
          const routes = [{ start: 0, end: 255, url: "http://example.org/blocks" }];
          await editFlist(folder.file(name), (editor) => editor.replaceRoutes(routes));
          edited.push(await Deno.readFile(folder.file(name)));
        }
        assertEqualBytes(edited[1]!, edited[0]!, "the flists differ");
        const found: Record<string, string> = {};
        for (const prefix of folder.names("blocks")) {
          for (const id of folder.names(`blocks/${prefix}`)) {
            const block = await Deno.readFile(folder.file(`blocks/${prefix}/${id}`));
            found[id] = createHash("sha256").update(block).digest("hex");
          }
        }
        assert.deepEqual(found, blocks);
      });

      await t.step("a base, whatever is known of it and whoever is faster", async () => {
        const base = folder.file("base.fl");
        const stateFolder = folder.file("state");
        await packDirectory(source, { meta: base, store, profile, stateFolder });
        for (let i = 0; i < 40; i++) {
          await Deno.writeTextFile(`${source}/new file ${i}`, `new ${i}`.repeat(100));
        }
        const flists: Uint8Array[] = [];
        for (const jobs of [1, 2, 4]) {
          flists.push(await pack(folder, source, { store, profile, jobs, base, stateFolder }));
        }
        for (const flist of flists) assertEqualBytes(flist, flists[0]!, "the flists differ");
      });
    },
  );
}

Deno.test("reproducible: level and domain secret change blocks, and nothing else does", async () => {
  using folder = new TempFolder();
  // Text in which more effort finds more, in every chunk.
  const words = Array.from({ length: 90_000 }, (_, i) => (i * i) % 7919);
  const source = folder.tree("tree", { "a": "a".repeat(5000), "b": words.join(" ") });
  const ids = new Map<string, Record<string, string>>();
  const variants: Record<string, Partial<PackOptions>> = {
    "plain": {},
    "level 3": { level: 3 },
    "level 19": { level: 19 },
    "secret": { domainSecret: new Uint8Array(32).fill(1) },
    "other secret": { domainSecret: new Uint8Array(32).fill(2) },
    "tagged": { tags: { author: "somebody" } },
  };
  for (const [name, options] of Object.entries(variants)) {
    const store = new MemoryStore();
    await pack(folder, source, { ...options, store, jobs: 1 });
    ids.set(name, await blocksOf(store));
  }
  assert.deepEqual(ids.get("level 3"), ids.get("plain"));
  assert.deepEqual(ids.get("tagged"), ids.get("plain"));
  for (const name of ["level 19", "secret", "other secret"]) {
    const others = new Set(Object.keys(ids.get(name)!));
    assert.ok(
      others.size > 0 && others.isDisjointFrom(new Set(Object.keys(ids.get("plain")!))),
      name,
    );
  }
  const secrets = new Set(Object.keys(ids.get("secret")!));
  assert.ok(secrets.isDisjointFrom(new Set(Object.keys(ids.get("other secret")!))));
});
