/** Goal: stores that share their blocks are found out, whatever their URLs say, and left as they were. */

import assert from "node:assert/strict";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { openStore } from "../../../../lib/store/open_store.ts";
import { isSameStore } from "../../../../lib/store/same_store.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

const FULL = { start: 0, end: 255 };

Deno.test("isSameStore: sees through a symbolic link, and leaves nothing behind", async () => {
  using folder = new TempFolder();
  folder.tree("blocks");
  await Deno.symlink("blocks", folder.file("link"));
  await using source = await openStore([`dir://${folder.file("blocks")}`]);
  await using link = await openStore([`dir://${folder.file("link")}`], { create: true });
  await using other = await openStore([`dir://${folder.file("other")}`], { create: true });
  assert.equal(await isSameStore(source, FULL, { ...FULL, store: link }), true);
  assert.equal(await isSameStore(source, FULL, { ...FULL, store: other }), false);
  assert.deepEqual(await Array.fromAsync(source.list!()), []);
  assert.deepEqual(await Array.fromAsync(other.list!()), []);
});

Deno.test("isSameStore: only ranges that meet can have the same blocks", async () => {
  const store = new MemoryStore();
  const low = { start: 0, end: 127 };
  assert.equal(await isSameStore(store, low, { start: 127, end: 127, store }), true);
  assert.equal(await isSameStore(store, low, { start: 128, end: 255, store }), false);
});

Deno.test("isSameStore: deletes its probe through the source where the target cannot", async () => {
  const store = new MemoryStore();
  const target = Object.assign(Object.create(store), {
    put: store.put.bind(store),
    delete: undefined,
  });
  assert.equal(await isSameStore(store, FULL, { ...FULL, store: target }), true);
  assert.deepEqual(await Array.fromAsync(store.list()), []);
});
