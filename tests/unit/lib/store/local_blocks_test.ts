/** Goal: ranges and replicas over local directories, as a worker thread uses them. */

import assert from "node:assert/strict";
import {
  BlockCorruptError,
  BlockNotFoundError,
  StoreUnavailableError,
} from "../../../../lib/base/errors.ts";
import { LocalBlocks } from "../../../../lib/store/local_blocks.ts";
import type { LocalPlacement } from "../../../../lib/store/store.ts";
import { randomBlock, testIdOf } from "../../../helpers/random_block.ts";

/** Low and high halves, and a replica of all; the replica of high is second. */
function shardedPlacement(path: string): LocalPlacement {
  for (const name of ["low", "high", "replica"]) Deno.mkdirSync(`${path}/${name}`);
  return {
    directories: [
      { start: 0, end: 0x7f, path: `${path}/low` },
      { start: 0x80, end: 0xff, path: `${path}/high` },
      { start: 0, end: 0xff, path: `${path}/replica`, durability: "none" },
    ],
  };
}

function shardedTest(
  name: string,
  run: (blocks: LocalBlocks, path: string) => void | Promise<void>,
): void {
  Deno.test(`LocalBlocks: ${name}`, async () => {
    const path = await Deno.makeTempDir();
    try {
      // As it arrives in a worker.
      await run(new LocalBlocks(structuredClone(shardedPlacement(path))), path);
    } finally {
      await Deno.remove(path, { recursive: true });
    }
  });
}

const fileOf = (id: string): string => `${id.slice(0, 2)}/${id}`;

shardedTest("puts a block into every directory of its range", (blocks, path) => {
  const { id, block } = randomBlock(100, 0x80);
  assert.equal(blocks.put(id, block), "stored");
  assert.deepEqual(Deno.readFileSync(`${path}/high/${fileOf(id)}`), block);
  assert.deepEqual(Deno.readFileSync(`${path}/replica/${fileOf(id)}`), block);
  assert.throws(() => Deno.statSync(`${path}/low/${fileOf(id)}`), Deno.errors.NotFound);
  assert.equal(blocks.put(id, block), "present");
  Deno.removeSync(`${path}/high/${fileOf(id)}`);
  assert.equal(blocks.put(id, block), "stored");
});

shardedTest(
  "gets from the next directory what one does not have or cannot give",
  (blocks, path) => {
    const { id, block } = randomBlock(100, 0x7f);
    blocks.put(id, block);
    Deno.removeSync(`${path}/low/${fileOf(id)}`);
    assert.deepEqual(blocks.get(id), block);
    assert.equal(blocks.has(id), true);
    Deno.removeSync(`${path}/low`, { recursive: true });
    assert.deepEqual(blocks.get(id), block);
    assert.equal(blocks.has(id), true);
  },
);

shardedTest("gets the first copy that is accepted", (blocks, path) => {
  const { id, block } = randomBlock(100, 0x10);
  blocks.put(id, block);
  Deno.writeFileSync(`${path}/low/${fileOf(id)}`, new Uint8Array(100));
  const accept = (copy: Uint8Array): void => {
    if (testIdOf(copy) !== id) throw new BlockCorruptError(id, "its digest differs");
  };
  assert.deepEqual(blocks.get(id, accept), block);
  assert.deepEqual(blocks.get(id), new Uint8Array(100));

  Deno.writeFileSync(`${path}/replica/${fileOf(id)}`, new Uint8Array(99));
  assert.throws(() => blocks.get(id, accept), BlockCorruptError);
  // Damaged in one place and missing in the other: damaged.
  Deno.removeSync(`${path}/replica/${fileOf(id)}`);
  assert.throws(() => blocks.get(id, accept), BlockCorruptError);
});

shardedTest("says missing only when every directory was asked", (blocks, path) => {
  const { id } = randomBlock(100, 0x10);
  assert.equal(blocks.has(id), false);
  assert.throws(() => blocks.get(id), (error) => {
    assert(error instanceof BlockNotFoundError);
    assert.match(error.message, /low.*replica/);
    return true;
  });
  Deno.removeSync(`${path}/low`);
  assert.throws(() => blocks.get(id), StoreUnavailableError);
  assert.throws(() => blocks.has(id), StoreUnavailableError);
});

shardedTest(
  "names the directory that a put could not reach, and serves the others",
  (blocks, path) => {
    const { id, block } = randomBlock(100, 0x10);
    Deno.removeSync(`${path}/replica`);
    assert.throws(() => blocks.put(id, block), (error) => {
      assert(error instanceof StoreUnavailableError);
      assert.equal(error.store, `dir://${path}/replica`);
      return true;
    });
    assert.deepEqual(Deno.readFileSync(`${path}/low/${fileOf(id)}`), block);
  },
);

shardedTest("lists every block once, whatever the layout and number of copies", (blocks, path) => {
  const many = Array.from({ length: 50 }, () => randomBlock(40));
  for (const { id, block } of many) blocks.put(id, block);
  // Copied in the old layout too, and one outside the range of its directory.
  for (const { id, block } of many.slice(0, 10)) Deno.writeFileSync(`${path}/replica/${id}`, block);
  const flat = randomBlock(40, 0x20);
  Deno.writeFileSync(`${path}/low/${flat.id}`, flat.block);
  const outside = randomBlock(40, 0x90);
  Deno.writeFileSync(`${path}/low/${outside.id}`, outside.block);
  const listed = [...blocks.list()].sort();
  assert.deepEqual(listed, [...many.map(({ id }) => id), flat.id].sort());
});

shardedTest("deletes every copy", (blocks, path) => {
  const { id, block } = randomBlock(100, 0x10);
  blocks.put(id, block);
  Deno.writeFileSync(`${path}/replica/${id}`, block);
  assert.equal(blocks.delete(id), true);
  assert.equal(blocks.has(id), false);
  assert.equal(blocks.delete(id), false);
});

Deno.test("LocalBlocks: an id outside all ranges is a clear error, and simply not there", async () => {
  const path = await Deno.makeTempDir();
  try {
    const blocks = new LocalBlocks({ directories: [{ start: 0, end: 0x0f, path }] });
    const { id, block } = randomBlock(100, 0x10);
    assert.throws(() => blocks.get(id), /prefix 10, only 00-0f/);
    assert.throws(() => blocks.put(id, block), /prefix 10, only 00-0f/);
    assert.equal(blocks.has(id), false);
    assert.equal(blocks.delete(id), false);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});

Deno.test("LocalBlocks: refuses blocks of impossible size", async () => {
  const path = await Deno.makeTempDir();
  try {
    const blocks = new LocalBlocks({ directories: [{ start: 0, end: 0xff, path }] });
    assert.throws(() => blocks.put(randomBlock(1).id, new Uint8Array(0)), RangeError);
    assert.deepEqual([...blocks.list()], []);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});
