/**
 * Replicas of which one is dead, hangs, is corrupt or shaky: reading goes on from the other within a
 * second, and what can be healed is. Method: images packed into two stores, one of which gets worse;
 * stores on the network are memory with all that `openStore` puts around such a store.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  BlockCorruptError,
  BlockNotFoundError,
  checkImage,
  type HealEvent,
  MemoryStore,
  openImage,
  packDirectory,
  type Store,
  StoreUnavailableError,
  unpackImage,
} from "../../mod.ts";
import { parseBlockId } from "../../lib/block/block_ref.ts";
import { checkEitherDigest } from "../../lib/store/block_check.ts";
import { wrapLeaf } from "../../lib/store/wrappers/leaf_wrappers.ts";
import { RoutedStore } from "../../lib/store/wrappers/routed_store.ts";
import { type Fault, FaultyStore } from "../helpers/faulty_store.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";

const JOBS = { jobs: 2 };

function makeTree(folder: TempFolder): string {
  const random = new SeededRandom(77);
  return folder.tree("tree", {
    "large": random.bytes(3_000_000),
    "small": random.bytes(3000),
    "words": random.runs(400_000),
  });
}

async function expectTree(folder: TempFolder, target: string): Promise<void> {
  for (const name of ["large", "small", "words"]) {
    const content = await Deno.readFile(folder.file(`${target}/${name}`));
    assert.deepEqual(content, await Deno.readFile(folder.file(`tree/${name}`)), name);
  }
}

const refused = new StoreUnavailableError("mem://", "Connection refused", { retryable: true });

/** Stores as they would be on the network, with short times, as replicas of each other. */
function replicas(
  stores: readonly Store[],
  onHeal?: (event: HealEvent) => void,
): RoutedStore {
  const place = { isRemote: true, isAlone: false, rate: undefined };
  const routes = stores.map((inner) => ({
    start: 0,
    end: 255,
    store: wrapLeaf(inner, place, { deadlineMs: 2000, attempts: 2 }),
  }));
  const heal = { check: checkEitherDigest, everyReplica: true };
  return new RoutedStore(routes, onHeal === undefined ? {} : { heal: { ...heal, onHeal } });
}

const BAD_REPLICAS: Readonly<Record<string, Fault>> = {
  "is dead": { error: refused },
  "hangs": { delayMs: 3_600_000 },
  "is slow": { call: "get", delayMs: 300 },
  "fails at every second call": { every: 2, error: refused },
  "hangs at every third call": { every: 3, delayMs: 3_600_000 },
};

for (const [what, fault] of Object.entries(BAD_REPLICAS)) {
  Deno.test(`replicas: unpack and reading are right and quick when the first one ${what}`, async () => {
    using folder = new TempFolder();
    const good = new MemoryStore();
    const meta = folder.file("a.fl");
    await packDirectory(makeTree(folder), { meta, store: good, ...JOBS });
    const copy = new MemoryStore();
    for await (const id of good.list()) await copy.put(id, await good.get(id));
    const startedMs = performance.now();
    {
      await using store = replicas([new FaultyStore(copy, [fault]), good]);
      const report = await unpackImage(meta, folder.file("out"), { store, ...JOBS });
      assert.deepEqual(report.failures, []);
      await expectTree(folder, "out");
      await using image = await openImage(meta, { store });
      assert.equal((await image.readFile("small")).length, 3000);
    }
    const passedMs = performance.now() - startedMs;
    assert.ok(passedMs < 10_000, `took ${passedMs} ms`);
  });
}

Deno.test("replicas: with both dead, unpack fails in time, names both, and leaves nothing", async () => {
  using folder = new TempFolder();
  const good = new MemoryStore();
  const meta = folder.file("a.fl");
  await packDirectory(makeTree(folder), { meta, store: good, ...JOBS });
  const dead = (fault: Fault): Store => new FaultyStore(new MemoryStore("dead"), [fault]);
  await using store = replicas([
    dead({ delayMs: 3_600_000 }),
    dead({ error: refused }),
  ]);
  await assert.rejects(unpackImage(meta, folder.file("out"), { store, ...JOBS }), (error) => {
    assert.ok(error instanceof StoreUnavailableError);
    assert.match(error.message, /did not answer within 2 s/);
    assert.match(error.message, /Connection refused \(tried 2 times/);
    return true;
  });
  assert.ok(!folder.names().includes("out"));
});

Deno.test("replicas: a check that heals brings every block to every store that can take it", async () => {
  using folder = new TempFolder();
  const good = new MemoryStore("good");
  const meta = folder.file("a.fl");
  await packDirectory(makeTree(folder), { meta, store: good, ...JOBS });
  const ids = await Array.fromAsync(good.list());
  const worse = new MemoryStore("worse");
  for (const [index, id] of ids.entries()) {
    if (index % 3 === 1) await worse.put(id, await good.get(id));
    if (index % 3 === 2) await worse.put(id, new Uint8Array(500));
  }
  const readOnly = new FaultyStore(new MemoryStore("full"), [{ call: "put", error: refused }]);
  const events: HealEvent[] = [];
  const store = replicas([good, worse, readOnly], (event) => events.push(event));
  const report = await checkImage(meta, { store, ...JOBS });
  await store[Symbol.asyncDispose]();
  assert.equal(report.blocksOk, ids.length);
  for (const id of ids) assert.deepEqual(await worse.get(id), await good.get(id));
  const healed = events.filter(({ error }) => error === undefined);
  assert.deepEqual(
    healed.map(({ id, store, found }) => `${id} ${store} ${found}`).sort(),
    ids.flatMap((id, index) =>
      index % 3 === 1 ? [] : [`${id} mem://worse ${index % 3 === 0 ? "missing" : "corrupt"}`]
    ).sort(),
  );
  const failed = events.filter(({ error }) => error !== undefined);
  assert.deepEqual(new Set(failed.map(({ store }) => store)), new Set(["mem://full"]));
  assert.equal(failed.length, ids.length);
  for (const id of ids) {
    await good.delete(id);
    await worse.delete(id);
  }
});

/** An image in two directories, of which the second has lost and damaged blocks. */
async function damagedCopies(folder: TempFolder): Promise<{ meta: string; damaged: string[] }> {
  const meta = folder.file("a.fl");
  const store = [`dir://${folder.file("one")}`, `dir://${folder.file("two")}`];
  await packDirectory(makeTree(folder), { meta, store, ...JOBS });
  const paths = folder.names("two").flatMap((prefix) =>
    folder.names(`two/${prefix}`).map((id) => folder.file(`two/${prefix}/${id}`))
  );
  assert.ok(paths.length >= 4);
  const [lost, bad, cut] = paths as [string, string, string];
  await Deno.remove(lost);
  const block = await Deno.readFile(bad);
  block[0]! ^= 1;
  await Deno.writeFile(bad, block);
  await Deno.writeFile(cut, block.subarray(0, 10));
  return { meta, damaged: [lost, bad, cut] };
}

Deno.test("replicas: a check finds one good copy enough, and with heal repairs the other", async () => {
  using folder = new TempFolder();
  const { meta, damaged } = await damagedCopies(folder);
  const plain = await checkImage(meta, JOBS);
  assert.equal(plain.blocksOk, plain.blocks);
  assert.equal(plain.healing, undefined);
  const { healing, blocks, blocksOk } = await checkImage(meta, { heal: true, ...JOBS });
  assert.equal(blocksOk, blocks);
  assert.deepEqual(healing!.unhealed, []);
  const healed = healing!.healed.map(({ id, store, found }) => [id, store, found]);
  const store = `dir://${folder.file("two")}`;
  assert.deepEqual(
    healed.sort(),
    damaged.map((path, index) => [path.slice(-64), store, index === 0 ? "missing" : "corrupt"])
      .sort(),
  );
  // Now the second directory has all by itself.
  await Deno.remove(folder.file("one"), { recursive: true });
  const alone = await checkImage(meta, { store, ...JOBS });
  assert.deepEqual([alone.blocksOk, alone.corrupt, alone.missing], [blocks, [], []]);
  // And the first comes back whole where it is made again.
  await Deno.mkdir(folder.file("one"));
  const back = await checkImage(meta, { heal: true, ...JOBS });
  assert.equal(back.healing!.healed.length, blocks);
  await unpackImage(meta, folder.file("out"), { store: `dir://${folder.file("one")}`, ...JOBS });
  await expectTree(folder, "out");
});

Deno.test("replicas: a directory that is away is told as not healed, and no block is missing", async () => {
  using folder = new TempFolder();
  const { meta } = await damagedCopies(folder);
  await Deno.remove(folder.file("two"), { recursive: true });
  const { healing, blocks, blocksOk } = await checkImage(meta, { heal: true, ...JOBS });
  assert.equal(blocksOk, blocks);
  assert.deepEqual(healing!.healed, []);
  const [away, ...others] = healing!.unhealed;
  assert.deepEqual(others, []);
  assert.deepEqual([away!.store, away!.count], [`dir://${folder.file("two")}`, blocks]);
  assert.match(away!.reason, /does not exist/);
});

Deno.test("replicas: unpacking heals what it meets, and tells what it did", async () => {
  using folder = new TempFolder();
  const { meta, damaged } = await damagedCopies(folder);
  const store = [`dir://${folder.file("two")}`, `dir://${folder.file("one")}`];
  const seen: HealEvent[] = [];
  const report = await unpackImage(meta, folder.file("out"), {
    store,
    heal: true,
    onHeal: (event) => seen.push(event),
    ...JOBS,
  });
  assert.deepEqual(report.failures, []);
  await expectTree(folder, "out");
  assert.deepEqual(seen.length, report.healing!.healed.length);
  assert.ok(report.healing!.healed.length >= 1);
  for (const { id } of report.healing!.healed) {
    const path = damaged.find((each) => each.endsWith(id))!;
    checkEitherDigest(parseBlockId(id), await Deno.readFile(path));
  }
});

Deno.test("replicas: reading an image passes by a damaged copy on a local disk", async () => {
  using folder = new TempFolder();
  const { meta } = await damagedCopies(folder);
  const [one, two] = ["one", "two"].map((name) => `dir://${folder.file(name)}`);
  await using image = await openImage(meta, { store: [two!, one!] });
  assert.deepEqual(await image.readFile("large"), await Deno.readFile(folder.file("tree/large")));
  await using alone = await openImage(meta, { store: two! });
  const names = ["large", "small", "words"];
  const outcomes = await Promise.allSettled(names.map((name) => alone.readFile(name)));
  const reasons = outcomes.flatMap((each) => each.status === "rejected" ? [each.reason] : []);
  assert.ok(reasons.length > 0);
  for (const reason of reasons) {
    assert.ok(reason instanceof BlockCorruptError || reason instanceof BlockNotFoundError);
  }
});
