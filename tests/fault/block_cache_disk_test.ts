/**
 * Goal: a cache on a disk that is full, read only or not to be written fails no read, says so once,
 * and goes on when the disk does. Method: small file systems in memory, mounted for each test.
 */

import assert from "node:assert/strict";
import { openBlockCache } from "../../lib/store/block_cache.ts";
import { MemoryStore } from "../../lib/store/memory_store.ts";
import { CachedStore } from "../../lib/store/wrappers/cached_store.ts";
import { BLOCK_SIZE, CachePlace, idsOf, type SomeBlock } from "../helpers/cache_place.ts";
import { randomBlock } from "../helpers/random_block.ts";
import { requiringTest } from "../helpers/require.ts";

const NEEDS = ["linux", "root", "mount"] as const;
const MIB = 2 ** 20;

/** The place of a cache on a file system of limited size. */
class SmallDisk extends CachePlace {
  constructor(options: string) {
    super();
    Deno.mkdirSync(this.folder);
    run("mount", ["-t", "tmpfs", "-o", `mode=0700,${options}`, "tmpfs", this.folder]);
  }

  /** Makes it read only until the answer is disposed of. */
  lockUp(): Disposable {
    // A second mount over the first, because the first is in use.
    run("mount", ["--bind", this.folder, this.folder]);
    run("mount", ["-o", "remount,bind,ro", this.folder]);
    return { [Symbol.dispose]: () => run("umount", ["--lazy", this.folder]) };
  }

  override [Symbol.dispose](): void {
    run("umount", ["--lazy", this.folder]);
    super[Symbol.dispose]();
  }
}

function run(command: string, args: string[]): void {
  const { success, stderr } = new Deno.Command(command, { args }).outputSync();
  assert.ok(success, new TextDecoder().decode(stderr));
}

/** A store that has blocks of 60 KiB. */
async function storeOf(count: number): Promise<{ store: MemoryStore; blocks: SomeBlock[] }> {
  const store = new MemoryStore();
  const blocks = Array.from({ length: count }, () => randomBlock(60 * 1024));
  for (const { id, block } of blocks) await store.put(id, block);
  return { store, blocks };
}

requiringTest(
  NEEDS,
  "block cache: on a full disk, every read succeeds, with one warning",
  async () => {
    using disk = new SmallDisk(`size=${MIB}`);
    // No floor, so that it meets the end of the disk itself.
    await using cache = await disk.open({ freeSpaceMin: 0, sizeMax: 100 * MIB });
    const { store, blocks } = await storeOf(40);
    await using cached = new CachedStore(store, cache);
    await Deno.writeFile(disk.file("cache/other"), new Uint8Array(300_000));
    for (let round = 0; round < 2; round++) {
      for (const { id, block } of blocks) assert.deepEqual(await cached.get(id), block);
    }
    assert.ok(disk.warnings.length <= 1, JSON.stringify(disk.warnings));
    const { damaged } = await cache.verify();
    assert.deepEqual(damaged, []);
    const { ids } = disk.look();
    assert.ok(ids.length > 2, `${ids.length}`);
    // What another program takes, the cache gives back, and the rest is as good as before.
    await Deno.remove(disk.file("cache/other"));
    for (const { id, block } of blocks) assert.deepEqual(await cached.get(id), block);
  },
);

requiringTest(
  NEEDS,
  "block cache: leaves free what it is to leave on a disk that fills up",
  async () => {
    using disk = new SmallDisk(`size=${4 * MIB}`);
    await using cache = await disk.open({ freeSpaceMin: MIB, sizeMax: 100 * MIB });
    const { store, blocks } = await storeOf(100);
    await using cached = new CachedStore(store, cache);
    for (const { id, block } of blocks) assert.deepEqual(await cached.get(id), block);
    const free = async (): Promise<number> => (await cache.status()).freeBytes;
    // The index, and the folders that come with a block, take some pages too.
    assert.ok(await free() >= MIB - 10 * BLOCK_SIZE, `${await free()}`);
    const before = disk.look().ids.length;
    assert.ok(before > 20);
    await Deno.writeFile(disk.file("cache/other"), new Uint8Array(MIB));
    const [late] = (await storeOf(1)).blocks;
    await cache.put(late!.id, late!.block);
    assert.ok(await free() >= MIB - 10 * BLOCK_SIZE, `${await free()}`);
    assert.ok(disk.look().ids.length < before);
    assert.ok(cache.has(late!.id));
  },
);

requiringTest(
  NEEDS,
  "block cache: without inodes, every read succeeds, with one warning",
  async () => {
    using disk = new SmallDisk(`size=${20 * MIB},nr_inodes=30`);
    await using cache = await disk.open({ freeSpaceMin: 0 });
    const { store, blocks } = await storeOf(40);
    await using cached = new CachedStore(store, cache);
    for (let round = 0; round < 2; round++) {
      for (const { id, block } of blocks) assert.deepEqual(await cached.get(id), block);
    }
    assert.deepEqual(disk.warnings.map(({ reason }) => reason), ["unwritable"]);
    assert.match(disk.warnings[0]!.message, /ENOSPC/);
  },
);

requiringTest(
  NEEDS,
  "block cache: a disk that turns read only gives what it has, then goes on",
  async () => {
    using disk = new SmallDisk(`size=${20 * MIB}`);
    await using cache = await disk.open();
    const { store, blocks } = await storeOf(4);
    await using cached = new CachedStore(store, cache);
    for (const { id } of blocks.slice(0, 2)) await cached.get(id);
    {
      using _lock = disk.lockUp();
      for (const { id, block } of blocks) assert.deepEqual(await cached.get(id), block);
      assert.deepEqual(disk.look().ids, idsOf(blocks.slice(0, 2)));
      assert.deepEqual(disk.warnings.map(({ reason }) => reason), ["unwritable"]);
      assert.match(disk.warnings[0]!.message, /keeps nothing new/);
      await assert.rejects(cache.clear(), { name: /^Store/ });
      {
        // Opened on it, too.
        await using another = await disk.open();
        assert.deepEqual(another.get(blocks[0]!.id), blocks[0]!.block);
        assert.equal(await another.put(blocks[3]!.id, blocks[3]!.block), "skipped");
      }
      assert.equal(disk.warnings.length, 2);
    }
    // The clock of these tests goes a second each time: after the pause, it tries again.
    for (let i = 0; i < 12; i++) cache.get(randomBlock(5).id), disk.nowMs += 1000;
    for (const { id, block } of blocks) assert.deepEqual(await cached.get(id), block);
    assert.deepEqual(disk.look().ids, idsOf(blocks));
    assert.equal(disk.warnings.length, 2);
  },
);

requiringTest(
  NEEDS,
  "block cache: a folder that cannot be made is a warning, not a failure",
  async () => {
    using disk = new SmallDisk(`size=${MIB},ro`);
    const { store, blocks } = await storeOf(1);
    for (const folder of [disk.folder, `${disk.folder}/new`]) {
      const warnings: string[] = [];
      const onWarning = ({ message }: { message: string }): number => warnings.push(message);
      await using cache = await openBlockCache(folder, { onWarning });
      const cached = new CachedStore(store, cache);
      assert.deepEqual(await cached.get(blocks[0]!.id), blocks[0]!.block);
      assert.equal(warnings.length, 1);
      assert.match(warnings[0]!, /read only/);
    }
  },
);
