/**
 * Stores that fail: whatever call fails, and whenever, the outcome is success or the store's error,
 * nothing half-done stays, and the next attempt succeeds. Method: `FaultyStore` lets the N-th call
 * fail, for every N of a small image.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  checkImage,
  cloneImage,
  MemoryStore,
  openImage,
  packDirectory,
  StoreUnavailableError,
  unpackImage,
} from "../../mod.ts";
import { type FaultyCall, FaultyStore } from "../helpers/faulty_store.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

function makeTree(folder: TempFolder): string {
  const random = new SeededRandom(31);
  return folder.tree("tree", {
    "a/large": random.bytes(1_500_000),
    "a/small": random.bytes(3000),
    "b/words": random.runs(300_000),
    "b/more": random.bytes(2000),
  });
}

function gone(): StoreUnavailableError {
  return new StoreUnavailableError("mem://", "The store went away", { retryable: true });
}

/** A store that fails at the `nth` call of a kind. */
function failing(inner: MemoryStore, call: FaultyCall, nth: number): FaultyStore {
  return new FaultyStore(inner, [{ call, nth, error: gone() }]);
}

const JOBS = { jobs: 2 };

Deno.test("pack: a store that fails at any put leaves no flist, and what it has is used again", async () => {
  using folder = new TempFolder();
  const source = makeTree(folder);
  const healthy = new MemoryStore();
  const meta = folder.file("a.fl");
  const counting = new FaultyStore(healthy);
  await packDirectory(source, { meta, store: counting, ...JOBS });
  const expected = await Deno.readFile(meta);
  await Deno.remove(meta);
  const { put, flush } = counting.calls;
  assert.ok(put >= 4 && flush === 1);
  for (let nth = 1; nth <= put; nth++) {
    const inner = new MemoryStore();
    await assert.rejects(
      packDirectory(source, { meta, store: failing(inner, "put", nth), ...JOBS }),
      (error) => error instanceof StoreUnavailableError && error.message === "The store went away",
    );
    assert.deepEqual(folder.names(), ["tree"], `after put ${nth}`);
    // The second attempt goes on with what the first one left.
    const kept = (await Array.fromAsync(inner.list())).length;
    const report = await packDirectory(source, { meta, store: inner, ...JOBS });
    assert.equal(report.blocksPresent, kept);
    assert.equal(report.blocksStored, put - kept);
    assert.deepEqual(await Deno.readFile(meta), expected);
    assert.equal((await checkImage(meta, { store: inner, jobs: 1 })).blocksOk, put);
    await Deno.remove(meta);
  }
  await assert.rejects(
    packDirectory(source, { meta, store: failing(healthy, "flush", 1), ...JOBS }),
    StoreUnavailableError,
  );
  assert.deepEqual(folder.names(), ["tree"]);
});

Deno.test("pack: a store that fails does not touch the flist that is there", async () => {
  using folder = new TempFolder();
  const source = makeTree(folder);
  const meta = folder.file("a.fl");
  const store = new MemoryStore();
  await packDirectory(source, { meta, store, ...JOBS });
  const before = await Deno.readFile(meta);
  await Deno.writeTextFile(`${source}/new`, "new");
  await assert.rejects(packDirectory(source, { meta, store: failing(store, "put", 1), ...JOBS }));
  assert.deepEqual(await Deno.readFile(meta), before);
  // Nor does one that cannot say what it has of the base.
  await assert.rejects(
    packDirectory(source, { meta, store: failing(store, "has", 1), base: meta, ...JOBS }),
    StoreUnavailableError,
  );
  assert.deepEqual(await Deno.readFile(meta), before);
});

Deno.test("unpack: a store that fails at any get leaves nothing in the target", async () => {
  using folder = new TempFolder();
  const source = makeTree(folder);
  const inner = new MemoryStore();
  const meta = folder.file("a.fl");
  const target = folder.file("out");
  const { chunks } = await packDirectory(source, { meta, store: inner, ...JOBS });
  for (let nth = 1; nth <= chunks; nth++) {
    const store = failing(inner, "get", nth);
    await assert.rejects(unpackImage(meta, target, { store, ...JOBS }), (error) => {
      assert.ok(error instanceof StoreUnavailableError);
      assert.equal(error.message, "The store went away");
      return true;
    });
    assert.ok(!folder.names().includes("out"));
  }
  folder.tree("out", { "mine": "mine" });
  const store = failing(inner, "get", chunks);
  await assert.rejects(unpackImage(meta, target, { store, ...JOBS }), StoreUnavailableError);
  assert.deepEqual(folder.names("out"), ["mine"]);
  await unpackImage(meta, target, { store: inner, ...JOBS });
  assert.deepEqual(folder.names("out"), ["a", "b", "mine"]);
});

Deno.test("check and reading: a store that fails is an error, not a missing block", async () => {
  using folder = new TempFolder();
  const source = makeTree(folder);
  const inner = new MemoryStore();
  const meta = folder.file("a.fl");
  const { chunks } = await packDirectory(source, { meta, store: inner, ...JOBS });
  for (let nth = 1; nth <= chunks; nth++) {
    const store = failing(inner, "get", nth);
    await assert.rejects(checkImage(meta, { store, jobs: 1 }), StoreUnavailableError);
  }
  await assert.rejects(
    checkImage(meta, { store: failing(inner, "has", 1), presenceOnly: true }),
    StoreUnavailableError,
  );
  // An image goes on when its store does.
  await using image = await openImage(meta, { store: failing(inner, "get", 2) });
  await assert.rejects(image.readFile("a/large"), StoreUnavailableError);
  const content = await image.readFile("a/large");
  assert.deepEqual(content, await Deno.readFile(`${source}/a/large`));
});

Deno.test("clone: stores that fail at any call leave no flist, and the next attempt goes on", async () => {
  using folder = new TempFolder();
  const source = makeTree(folder);
  const inner = new MemoryStore();
  const meta = folder.file("a.fl");
  const { chunks } = await packDirectory(source, { meta, store: inner, ...JOBS });
  const target = folder.file("b.fl");
  for (let nth = 1; nth <= chunks; nth++) {
    const to = new MemoryStore();
    for (
      const [from, into] of [
        [failing(inner, "get", nth), to],
        [inner, failing(to, "put", nth)],
        [inner, failing(to, "has", 1)],
        [inner, failing(to, "flush", 1)],
      ] as const
    ) {
      await assert.rejects(
        cloneImage(meta, { target, source: from, store: into, concurrencyMax: 2 }),
        StoreUnavailableError,
      );
      assert.deepEqual(folder.names(), ["a.fl", "tree"]);
      // What an attempt copied goes, so that each starts alike.
      if (into !== to) continue;
      for await (const id of to.list()) await to.delete(id);
    }
    const report = await cloneImage(meta, { target, source: inner, store: to });
    assert.equal(report.blocksCopied + report.blocksPresent, chunks);
    assert.equal((await checkImage(target, { store: to, jobs: 1 })).blocksOk, chunks);
    await Deno.remove(target);
  }
});

Deno.test("slow stores: pack and unpack get through, and are right", async () => {
  using folder = new TempFolder();
  const source = makeTree(folder);
  const store = new FaultyStore(new MemoryStore(), [{ delayMs: 30 }]);
  const meta = folder.file("a.fl");
  await packDirectory(source, { meta, store, ...JOBS });
  await unpackImage(meta, folder.file("out"), { store, ...JOBS });
  for (const path of ["a/large", "a/small", "b/words", "b/more"]) {
    const content = await Deno.readFile(folder.file(`out/${path}`));
    assert.deepEqual(content, await Deno.readFile(`${source}/${path}`), path);
  }
});
