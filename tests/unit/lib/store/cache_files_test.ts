/** Goal: blocks as files: whole or not at all, with their time of use, and nothing else in their way. */

import assert from "node:assert/strict";
import { CacheFiles } from "../../../../lib/store/cache_files.ts";
import { LocalBlocks } from "../../../../lib/store/local_blocks.ts";
import { randomBlock } from "../../../helpers/random_block.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

const START_MS = 1_700_000_000_123;

class Place extends TempFolder {
  nowMs = START_MS;
  readonly files = new CacheFiles(this.path, () => this.nowMs);

  pathOf(id: string): string {
    return `${this.path}/${id.slice(0, 2)}/${id}`;
  }
}

Deno.test("CacheFiles: gives back what was written, where a directory store finds it too", () => {
  using place = new Place();
  for (const size of [1, 4096, 65_536]) {
    const { id, block } = randomBlock(size);
    assert.deepEqual(place.files.read(id), { kind: "missing" });
    assert.equal(place.files.look(id), undefined);
    place.files.write(id, block);
    const found = place.files.read(id);
    assert.ok(found.kind === "block");
    assert.deepEqual(found.block, block);
    const store = new LocalBlocks({ directories: [{ start: 0, end: 255, path: place.path }] });
    assert.deepEqual(store.get(id), block);
    assert.equal(place.files.remove(id), true);
    assert.equal(place.files.remove(id), false);
  }
  assert.equal(place.names().includes("incoming"), false);
});

Deno.test("CacheFiles: only the owner can read what it writes", () => {
  using place = new Place();
  const { id, block } = randomBlock(10);
  place.files.write(id, block);
  assert.equal(Deno.statSync(place.pathOf(id)).mode! & 0o777, 0o600);
  assert.equal(Deno.statSync(`${place.path}/${id.slice(0, 2)}`).mode! & 0o777, 0o700);
});

Deno.test("CacheFiles: a read notes the time of use, to the second, and not that of writing", () => {
  using place = new Place();
  const { id, block } = randomBlock(10);
  const stamp = place.files.write(id, block);
  assert.deepEqual(place.files.look(id), { id, size: 10, usedMs: START_MS });
  for (const [afterMs, expectedMs] of [[999, 0], [1000, 1000], [1500, 1000], [61_000, 61_000]]) {
    place.nowMs = START_MS + afterMs!;
    const found = place.files.read(id);
    assert.deepEqual(found, { kind: "block", block, stamp });
    assert.equal(place.files.look(id)!.usedMs, START_MS + expectedMs!);
  }
  // A clock that was set back is believed.
  place.nowMs = START_MS - 50_000;
  place.files.read(id);
  assert.equal(place.files.look(id)!.usedMs, START_MS - 50_000);
});

Deno.test("CacheFiles: whoever writes to a file changes its stamp, however soon", () => {
  using place = new Place();
  for (let round = 0; round < 20; round++) {
    const { id, block } = randomBlock(10);
    const stamp = place.files.write(id, block);
    Deno.writeFileSync(place.pathOf(id), block);
    const found = place.files.read(id);
    assert.ok(found.kind === "block");
    assert.notDeepEqual(found.stamp, stamp);
  }
});

Deno.test("CacheFiles: what is no plain file of a block's size is damaged, and can be removed", () => {
  using place = new Place();
  const { id, block } = randomBlock(10);
  const path = place.pathOf(id);
  const oversized = (): void => {
    using file = Deno.openSync(path, { write: true, create: true });
    file.truncateSync(2 ** 40);
  };
  const fifo = (): void => {
    assert.ok(new Deno.Command("mkfifo", { args: [path] }).outputSync().success);
  };
  for (
    const make of [
      () => Deno.writeFileSync(path, new Uint8Array()),
      oversized,
      () => Deno.symlinkSync("/etc/passwd", path),
      fifo,
    ]
  ) {
    place.files.write(id, block);
    Deno.removeSync(path);
    make();
    assert.deepEqual(place.files.read(id), { kind: "damaged" });
    assert.equal(place.files.remove(id), true);
    assert.deepEqual(place.files.read(id), { kind: "missing" });
  }
});

Deno.test("CacheFiles: what a killed writer left in the way of a write is replaced", () => {
  using place = new Place();
  Deno.writeFileSync(place.file("incoming"), new Uint8Array(100_000));
  const { id, block } = randomBlock(10);
  place.files.write(id, block);
  assert.deepEqual(Deno.readFileSync(place.pathOf(id)), block);
});

Deno.test("CacheFiles: a write through a link that somebody put in its way is refused", () => {
  using place = new Place();
  Deno.writeTextFileSync(place.file("precious"), "precious");
  Deno.symlinkSync(place.file("precious"), place.file("incoming"));
  const { id, block } = randomBlock(10);
  assert.throws(() => place.files.write(id, block), { name: "SystemError", errno: "ELOOP" });
  assert.equal(Deno.readTextFileSync(place.file("precious")), "precious");
});

Deno.test("CacheFiles: lists blocks in their place, and nothing else", () => {
  using place = new Place();
  const blocks = Array.from({ length: 50 }, () => randomBlock(20));
  for (const { id, block } of blocks) place.files.write(id, block);
  Deno.writeTextFileSync(place.file("CACHEDIR.TAG"), "tag");
  Deno.mkdirSync(place.file("pins"));
  const { id } = blocks[0]!;
  Deno.writeTextFileSync(`${place.path}/${id.slice(0, 2)}/note`, "note");
  Deno.mkdirSync(place.file("zz"));
  Deno.writeTextFileSync(place.file(`zz/${id}`), "elsewhere");
  const listed = Array.from(place.files.list());
  assert.deepEqual(
    listed.toSorted((a, b) => a.id < b.id ? -1 : 1),
    blocks.map(({ id }) => ({ id, size: 20, usedMs: START_MS }))
      .toSorted((a, b) => a.id < b.id ? -1 : 1),
  );
});

Deno.test("CacheFiles: sweeps temporary files, those of directory stores only when they are old", () => {
  using place = new Place();
  const { id, block } = randomBlock(10);
  place.files.write(id, block);
  const prefix = `${place.path}/${id.slice(0, 2)}`;
  Deno.writeFileSync(place.file("incoming"), block);
  for (const [name, ageMs] of [["old", 2 * 3_600_000], ["new", 60_000]] as const) {
    Deno.writeFileSync(`${prefix}/.tmp-${name}`, block);
    const time = new Date(START_MS - ageMs);
    Deno.utimeSync(`${prefix}/.tmp-${name}`, time, time);
  }
  assert.equal(place.files.sweepTemporary(), 2);
  const names = Array.from(Deno.readDirSync(prefix), ({ name }) => name).toSorted();
  assert.deepEqual(names, [".tmp-new", id].toSorted());
});
