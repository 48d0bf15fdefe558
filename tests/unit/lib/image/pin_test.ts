/** Goal: the blocks of an image are pinned, and fetched where that is wanted, under a name that stays. */

import assert from "node:assert/strict";
import { cloneImage } from "../../../../lib/image/clone.ts";
import { openImage } from "../../../../lib/image/image.ts";
import { packDirectory } from "../../../../lib/image/pack.ts";
import { pinImage, pinNameOf } from "../../../../lib/image/pin.ts";
import { unpackImage } from "../../../../lib/image/unpack.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { CachePlace } from "../../../helpers/cache_place.ts";
import { FaultyStore } from "../../../helpers/faulty_store.ts";
import { SeededRandom } from "../../../helpers/seeded_random.ts";

/** Packs a tree of three blocks into memory. */
async function packed(
  place: CachePlace,
  seed = 5,
): Promise<{ meta: string; source: string; store: FaultyStore }> {
  const random = new SeededRandom(seed);
  const files = { "a": random.bytes(300_000), "b": random.bytes(280_000), "c/small": "small" };
  const source = place.tree(`tree${seed}`, files);
  const store = new FaultyStore(new MemoryStore());
  const meta = place.file("tree.fl");
  await packDirectory(source, { meta, store });
  return { meta, source, store };
}

Deno.test("pinImage: pins what is there, and fetches the rest when it is told to", async () => {
  using place = new CachePlace();
  await using cache = await place.open();
  const { meta, store } = await packed(place);
  {
    await using image = await openImage(meta, { store, cache });
    await image.readFile("c/small");
  }
  const name = pinNameOf(meta);
  assert.equal(name, meta);
  const pin = await pinImage(meta, cache, { store });
  assert.equal(pin.name, name);
  assert.equal(pin.blocksPresent, 1);
  assert.equal(pin.blocksFetched, 0);
  assert.ok(pin.blocks > 1);
  const progress: number[] = [];
  const onProgress = ({ entries }: { entries: number }): number => progress.push(entries);
  const fetched = await pinImage(meta, cache, { store, fetch: true, onProgress });
  assert.equal(fetched.blocksFetched, pin.blocks - 1);
  assert.equal(fetched.blocksPresent, pin.blocks);
  assert.equal(progress.at(-1), pin.blocks - 1);
  const calls = store.calls.get;
  const again = await pinImage(meta, cache, { store, fetch: true });
  assert.equal(again.blocksFetched, 0);
  assert.equal(store.calls.get, calls);
  await cache.clear();
  assert.equal((await cache.status()).blocks, pin.blocks);
});

Deno.test("pinImage: of a store in a local directory it fetches too", async () => {
  using place = new CachePlace();
  await using cache = await place.open();
  const { meta, source } = await packed(place);
  const store = `dir://${place.file("blocks")}`;
  await packDirectory(source, { meta, store });
  const pin = await pinImage(meta, cache, { fetch: true });
  assert.equal(pin.blocksPresent, pin.blocks);
  await Deno.remove(place.file("blocks"), { recursive: true });
  // The cache has all: another store need not have anything.
  await unpackImage(meta, place.file("out"), { store: new MemoryStore(), cache });
  assert.deepEqual(await Deno.readFile(place.file("out/a")), await Deno.readFile(`${source}/a`));
});

Deno.test("pinImage: a new version takes the place of the old one", async () => {
  using place = new CachePlace();
  await using cache = await place.open();
  const first = await packed(place, 5);
  const old = await pinImage(first.meta, cache, { store: first.store, fetch: true });
  const second = await packed(place, 6);
  const { blocks } = await pinImage(second.meta, cache, { store: second.store, fetch: true });
  const { pins, blocksPinned, blocks: all } = await cache.status();
  assert.deepEqual(pins.map((pin) => pin.blocks), [blocks]);
  assert.equal(blocksPinned, blocks);
  // The old blocks are there until their space is needed; one is of both versions.
  assert.equal(all, old.blocks + blocks - 1);
  await cache.clear();
  assert.equal((await cache.status()).blocks, blocks);
});

Deno.test("pinImage: another name than the path of the flist may be given", async () => {
  using place = new CachePlace();
  await using cache = await place.open();
  const { meta, store } = await packed(place);
  const name = "hub://h/alice/tree:1";
  assert.equal((await pinImage(meta, cache, { store, fetch: true, name })).name, name);
  assert.deepEqual((await cache.status()).pins.map((pin) => pin.name), [name]);
  assert.equal(await cache.unpin(pinNameOf(meta)), false);
  assert.equal(await cache.unpin(name), true);
});

Deno.test("pinImage: fetches nothing that does not fit", async () => {
  using place = new CachePlace();
  await using cache = await place.open({ sizeMax: 400_000 });
  const { meta, store } = await packed(place);
  await assert.rejects(pinImage(meta, cache, { store, fetch: true }), (error) => {
    assert.ok(error instanceof Error && "hint" in error && "code" in error);
    assert.equal(error.code, "store_unavailable");
    assert.match(error.message, /^Cannot keep \d+ more blocks of \d+ bytes/);
    assert.match(String(error.hint), /room/);
    return true;
  });
  assert.equal(store.calls.get, 0);
  for (const concurrencyMax of [0, 257, 1.5]) {
    await assert.rejects(pinImage(meta, cache, { concurrencyMax }), RangeError);
  }
  await assert.rejects(pinImage(place.file("none.fl"), cache), { code: "flist_not_found" });
});

Deno.test("images: unpack, read and clone through a cache, also one that a folder names", async () => {
  using place = new CachePlace();
  const { meta, source, store } = await packed(place);
  const cache = place.folder;
  await unpackImage(meta, place.file("out"), { store, cache, cacheSize: 2 ** 30 });
  const calls = store.calls.get;
  await unpackImage(meta, place.file("again"), { store, cache });
  await cloneImage(meta, {
    target: place.file("copy.fl"),
    store: `dir://${place.file("copy")}`,
    source: store,
    cache,
  });
  {
    await using image = await openImage(meta, { store, cache });
    assert.deepEqual(await image.readFile("b"), await Deno.readFile(`${source}/b`));
  }
  assert.equal(store.calls.get, calls);
  assert.deepEqual(await Deno.readFile(place.file("again/a")), await Deno.readFile(`${source}/a`));
  await using opened = await place.open();
  assert.equal((await opened.status()).sizeMax, 2 ** 30);
});
