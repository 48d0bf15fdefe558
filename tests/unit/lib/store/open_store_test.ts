/** Goal: what specs become, and that mistakes leave nothing behind and tell no secrets. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { UnsupportedError } from "../../../../lib/base/errors.ts";
import { DirectoryStore } from "../../../../lib/store/directory_store.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { openStore } from "../../../../lib/store/open_store.ts";
import type { HealEvent } from "../../../../lib/store/wrappers/block_healer.ts";
import { RoutedStore } from "../../../../lib/store/wrappers/routed_store.ts";
import { StoreMetricsCollector } from "../../../../lib/store/wrappers/store_metrics.ts";
import { openDescriptors } from "../../../helpers/open_descriptors.ts";
import { randomBlock } from "../../../helpers/random_block.ts";

Deno.test("openStore: one store for all ids is opened as it is", async () => {
  await using store = await openStore(["mem://a/b-1"]);
  assert(store instanceof MemoryStore);
  assert.equal(store.url, "mem://a/b-1");
  await using spelledOut = await openStore([{ start: 0, end: 255, url: "mem://a/b-1" }]);
  assert(spelledOut instanceof MemoryStore);
});

Deno.test("openStore: a range, or several stores, become a routed store", async () => {
  await using range = await openStore(["00-7f=mem://a"]);
  assert(range instanceof RoutedStore);
  assert.equal(range.url, "00-7f=mem://a");
  await using several = await openStore(["mem://a", { start: 1, end: 2, url: "mem://b" }]);
  assert(several instanceof RoutedStore);
  assert.equal(several.url, "00-ff=mem://a, 01-02=mem://b");
});

Deno.test("openStore: options reach a directory store", async () => {
  const path = await Deno.makeTempDir();
  try {
    await assert.rejects(openStore([`dir://${path}/a%20b`]), { code: "store_unavailable" });
    await using store = await openStore([`dir://${path}/a%20b`], {
      create: true,
      durability: "each",
    });
    assert(store instanceof DirectoryStore);
    assert.equal((await Deno.stat(`${path}/a b`)).isDirectory, true);
    assert.equal(store.local.directories[0]!.durability, "each");
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});

Deno.test("openStore: an unknown scheme is refused with the known ones, before any is opened", async () => {
  const path = await Deno.makeTempDir();
  try {
    const specs = [`dir://${path}/new`, "nosuch://user:s3cr3t@host?token=s3cr3t"];
    await assert.rejects(openStore(specs, { create: true }), (error) => {
      assert(error instanceof UnsupportedError);
      assert.match(error.message, /nosuch/);
      assert.match(error.hint!, /dir:\/\/, .*mem:\/\//);
      assert(!`${error.message}${error.hint}${error.stack}`.includes("s3cr3t"));
      return true;
    });
    await assert.rejects(Deno.stat(`${path}/new`), Deno.errors.NotFound);
    await assert.rejects(openStore(["constructor://x"]), UnsupportedError);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});

Deno.test("openStore: refuses no specs, bad specs and bad names", async () => {
  await assert.rejects(openStore([]), TypeError);
  await assert.rejects(openStore(["nonsense"]), SyntaxError);
  await assert.rejects(openStore(["dir://relative"]), SyntaxError);
  await assert.rejects(openStore(["mem://"]), SyntaxError);
  await assert.rejects(openStore(["mem://user:s3cr3t@name"]), (error) => {
    assert(error instanceof SyntaxError);
    assert(!error.message.includes("s3cr3t"));
    return true;
  });
});

Deno.test("openStore: closes what it opened when a later store cannot be opened", async () => {
  const path = await Deno.makeTempDir();
  try {
    const specs = [`dir://${path}/first`, "dir:///dev/null/x"];
    await assert.rejects(openStore(specs, { create: true }), { code: "store_unavailable" });
    assert.equal(openDescriptors(path), 0);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});

Deno.test("openStore: counts the requests to each store of several", async () => {
  const metrics = new StoreMetricsCollector();
  const names = [crypto.randomUUID(), crypto.randomUUID()];
  await using store = await openStore(names.map((name) => `mem://${name}`), { metrics });
  const { id, block } = randomBlock(100);
  await store.put(id, block);
  const counted = metrics.snapshot().map(({ store, operations }) => [
    store,
    operations.put!.bytesOut,
  ]);
  assert.deepEqual(counted, names.map((name) => [`mem://${name}`, 100]));
});

Deno.test("openStore: several stores share one rate", async () => {
  const names = [crypto.randomUUID(), crypto.randomUUID()];
  const specs = names.map((name) => `mem://${name}`);
  await using store = await openStore(specs, { bytesPerSecond: 20_000 });
  const startedMs = performance.now();
  for (let i = 0; i < 3; i++) {
    const { id, block } = randomBlock(1000);
    await store.put(id, block);
  }
  // 6,000 bytes went to both, of which 5,000 at once.
  const passedMs = performance.now() - startedMs;
  assert.ok(passedMs >= 45, `${passedMs} ms`);
});

Deno.test("openStore: what is opened read only cannot be changed", async () => {
  const name = crypto.randomUUID();
  await using writer = await openStore([`mem://${name}`]);
  const { id, block } = randomBlock(100);
  await writer.put(id, block);
  await using store = await openStore([`mem://${name}`], { readOnly: true });
  assert.deepEqual(await store.get(id), block);
  await assert.rejects(store.put(id, block), { code: "store_denied" });
  await assert.rejects(store.delete!(id), { code: "store_denied" });
});

Deno.test("openStore: a damaged copy gives way to a good one, and is healed where that is asked for", async () => {
  const names = [crypto.randomUUID(), crypto.randomUUID()];
  const specs = names.map((name) => `mem://${name}`);
  const { id, block } = randomBlock(100);
  const [first, second] = names.map((name) => new MemoryStore(name));
  await second!.put(id, block);
  await first!.put(id, new Uint8Array(100));
  {
    await using store = await openStore(specs);
    assert.deepEqual(await store.get(id), block);
    assert.deepEqual(await first!.get(id), new Uint8Array(100));
  }
  for (const heal of ["met", "all"] as const) {
    await first!.put(id, new Uint8Array(100), { replace: true });
    const events: HealEvent[] = [];
    await using store = await openStore(specs, { heal, onHeal: (event) => events.push(event) });
    assert.deepEqual(await store.get(id), block);
    assert.deepEqual(await first!.get(id), block);
    assert.deepEqual(events, [{ id, store: specs[0], found: "corrupt" }]);
  }
});

Deno.test("openStore: refuses options that contradict each other or are out of range", async () => {
  const name = `mem://${crypto.randomUUID()}`;
  for (
    const options of [
      { readOnly: true, create: true },
      { readOnly: true, heal: "met" },
      { verify: false, heal: "all" },
    ] as const
  ) await assert.rejects(openStore([name], options), TypeError);
  await assert.rejects(openStore([name], { attempts: 0 }), RangeError);
});

Deno.test("openStore: an aborted signal opens nothing", async () => {
  const signal = AbortSignal.abort(new Error("stop"));
  await assert.rejects(openStore(["mem://a"], { signal }), /stop/);
});

Deno.test("openStore: a replica that is gone does not keep the others from answering", async () => {
  const path = await Deno.makeTempDir();
  try {
    const specs = [`dir://${path}/lost`, `dir://${path}/kept`, `00-7f=dir://${path}/lost-too`];
    const low = randomBlock(100, 0x00);
    const high = randomBlock(100, 0xff);
    {
      await using writer = await openStore(specs.slice(1, 2), { create: true });
      await writer.put(low.id, low.block);
    }
    await using store = await openStore(specs);
    assert.deepEqual(await store.get(low.id), low.block);
    assert.deepEqual(await store.has([low.id]), [true]);
    // What no store in reach has may be in the lost one, so nobody can say that it is missing.
    await assert.rejects(store.get(high.id), { code: "store_unavailable" });
    await assert.rejects(store.has([high.id]), { code: "store_unavailable" });
    await assert.rejects(Deno.stat(`${path}/lost`), Deno.errors.NotFound);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});

Deno.test("openStore: S3 URLs are read before anything is asked, and show no secret", async () => {
  for (
    const url of ["s3://key:s3cr3t@host", "s3s://key:s3cr3t@host/b?x=1", "s3+tls://s3cr3t@h/b"]
  ) {
    await assert.rejects(openStore([url]), (error) => {
      assert(error instanceof SyntaxError, String(error));
      assert(!error.message.includes("s3cr3t"));
      return true;
    });
  }
});

Deno.test("openStore: a store of one kind does not load the client of another", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const module = new URL("../../../../lib/store/open_store.ts", import.meta.url).href;
    await Deno.writeTextFile(
      `${folder}/main.ts`,
      `import { openStore } from ${JSON.stringify(module)};
      await using store = await openStore(["dir://${folder}/blocks"], { create: true });`,
    );
    // The AWS client reads the environment as soon as it is loaded.
    const config = fileURLToPath(new URL("../../../../deno.json", import.meta.url));
    const rights = ["--no-prompt", "--allow-read", "--allow-write", "--allow-ffi"];
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", ...rights, "--config", config, `${folder}/main.ts`],
      stdin: "null",
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
