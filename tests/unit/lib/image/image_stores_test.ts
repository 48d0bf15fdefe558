/** Goal: blocks come from where they should, and a stranger's flist opens nothing on this machine. */

import assert from "node:assert/strict";
import { BlockCorruptError, MyfsError, UntrustedRouteError } from "../../../../lib/base/errors.ts";
import { createBlockCodec } from "../../../../lib/block/block_codec.ts";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import {
  type ReadStoreOptions,
  routesOf,
  useStore,
  useStoreOf,
} from "../../../../lib/image/image_stores.ts";
import { rememberOwnFlist } from "../../../../lib/image/own_flists.ts";
import { openBlockCache } from "../../../../lib/store/block_cache.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { StoreMetricsCollector } from "../../../../lib/store/wrappers/store_metrics.ts";
import { CachedStore } from "../../../../lib/store/wrappers/cached_store.ts";
import { CachePlace } from "../../../helpers/cache_place.ts";
import { FaultyStore } from "../../../helpers/faulty_store.ts";
import { openDescriptors } from "../../../helpers/open_descriptors.ts";
import { randomBlock } from "../../../helpers/random_block.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { writeFlist } from "../flist/flist_samples.ts";

/** Writes a flist that nobody remembers, with these routes. */
function foreignFlist(folder: TempFolder, urls: readonly string[]): string {
  const path = folder.file("foreign.fl");
  writeFlist(path, "myfs", (writer) => {
    for (const url of urls) writer.addRoute({ start: 0, end: 255, url });
    writer.setTag("unique", crypto.randomUUID());
  });
  return path;
}

async function urlUsed(meta: string, options: ReadStoreOptions): Promise<string> {
  using flist = FlistReader.open(meta);
  await using used = await useStoreOf(flist, options);
  return used.store.url;
}

Deno.test("useStoreOf: a foreign flist's routes to this machine are refused, by name without secrets", async () => {
  using folder = new TempFolder();
  folder.tree("blocks");
  const meta = foreignFlist(folder, [
    "https://blocks.example.org/b",
    `dir://${folder.file("blocks")}`,
  ]);
  for (const options of [{}, { trustRoutes: false }, { stateFolder: folder.file("state") }]) {
    await assert.rejects(urlUsed(meta, options), (error) => {
      assert.ok(error instanceof UntrustedRouteError);
      assert.ok(error.url.endsWith("/blocks"));
      return true;
    });
  }
});

Deno.test("useStoreOf: they are followed when trusted, or when the flist is one's own", async () => {
  using folder = new TempFolder();
  const url = `dir://${folder.tree("blocks")}`;
  const meta = foreignFlist(folder, [url]);
  assert.equal(await urlUsed(meta, { trustRoutes: true }), url);
  await rememberOwnFlist(meta, folder.file("state"));
  assert.equal(await urlUsed(meta, {}), url);
  // Not even one's own, when the caller says so.
  await assert.rejects(urlUsed(meta, { trustRoutes: false }), UntrustedRouteError);
});

Deno.test("useStoreOf: a store that is named takes the place of all routes", async () => {
  using folder = new TempFolder();
  const meta = foreignFlist(folder, ["dir:///nowhere/at/all"]);
  assert.equal(await urlUsed(meta, { store: "mem://named" }), "mem://named");
});

Deno.test("useStore: closes what it opened, and leaves open what was given", async () => {
  const given = new FaultyStore(new MemoryStore());
  {
    await using used = await useStore(given, "myfs", { create: true });
    assert.equal(used.store, given);
  }
  assert.equal(given.disposed, false);
});

Deno.test("useStore: takes one spec, several, or a store; makes directories only for writing", async () => {
  using folder = new TempFolder();
  const url = `dir://${folder.file("new")}`;
  await assert.rejects(useStore(url, "myfs", { create: false }), { code: "store_unavailable" });
  {
    await using used = await useStore(url, "myfs", { create: true });
    assert.equal(used.store.url, url);
  }
  assert.deepEqual(folder.names(), ["new"]);
  await using several = await useStore(["00-7f=mem://a", "80-ff=mem://b"], "myfs", {
    create: true,
  });
  assert.equal(several.store.url, "00-7f=mem://a, 80-ff=mem://b");
});

Deno.test("useStoreOf: what a foreign flist names is not written to, unless it is trusted", async () => {
  using folder = new TempFolder();
  const meta = foreignFlist(folder, ["https://blocks.example.org/b"]);
  await assert.rejects(urlUsed(meta, { heal: true }), (error) => {
    assert.ok(error instanceof MyfsError);
    assert.equal(error.code, "untrusted_route");
    assert.match(error.message, /^Cannot heal .*foreign\.fl/);
    assert.match(error.hint!, /--trust-routes/);
    return true;
  });
  assert.equal(await urlUsed(meta, { heal: true, store: "mem://named" }), "mem://named");
});

Deno.test("useStore: what is open already cannot be made to heal", async () => {
  const given = new MemoryStore();
  await assert.rejects(useStore(given, "myfs", { heal: "met" }), TypeError);
});

Deno.test("useStore: blocks are checked by the digest of the profile", async () => {
  const chunk = crypto.getRandomValues(new Uint8Array(100));
  for (const profile of ["myfs", "rfs"] as const) {
    const codec = createBlockCodec(profile);
    const { ref, block } = codec.seal(chunk, codec.keyOf(chunk));
    const specs = [`mem://${crypto.randomUUID()}`, `mem://${crypto.randomUUID()}`];
    await using used = await useStore(specs, profile, { create: true });
    await used.store.put(ref.id, block);
    assert.deepEqual(await used.store.get(ref.id), block);
    await using other = await useStore(specs, profile === "rfs" ? "myfs" : "rfs", {});
    await assert.rejects(other.store.get(ref.id), BlockCorruptError);
  }
});

Deno.test("useStore: tuning reaches the stores that are opened", async () => {
  const metrics = new StoreMetricsCollector();
  await using used = await useStore("mem://tuned", "myfs", { metrics });
  await used.store.has([]);
  assert.equal(metrics.snapshot()[0]!.operations.has!.requests, 1);
});

Deno.test("routesOf: tells ranges and URLs, without secrets unless they are to be kept", () => {
  const secret = "http://user:s3cr3t@host/blocks?token=s3cr3t";
  const [stripped] = routesOf(`00-0f=${secret}`, false);
  assert.deepEqual([stripped!.start, stripped!.end], [0, 15]);
  assert.ok(!stripped!.url.includes("s3cr3t"), stripped!.url);
  assert.ok(stripped!.url.includes("host/blocks"), stripped!.url);
  assert.equal(routesOf([`00-0f=${secret}`], true)[0]!.url, secret);
  assert.deepEqual(routesOf(new MemoryStore("a"), false), [{ start: 0, end: 255, url: "mem://a" }]);
  assert.equal(routesOf(["mem://a", "mem://b"], false).length, 2);
});

Deno.test("useStoreOf: a cache stands in front of stores elsewhere, and of no local directory", async () => {
  using place = new CachePlace();
  const blocks = `dir://${place.tree("blocks")}`;
  const meta = foreignFlist(place, [blocks]);
  using flist = FlistReader.open(meta);
  for (
    const [options, isCached] of [
      [{ store: "mem://far" }, true],
      [{ store: "mem://far", heal: true }, false],
      [{ store: blocks }, false],
      [{ trustRoutes: true }, false],
    ] as const
  ) {
    await using used = await useStoreOf(flist, { ...options, cache: place.folder });
    assert.equal(used.store instanceof CachedStore, isCached, JSON.stringify(options));
    await using opened = await place.open();
    await using given = await useStoreOf(flist, { ...options, cache: opened });
    assert.equal(given.store instanceof CachedStore, isCached);
  }
  assert.equal(openDescriptors(place.folder), 0);
  await assert.rejects(useStoreOf(flist, { store: "mem://far", cacheSize: 5 }), TypeError);
  // What is refused leaves nothing open.
  place.tree("other", { "letter": "dear" });
  const refused = useStoreOf(flist, { store: "mem://far", cache: place.file("other") });
  await assert.rejects(refused, { code: "store_denied" });
});

Deno.test("useStoreOf: what the cache has comes also while its store is out of reach", async () => {
  using folder = new TempFolder();
  const meta = foreignFlist(folder, []);
  using flist = FlistReader.open(meta);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const [kept, other] = [randomBlock(100), randomBlock(100)];
  await using cache = await openBlockCache(folder.file("cache"));
  await cache.put(kept.id, kept.block);
  const store = `http://127.0.0.1:${port}/blocks`;
  const storeOptions = { attempts: 1 };
  await assert.rejects(useStoreOf(flist, { store, storeOptions }), { code: "store_unavailable" });
  await using used = await useStoreOf(flist, { store, storeOptions, cache });
  assert.deepEqual(await used.store.get(kept.id), kept.block);
  await assert.rejects(used.store.get(other.id), { code: "store_unavailable" });
});
