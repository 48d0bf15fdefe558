/**
 * Goal: a cache gives only right blocks, keeps to its limit, gives up the block used least recently,
 * leaves pins alone, and gets over whatever becomes of its folder.
 */

import assert from "node:assert/strict";
import { type BlockCache, openBlockCache } from "../../../../lib/store/block_cache.ts";
import { openStore } from "../../../../lib/store/open_store.ts";
import { BLOCK_SIZE, CachePlace, idsOf } from "../../../helpers/cache_place.ts";
import { openDescriptors } from "../../../helpers/open_descriptors.ts";
import { randomBlock } from "../../../helpers/random_block.ts";

Deno.test("BlockCache: gives back what was put, checked, as bytes of the caller's own", async () => {
  using place = new CachePlace();
  await using cache = await place.open();
  const { id, block } = randomBlock(50_000);
  assert.equal(cache.get(id), undefined);
  assert.equal(cache.has(id), false);
  assert.equal(await cache.put(id, block), "stored");
  assert.equal(await cache.put(id, block), "present");
  cache.get(id)!.fill(0);
  assert.deepEqual(cache.get(id), block);
  assert.equal(cache.has(id), true);
  assert.equal(cache.remove(id), true);
  assert.equal(cache.remove(id), false);
  assert.equal(cache.get(id), undefined);
  const { hits, misses, damaged, stored, skipped, evicted } = cache.statistics;
  assert.deepEqual([hits, misses, damaged, stored, skipped, evicted], [2, 2, 0, 1, 0, 0]);
  assert.deepEqual(place.warnings, []);
});

Deno.test("BlockCache: keeps nothing that is not the block", async () => {
  using place = new CachePlace();
  await using cache = await place.open();
  const { id, block } = randomBlock(100);
  await assert.rejects(cache.put(id, randomBlock(100).block), { code: "block_corrupt" });
  await assert.rejects(cache.put(id, new Uint8Array()), RangeError);
  assert.equal(cache.has(id), false);
  assert.equal(await cache.put(id, block), "stored");
});

Deno.test("BlockCache: its folder serves as a directory store", async () => {
  using place = new CachePlace();
  await using cache = await place.open();
  const blocks = await place.fill(cache, 20);
  await cache.pin("pin", [blocks[0]!.id]);
  await using store = await openStore([`dir://${place.folder}`]);
  assert.deepEqual((await Array.fromAsync(store.list!())).sort(), idsOf(blocks));
  for (const { id, block } of blocks) assert.deepEqual(await store.get(id), block);
});

for (const size of [5000, 60_000]) {
  for (
    const [what, damage] of [
      [
        "changed",
        (path: string, block: Uint8Array) => Deno.writeFileSync(path, block.map((b) => b ^ 1)),
      ],
      ["cut off", (path: string) => Deno.truncateSync(path, 100)],
      ["emptied", (path: string) => Deno.truncateSync(path, 0)],
      ["longer", (path: string) => Deno.writeFileSync(path, new Uint8Array(9), { append: true })],
      ["huge", (path: string) => Deno.truncateSync(path, 2 ** 40)],
    ] as const
  ) {
    Deno.test(`BlockCache: a block of ${size} bytes that was ${what} is removed and can be put again`, async () => {
      using place = new CachePlace();
      await using cache = await place.open();
      const { id, block } = randomBlock(size);
      await cache.put(id, block);
      assert.deepEqual(cache.get(id), block);
      damage(place.pathOf(id), block);
      assert.equal(cache.get(id), undefined);
      assert.equal(cache.statistics.damaged, 1);
      assert.deepEqual(place.look().ids, []);
      assert.equal(await cache.put(id, block), "stored");
      assert.deepEqual(cache.get(id), block);
      assert.equal((await cache.status()).bytes, Math.ceil(size / 4096) * 4096);
    });
  }
}

Deno.test("BlockCache: a damaged block is replaced by a put as well", async () => {
  using place = new CachePlace();
  await using cache = await place.open();
  const { id, block } = randomBlock(5000);
  await cache.put(id, block);
  await Deno.truncate(place.pathOf(id), 100);
  assert.equal(await cache.put(id, block), "stored");
  assert.deepEqual(cache.get(id), block);
});

Deno.test("BlockCache: removes the blocks used least recently, and no more than it must", async () => {
  using place = new CachePlace();
  await using cache = await place.open({ sizeMax: 4 * BLOCK_SIZE });
  const [a, b, c, d] = await place.fill(cache, 4);
  cache.get(a!.id);
  cache.get(c!.id);
  const [e] = await place.fill(cache, 1);
  assert.deepEqual(place.look().ids, idsOf([a!, c!, d!, e!]));
  const large = randomBlock(2 * BLOCK_SIZE);
  await cache.put(large.id, large.block);
  assert.deepEqual(place.look().ids, idsOf([c!, e!, large]));
  assert.equal(cache.get(b!.id), undefined);
  assert.equal(cache.statistics.evicted, 3);
});

Deno.test("BlockCache: knows what another that is open at the same time used, put and removed", async () => {
  using place = new CachePlace();
  await using one = await place.open({ sizeMax: 3 * BLOCK_SIZE });
  await using other = await place.open();
  const [a, b, c] = await place.fill(one, 3);
  assert.deepEqual(other.get(a!.id), a!.block);
  const [d] = await place.fill(other, 1);
  assert.deepEqual(place.look().ids, idsOf([a!, c!, d!]));
  assert.equal(one.get(b!.id), undefined);
  const [e] = await place.fill(one, 1);
  assert.deepEqual(place.look().ids, idsOf([a!, d!, e!]));
});

Deno.test("BlockCache: a block larger than the limit is not kept, with one warning", async () => {
  using place = new CachePlace();
  await using cache = await place.open({ sizeMax: BLOCK_SIZE });
  const [kept] = await place.fill(cache, 1);
  for (let i = 0; i < 2; i++) {
    const { id, block } = randomBlock(BLOCK_SIZE + 1);
    assert.equal(await cache.put(id, block), "skipped");
  }
  assert.deepEqual(place.look().ids, idsOf([kept!]));
  assert.deepEqual(place.warnings.map(({ reason }) => reason), ["full"]);
  assert.match(place.warnings[0]!.message, /^The cache .*\/cache has no room/);
  assert.equal(cache.statistics.skipped, 2);
});

Deno.test("BlockCache: leaves the free space that it is told to leave", async () => {
  using place = new CachePlace();
  let blocks;
  {
    await using cache = await place.open();
    blocks = await place.fill(cache, 3);
  }
  // More than any disk has: everything without a pin goes, and nothing comes.
  {
    await using cache = await place.open();
    await cache.pin("pin", [blocks[1]!.id]);
  }
  await using cache = await place.open({ freeSpaceMin: 2 ** 52 });
  assert.deepEqual(place.look().ids, idsOf([blocks[1]!]));
  const { id, block } = randomBlock(10);
  assert.equal(await cache.put(id, block), "skipped");
  assert.deepEqual(place.warnings.map(({ reason }) => reason), ["full"]);
  assert.equal((await cache.status()).freeSpaceMin, 2 ** 52);
});

Deno.test("BlockCache: by default it leaves a share of the disk, and at most 1 GiB", async () => {
  using place = new CachePlace();
  await using cache = await openBlockCache(place.folder);
  const { freeSpaceMin, sizeMax, freeBytes } = await cache.status();
  assert.ok(freeSpaceMin > 0 && freeSpaceMin <= 2 ** 30, `${freeSpaceMin}`);
  assert.equal(sizeMax, 10 * 2 ** 30);
  assert.ok(freeBytes > 0);
});

Deno.test("BlockCache: a limit that was named holds until another is, and for those who are there", async () => {
  using place = new CachePlace();
  await using one = await place.open({ sizeMax: 10 * BLOCK_SIZE });
  const blocks = await place.fill(one, 5);
  {
    await using other = await place.open();
    assert.equal((await other.status()).sizeMax, 10 * BLOCK_SIZE);
  }
  // Opening with a smaller limit trims.
  await using other = await place.open({ sizeMax: 2 * BLOCK_SIZE });
  assert.deepEqual(place.look().ids, idsOf(blocks.slice(3)));
  assert.equal(other.statistics.evicted, 3);
  await place.fill(one, 3);
  assert.equal(place.look().bytes, 2 * BLOCK_SIZE);
});

Deno.test("BlockCache: pinned blocks stay, come what may, and through a new opening", async () => {
  using place = new CachePlace();
  let kept;
  {
    await using cache = await place.open({ sizeMax: 4 * BLOCK_SIZE });
    const blocks = await place.fill(cache, 4);
    kept = [blocks[0]!, blocks[2]!];
    const later = randomBlock(BLOCK_SIZE);
    const ids = [...kept, kept[0]!, later].map(({ id }) => id);
    const pin = { name: "/a.fl", blocks: 3, blocksPresent: 2, bytesPresent: 2 * BLOCK_SIZE };
    assert.deepEqual(await cache.pin("/a.fl", ids), pin);
    await place.fill(cache, 5);
    await cache.put(later.id, later.block);
    kept.push(later);
    await place.fill(cache, 5);
    for (const { id, block } of kept) assert.deepEqual(cache.get(id), block);
  }
  await using cache = await place.open();
  await place.fill(cache, 5);
  for (const { id, block } of kept) assert.deepEqual(cache.get(id), block);
  const status = await cache.status();
  assert.equal(status.blocksPinned, 3);
  assert.equal(status.bytesPinned, 3 * BLOCK_SIZE);
  assert.equal(status.bytes, 4 * BLOCK_SIZE);
  // Pinned blocks leave room for one more only.
  assert.equal(await cache.unpin("/a.fl"), true);
  assert.equal(await cache.unpin("/a.fl"), false);
  await place.fill(cache, 4);
  assert.equal(kept.some(({ id }) => cache.has(id)), false);
});

Deno.test("BlockCache: a pin replaces one of the same name, and others stay", async () => {
  using place = new CachePlace();
  await using cache = await place.open({ sizeMax: 3 * BLOCK_SIZE });
  const [a, b, c] = await place.fill(cache, 3);
  await cache.pin("one", [a!.id, b!.id]);
  await cache.pin("two", [b!.id]);
  await cache.pin("one", [c!.id]);
  await place.fill(cache, 3);
  assert.equal(cache.has(a!.id), false);
  assert.equal(cache.has(b!.id), true);
  assert.equal(cache.has(c!.id), true);
  const names = (await cache.status()).pins.map(({ name }) => name).sort();
  assert.deepEqual(names, ["one", "two"]);
});

Deno.test("BlockCache: clear keeps what is pinned, unless that is to go too", async () => {
  using place = new CachePlace();
  await using cache = await place.open();
  const [a] = await place.fill(cache, 3);
  await cache.pin("pin", [a!.id]);
  assert.deepEqual(await cache.clear(), { blocks: 2, bytes: 2 * BLOCK_SIZE });
  assert.deepEqual(place.look().ids, [a!.id]);
  assert.deepEqual(await cache.clear({ pinned: true }), { blocks: 1, bytes: BLOCK_SIZE });
  assert.deepEqual(place.look().ids, []);
  assert.deepEqual((await cache.status()).pins, []);
  await place.fill(cache, 1);
});

Deno.test("BlockCache: verify finds every damaged block, also one that was just read, and removes it", async () => {
  using place = new CachePlace();
  await using cache = await place.open();
  const blocks = await place.fill(cache, 4);
  const large = randomBlock(60_000);
  await cache.put(large.id, large.block);
  assert.deepEqual(await cache.verify(), {
    blocks: 5,
    bytes: 4 * BLOCK_SIZE + 60_000,
    damaged: [],
  });
  // As a disk does that loses bits: nothing else of the file changes.
  const { atime, mtime } = await Deno.stat(place.pathOf(large.id));
  const rot = large.block.map((byte, at) => at === 30_000 ? byte ^ 4 : byte);
  await Deno.writeFile(place.pathOf(large.id), rot);
  await Deno.utime(place.pathOf(large.id), atime!, mtime!);
  await Deno.writeFile(place.pathOf(blocks[1]!.id), blocks[0]!.block);
  const seen: number[] = [];
  const onProgress = ({ entries }: { entries: number }): number => seen.push(entries);
  const { damaged } = await cache.verify({ onProgress });
  assert.deepEqual([...damaged].sort(), [blocks[1]!.id, large.id].sort());
  assert.equal(seen.at(-1), 5);
  assert.equal((await cache.status()).blocks, 3);
});

Deno.test("BlockCache: what others did to the files is found out", async () => {
  using place = new CachePlace();
  let blocks;
  {
    await using cache = await place.open({ sizeMax: 4 * BLOCK_SIZE });
    blocks = await place.fill(cache, 4);
  }
  await Deno.remove(place.pathOf(blocks[0]!.id));
  const copied = randomBlock(BLOCK_SIZE, Number.parseInt(blocks[1]!.id.slice(0, 2), 16));
  await Deno.writeFile(place.pathOf(copied.id), copied.block);
  const another = randomBlock(BLOCK_SIZE, Number.parseInt(blocks[2]!.id.slice(0, 2), 16));
  await Deno.writeFile(place.pathOf(another.id), another.block);
  await using cache = await place.open();
  assert.deepEqual(cache.get(copied.id), copied.block);
  assert.equal((await cache.status({ scan: false })).blocks, 4);
  assert.equal((await cache.status()).blocks, 5);
  assert.deepEqual(await cache.prune(), { blocks: 1, bytes: BLOCK_SIZE });
  assert.equal(place.look().bytes, 4 * BLOCK_SIZE);
});

Deno.test("BlockCache: the index is made again when it is gone or garbage, closed or open", async () => {
  const garbage = crypto.getRandomValues(new Uint8Array(30_000));
  const damages: Readonly<Record<string, (path: string) => void>> = {
    removed: (path) => Deno.removeSync(path),
    garbage: (path) => Deno.writeFileSync(path, garbage),
    emptied: (path) => Deno.truncateSync(path, 0),
    cut: (path) => Deno.truncateSync(path, 5000),
    text: (path) => Deno.writeTextFileSync(path, "no database"),
    "partly garbage": (path) => {
      using file = Deno.openSync(path, { write: true });
      file.seekSync(4096, Deno.SeekMode.Start);
      file.writeSync(garbage.subarray(0, 12_000));
    },
  };
  for (const [name, damage] of Object.entries(damages)) {
    for (const isOpen of [false, true]) {
      using place = new CachePlace();
      const sizeMax = 20 * BLOCK_SIZE;
      let cache: BlockCache = await place.open({ sizeMax });
      try {
        const blocks = await place.fill(cache, 20);
        await cache.pin("pin", [blocks[0]!.id]);
        cache.get(blocks[1]!.id);
        if (!isOpen) await cache[Symbol.asyncDispose]();
        damage(`${place.folder}/index.sqlite`);
        if (!isOpen) cache = await place.open({ sizeMax });
        const label = `${name}, open: ${isOpen}`;
        await place.fill(cache, 1);
        assert.equal(place.look().bytes, sizeMax, label);
        // Neither pins nor the order of use are lost.
        assert.deepEqual(
          [0, 1, 2].map((i) => cache.has(blocks[i]!.id)),
          [true, true, false],
          label,
        );
        const status = await cache.status();
        assert.deepEqual([status.blocks, status.bytes, status.sizeMax], [20, sizeMax, sizeMax]);
        assert.equal(status.blocksPinned, 1);
        assert.deepEqual(place.warnings, [], label);
      } finally {
        await cache[Symbol.asyncDispose]();
      }
    }
  }
});

Deno.test("BlockCache: an index of before the system started, or a scan that was cut off, is not believed", async () => {
  const { DatabaseSync } = await import("node:sqlite");
  for (const boot of ["another", ""]) {
    using place = new CachePlace();
    let blocks;
    {
      await using cache = await place.open();
      blocks = await place.fill(cache, 3);
    }
    const database = new DatabaseSync(`${place.folder}/index.sqlite`);
    database.prepare("UPDATE state SET boot = ?, bytes = 999").run(boot);
    database.exec("DELETE FROM block");
    database.close();
    await using cache = await place.open({ sizeMax: 2 * BLOCK_SIZE });
    assert.deepEqual(place.look().ids, idsOf(blocks.slice(1)));
    assert.equal((await cache.status()).bytes, 2 * BLOCK_SIZE);
  }
});

Deno.test("BlockCache: a pin that was written by a process that died before it was in the index holds", async () => {
  const { DatabaseSync } = await import("node:sqlite");
  using place = new CachePlace();
  await using cache = await place.open({ sizeMax: 2 * BLOCK_SIZE });
  const [a] = await place.fill(cache, 2);
  await cache.pin("pin", [a!.id]);
  const database = new DatabaseSync(`${place.folder}/index.sqlite`);
  database.exec("UPDATE state SET pinsKnown = 0; DELETE FROM pinned; UPDATE block SET pins = 0");
  database.close();
  await place.fill(cache, 4);
  assert.equal(cache.has(a!.id), true);
});

Deno.test("BlockCache: goes on in a new folder when its own was removed or replaced", async () => {
  using place = new CachePlace();
  await using cache = await place.open();
  await using other = await place.open();
  await place.fill(cache, 2);
  await Deno.remove(place.folder, { recursive: true });
  const [a] = await place.fill(cache, 1);
  assert.deepEqual(place.look().ids, [a!.id]);
  await place.fill(other, 1);
  assert.equal((await cache.status()).blocks, 2);
});

Deno.test("BlockCache: waits for another's lock for a while, then does without", async () => {
  using place = new CachePlace();
  await using cache = await place.open();
  const [a] = await place.fill(cache, 1);
  using marker = await Deno.open(`${place.folder}/CACHEDIR.TAG`);
  marker.lockSync(true);
  assert.deepEqual(cache.get(a!.id), a!.block);
  const soon = randomBlock(10);
  const putting = cache.put(soon.id, soon.block);
  setTimeout(() => marker.unlockSync(), 20);
  assert.equal(await putting, "stored");
  marker.lockSync(true);
  const never = randomBlock(10);
  assert.equal(await cache.put(never.id, never.block), "skipped");
  assert.deepEqual(place.warnings, []);
  const reason = new Error("stop");
  const signal = AbortSignal.abort(reason);
  await assert.rejects(cache.status({ signal }), (error) => error === reason);
});

Deno.test("BlockCache: refuses folders that are not its own, and sizes that are none", async () => {
  using place = new CachePlace();
  place.tree("cache", { "letter": "dear" });
  await assert.rejects(place.open(), { code: "store_denied", message: /not a cache/ });
  assert.equal(await Deno.readTextFile(`${place.folder}/letter`), "dear");
  for (const sizeMax of [-1, 0.5, NaN, Infinity]) {
    await assert.rejects(place.open({ sizeMax }), RangeError);
    await assert.rejects(place.open({ freeSpaceMin: sizeMax }), RangeError);
  }
});

Deno.test("BlockCache: holds nothing open once it is closed, and gives nothing", async () => {
  using place = new CachePlace();
  const cache = await place.open();
  const [a] = await place.fill(cache, 1);
  assert.ok(openDescriptors(place.folder) > 0);
  await cache[Symbol.asyncDispose]();
  await cache[Symbol.asyncDispose]();
  assert.equal(openDescriptors(place.folder), 0);
  assert.equal(cache.get(a!.id), undefined);
  assert.equal(cache.has(a!.id), false);
  assert.equal(await cache.put(a!.id, a!.block), "skipped");
  assert.equal(cache.remove(a!.id), false);
  await assert.rejects(cache.status(), { code: "store_unavailable", message: /closed/ });
});
