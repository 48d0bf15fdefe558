/** Goal: the index counts what it is told, keeps the order of use, and knows another's file. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { CacheIndex, spaceOf } from "../../../../lib/store/cache_index.ts";
import type { CachedFile } from "../../../../lib/store/cache_files.ts";
import { randomBlock } from "../../../helpers/random_block.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

function entry(size: number, usedMs: number): CachedFile {
  return { id: randomBlock(8).id, size, usedMs };
}

Deno.test("spaceOf: counts whole pages", () => {
  assert.deepEqual([1, 4095, 4096, 4097, 524_288].map(spaceOf), [4096, 4096, 4096, 8192, 524_288]);
});

Deno.test("CacheIndex: counts space and blocks, and keeps them when it is opened again", () => {
  using folder = new TempFolder();
  const [one, other] = [entry(100, 5), entry(5000, 3)];
  {
    using index = new CacheIndex(folder.file("i"), 1000);
    assert.deepEqual(index.state(), { bytes: 0, bytesMax: 1000 });
    assert.equal(index.boot, "");
    index.add(one);
    index.add(other);
    index.setBytesMax(2000);
    index.setComplete("boot");
  }
  using index = new CacheIndex(folder.file("i"), 1);
  assert.deepEqual(index.state(), { bytes: 4096 + 8192, bytesMax: 2000 });
  assert.deepEqual(index.total("all"), { blocks: 2, bytes: 4096 + 8192 });
  assert.equal(index.boot, "boot");
  assert.equal(index.sizeOf(other.id), 5000);
  index.remove(other.id, 5000);
  assert.equal(index.sizeOf(other.id), undefined);
  assert.deepEqual(index.state(), { bytes: 4096, bytesMax: 2000 });
  index.clear();
  assert.deepEqual(index.total("all"), { blocks: 0, bytes: 0 });
  assert.equal(index.boot, "");
});

Deno.test("CacheIndex: the oldest is the one used least recently of those without a pin", () => {
  using folder = new TempFolder();
  using index = new CacheIndex(folder.file("i"), 1000);
  assert.equal(index.oldest(), undefined);
  const entries = [entry(10, 30), entry(10, 10), entry(10, 20)];
  const [third, first, second] = entries.map(({ id }) => id);
  // Pins hold for blocks that come before and after.
  index.addPin("before", [first!]);
  for (const each of entries) index.add(each);
  index.addPin("after", [second!, second!, first!]);
  assert.deepEqual(index.oldest(), entries[0]);
  assert.deepEqual(index.total("pinned"), { blocks: 2, bytes: 8192 });
  assert.deepEqual(index.totalOfPin("before"), { blocks: 1, bytes: 4096 });
  index.removePin("before");
  assert.equal(index.oldest()!.id, third);
  index.removePin("after");
  assert.equal(index.oldest()!.id, first);
  index.setUsed(first!, 99);
  assert.equal(index.oldest()!.id, second);
  index.addPin("again", [second!]);
  index.clearPins();
  assert.equal(index.oldest()!.id, second);
  assert.deepEqual(index.total("pinned"), { blocks: 0, bytes: 0 });
});

Deno.test("CacheIndex: a transaction that throws changes nothing", () => {
  using folder = new TempFolder();
  using index = new CacheIndex(folder.file("i"), 1000);
  assert.throws(() =>
    index.transaction(() => {
      index.add(entry(10, 1));
      throw new Error("stop");
    }), /stop/);
  assert.deepEqual(index.state(), { bytes: 0, bytesMax: 1000 });
  assert.equal(index.transaction(() => 5), 5);
});

Deno.test("CacheIndex: refuses another's database, and what is none", () => {
  using folder = new TempFolder();
  const other = new DatabaseSync(folder.file("other"));
  other.exec("CREATE TABLE mine (a)");
  other.close();
  assert.throws(() => new CacheIndex(folder.file("other"), 1), { name: "ForeignIndexError" });
  Deno.writeTextFileSync(folder.file("text"), "no database ".repeat(500));
  assert.throws(() => new CacheIndex(folder.file("text"), 1), { code: "ERR_SQLITE_ERROR" });
});

Deno.test("CacheIndex: knows when its file was removed or replaced", () => {
  using folder = new TempFolder();
  using index = new CacheIndex(folder.file("i"), 1);
  assert.equal(index.isCurrent(), true);
  Deno.removeSync(folder.file("i"));
  assert.equal(index.isCurrent(), false);
  using _other = new CacheIndex(folder.file("i"), 1);
  assert.equal(index.isCurrent(), false);
});
