/**
 * Goal: the layout on disk, old and new, and what is made of things in it that are no blocks.
 * Faults of the system are in tests/fault/store_directory_test.ts.
 */

import assert from "node:assert/strict";
import { BlockCorruptError, StoreUnavailableError } from "../../../../lib/base/errors.ts";
import { BLOCK_SIZE_MAX } from "../../../../lib/base/limits.ts";
import { LocalDirectory } from "../../../../lib/store/local_directory.ts";
import { FULL_RANGE } from "../../../../lib/store/prefix_range.ts";
import { randomBlock } from "../../../helpers/random_block.ts";

/** A test in a fresh folder. */
function folderTest(name: string, run: (path: string) => void | Promise<void>): void {
  Deno.test(`LocalDirectory: ${name}`, async () => {
    const path = await Deno.makeTempDir();
    try {
      await run(path);
    } finally {
      await Deno.remove(path, { recursive: true });
    }
  });
}

/** Every file under a folder, as paths relative to it. */
function filesUnder(path: string): string[] {
  const files: string[] = [];
  for (const entry of Deno.readDirSync(path)) {
    if (!entry.isDirectory) files.push(entry.name);
    else files.push(...filesUnder(`${path}/${entry.name}`).map((name) => `${entry.name}/${name}`));
  }
  return files.sort();
}

folderTest("writes a block as <two digits>/<id> and nothing else", (path) => {
  const { id, block } = randomBlock(1000);
  assert.equal(new LocalDirectory(path).write(id, block), "stored");
  assert.deepEqual(filesUnder(path), [`${id.slice(0, 2)}/${id}`]);
  assert.deepEqual(Deno.readFileSync(`${path}/${id.slice(0, 2)}/${id}`), block);
});

folderTest("reads, finds, lists and deletes a block in the old flat layout", (path) => {
  const { id, block } = randomBlock(1000);
  const directory = new LocalDirectory(path);
  Deno.writeFileSync(`${path}/${id}`, block);
  assert.deepEqual(directory.read(id), block);
  assert.equal(directory.has(id), true);
  assert.deepEqual(directory.listFlat(), [id]);
  assert.equal(directory.write(id, block), "present");
  assert.deepEqual(filesUnder(path), [id]);
  assert.equal(directory.remove(id), true);
  assert.deepEqual(filesUnder(path), []);
});

folderTest("does not write a block again that has its size", (path) => {
  const { id, block } = randomBlock(1000);
  const directory = new LocalDirectory(path);
  directory.write(id, block);
  const file = `${path}/${id.slice(0, 2)}/${id}`;
  const before = Deno.statSync(file).ino;
  assert.equal(directory.write(id, block), "present");
  assert.equal(Deno.statSync(file).ino, before);
});

for (const length of [0, 1, 999, 1001]) {
  folderTest(`writes a block again when its file has ${length} bytes instead of 1000`, (path) => {
    const { id, block } = randomBlock(1000);
    const directory = new LocalDirectory(path);
    Deno.mkdirSync(`${path}/${id.slice(0, 2)}`);
    Deno.writeFileSync(`${path}/${id.slice(0, 2)}/${id}`, new Uint8Array(length));
    assert.equal(directory.write(id, block), "stored");
    assert.deepEqual(directory.read(id), block);
  });
}

folderTest("does not count an empty file as the block", (path) => {
  const { id, block } = randomBlock(1000);
  const directory = new LocalDirectory(path);
  Deno.mkdirSync(`${path}/${id.slice(0, 2)}`);
  Deno.writeFileSync(`${path}/${id.slice(0, 2)}/${id}`, new Uint8Array(0));
  assert.equal(directory.has(id), false);
  assert.equal(directory.read(id), undefined);
  // An old copy that is whole stands in for a torn new one.
  Deno.writeFileSync(`${path}/${id}`, block);
  assert.equal(directory.has(id), true);
  assert.deepEqual(directory.read(id), block);
});

folderTest("replaces a damaged block of the same size when told to", (path) => {
  const { id, block } = randomBlock(1000);
  const directory = new LocalDirectory(path);
  directory.write(id, new Uint8Array(1000));
  assert.equal(directory.write(id, block), "present");
  assert.deepEqual(directory.read(id), new Uint8Array(1000));
  assert.equal(directory.write(id, block, { replace: true }), "stored");
  assert.deepEqual(directory.read(id), block);
});

folderTest("lists blocks only: no temporary files, strays or misplaced names", (path) => {
  const { id, block } = randomBlock(1000, 0xab);
  const directory = new LocalDirectory(path);
  directory.write(id, block);
  Deno.writeFileSync(`${path}/ab/.tmp-0011223344556677-0`, block);
  Deno.writeFileSync(`${path}/ab/${id.toUpperCase()}`, block);
  Deno.writeFileSync(`${path}/ab/${id}.bak`, block);
  Deno.writeFileSync(`${path}/ab/cd${id.slice(2)}`, block);
  Deno.writeFileSync(`${path}/README`, block);
  assert.deepEqual(directory.listPrefix(0xab), [id]);
  assert.deepEqual(directory.listPrefix(0xcd), []);
  assert.deepEqual(directory.listFlat(), []);
});

folderTest("sweeps temporary files that are old enough, and only those", (path) => {
  const { id, block } = randomBlock(1000, 0xab);
  const directory = new LocalDirectory(path);
  directory.write(id, block);
  const old = `${path}/ab/.tmp-0011223344556677-0`;
  const fresh = `${path}/ab/.tmp-0011223344556677-1`;
  for (const file of [old, fresh]) Deno.writeFileSync(file, block);
  const twoHoursAgo = Date.now() / 1000 - 7200;
  Deno.utimeSync(old, twoHoursAgo, twoHoursAgo);
  Deno.utimeSync(`${path}/ab/${id}`, twoHoursAgo, twoHoursAgo);
  assert.equal(directory.sweepTemporary(3_600_000, { start: 0, end: 0xaa }), 0);
  assert.equal(directory.sweepTemporary(3_600_000, FULL_RANGE), 1);
  assert.deepEqual(filesUnder(path), [`ab/.tmp-0011223344556677-1`, `ab/${id}`]);
});

folderTest("calls a block damaged whose file is a directory, and does not count it", (path) => {
  const { id } = randomBlock(1000);
  const directory = new LocalDirectory(path);
  Deno.mkdirSync(`${path}/${id.slice(0, 2)}/${id}`, { recursive: true });
  assert.throws(() => directory.read(id), BlockCorruptError);
  assert.equal(directory.has(id), false);
});

folderTest("calls a block damaged whose file is larger than any, without reading it", (path) => {
  const { id } = randomBlock(1000);
  Deno.mkdirSync(`${path}/${id.slice(0, 2)}`);
  const file = `${path}/${id.slice(0, 2)}/${id}`;
  Deno.writeFileSync(file, new Uint8Array(1));
  Deno.truncateSync(file, BLOCK_SIZE_MAX + 1);
  assert.throws(() => new LocalDirectory(path).read(id), BlockCorruptError);
});

folderTest("does not wait for ever on a FIFO in the place of a block", async (path) => {
  const { id } = randomBlock(1000);
  await Deno.mkdir(`${path}/${id.slice(0, 2)}`);
  const made = await new Deno.Command("mkfifo", { args: [`${path}/${id.slice(0, 2)}/${id}`] })
    .output();
  assert.equal(made.success, true);
  assert.throws(() => new LocalDirectory(path).read(id), BlockCorruptError);
});

folderTest("tells a missing directory from a missing block", (path) => {
  const { id, block } = randomBlock(1000);
  const directory = new LocalDirectory(`${path}/unmounted`);
  for (
    const call of [
      () => directory.read(id),
      () => directory.has(id),
      () => directory.remove(id),
      () => directory.write(id, block),
      () => directory.listFlat(),
    ]
  ) {
    assert.throws(call, (error) => {
      assert(error instanceof StoreUnavailableError);
      assert.equal(error.store, `dir://${path}/unmounted`);
      assert.match(error.message, /ENOENT/);
      return true;
    });
  }
  assert.deepEqual(filesUnder(path), []);
});

folderTest("goes on when its subdirectory is removed behind its back", (path) => {
  const { id, block } = randomBlock(1000);
  const directory = new LocalDirectory(path);
  directory.write(id, block);
  Deno.removeSync(`${path}/${id.slice(0, 2)}`, { recursive: true });
  assert.equal(directory.read(id), undefined);
  assert.equal(directory.write(id, block), "stored");
  assert.deepEqual(directory.read(id), block);
});

folderTest("syncing each block changes nothing that can be seen", (path) => {
  const { id, block } = randomBlock(1000);
  const directory = new LocalDirectory(path, "each");
  assert.equal(directory.write(id, block), "stored");
  assert.equal(directory.write(id, block), "present");
  assert.deepEqual(directory.read(id), block);
  const flat = randomBlock(500);
  Deno.writeFileSync(`${path}/${flat.id}`, flat.block);
  assert.equal(directory.write(flat.id, flat.block), "present");
});
