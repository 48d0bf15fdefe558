/** Goal: what specs become, and that mistakes leave nothing behind and tell no secrets. */

import assert from "node:assert/strict";
import { UnsupportedError } from "../../../../lib/base/errors.ts";
import { DirectoryStore } from "../../../../lib/store/directory_store.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { openStore } from "../../../../lib/store/open_store.ts";
import { RoutedStore } from "../../../../lib/store/wrappers/routed_store.ts";
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
