/** Goal: how a directory store is opened, named and made durable. The rest is in the contract. */

import assert from "node:assert/strict";
import { StoreUnavailableError } from "../../../../lib/base/errors.ts";
import { DirectoryStore } from "../../../../lib/store/directory_store.ts";
import { LocalBlocks } from "../../../../lib/store/local_blocks.ts";
import { randomBlock } from "../../../helpers/random_block.ts";

function folderTest(name: string, run: (path: string) => Promise<void>): void {
  Deno.test(`DirectoryStore: ${name}`, async () => {
    const path = await Deno.makeTempDir();
    try {
      await run(path);
    } finally {
      await Deno.remove(path, { recursive: true });
    }
  });
}

folderTest("makes its directory, and those above it, when told to create", async (path) => {
  const { id, block } = randomBlock(100);
  await using store = await DirectoryStore.open(`${path}/a/b/c`, { create: true });
  await store.put(id, block);
  assert.equal(store.url, `dir://${path}/a/b/c`);
  await using again = await DirectoryStore.open(`${path}/a/b/c`);
  assert.deepEqual(await again.get(id), block);
});

folderTest(
  "names a missing directory and makes nothing when it is opened to read",
  async (path) => {
    await assert.rejects(DirectoryStore.open(`${path}/missing`), (error) => {
      assert(error instanceof StoreUnavailableError);
      assert.equal(error.store, `dir://${path}/missing`);
      assert.match(error.message, /does not exist/);
      assert.notEqual(error.hint, undefined);
      return true;
    });
    await assert.rejects(Deno.stat(`${path}/missing`), Deno.errors.NotFound);
  },
);

for (const create of [false, true]) {
  folderTest(`refuses a file in its place, create ${create}`, async (path) => {
    await Deno.writeTextFile(`${path}/file`, "not a directory");
    for (const place of ["file", "file/below"]) {
      await assert.rejects(DirectoryStore.open(`${path}/${place}`, { create }), (error) => {
        assert(error instanceof StoreUnavailableError, String(error));
        assert.match(error.message, /not a directory/);
        return true;
      });
    }
    assert.equal(await Deno.readTextFile(`${path}/file`), "not a directory");
  });
}

folderTest("works through a symbolic link, which stays one", async (path) => {
  await Deno.mkdir(`${path}/real`);
  await Deno.symlink("real", `${path}/link`);
  const { id, block } = randomBlock(100);
  await using store = await DirectoryStore.open(`${path}/link`, { create: true });
  await store.put(id, block);
  assert.equal(store.url, `dir://${path}/link`);
  assert.deepEqual(await Deno.readFile(`${path}/real/${id.slice(0, 2)}/${id}`), block);
  assert.equal((await Deno.lstat(`${path}/link`)).isSymlink, true);
});

folderTest("refuses a symbolic link that leads nowhere", async (path) => {
  await Deno.symlink("nowhere", `${path}/link`);
  for (const create of [false, true]) {
    await assert.rejects(DirectoryStore.open(`${path}/link`, { create }), StoreUnavailableError);
  }
});

folderTest("takes a path relative to the working directory and names it in full", async (path) => {
  const before = Deno.cwd();
  Deno.chdir(path);
  try {
    await using store = await DirectoryStore.open("blocks", { create: true });
    assert.equal(store.url, `dir://${await Deno.realPath(path)}/blocks`);
  } finally {
    Deno.chdir(before);
  }
});

folderTest("its placement leads another thread to the same blocks", async (path) => {
  await using store = await DirectoryStore.open(path, { durability: "none" });
  assert.deepEqual(store.local, {
    directories: [{ start: 0, end: 255, path, durability: "none" }],
  });
  const { id, block } = randomBlock(100);
  new LocalBlocks(structuredClone(store.local)).put(id, block);
  assert.deepEqual(await store.get(id), block);
});

for (const durability of ["end", "each", "none"] as const) {
  for (const create of [true, false]) {
    folderTest(`flush resolves with durability ${durability}, create ${create}`, async (path) => {
      await using store = await DirectoryStore.open(path, { durability, create });
      const { id, block } = randomBlock(100);
      await store.put(id, block);
      await store.flush();
      assert.deepEqual(await store.get(id), block);
    });
  }
}

folderTest("flush of a directory that went away names it", async (path) => {
  await Deno.mkdir(`${path}/gone`);
  await using store = await DirectoryStore.open(`${path}/gone`);
  await Deno.remove(`${path}/gone`);
  await assert.rejects(store.flush(), { code: "store_unavailable", message: /gone/ });
});

folderTest("sweepTemporary removes what a killed writer left", async (path) => {
  await using store = await DirectoryStore.open(path, { create: true });
  await Deno.mkdir(`${path}/00`);
  await Deno.writeFile(`${path}/00/.tmp-0011223344556677-0`, new Uint8Array(10));
  assert.equal(store.sweepTemporary(), 0);
  assert.equal(store.sweepTemporary(0), 1);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${path}/00`)), []);
});

folderTest("has of many ids stops when it is aborted on the way", async (path) => {
  await using store = await DirectoryStore.open(path);
  const { id } = randomBlock(100);
  const controller = new AbortController();
  const reason = new Error("stop");
  setTimeout(() => controller.abort(reason), 1);
  // Enough to take longer than the event loop is kept waiting.
  const ids = new Array(200_000).fill(id);
  await assert.rejects(store.has(ids, { signal: controller.signal }), (error) => error === reason);
});
