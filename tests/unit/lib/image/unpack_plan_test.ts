/** Goal: every chunk is in one unit, every byte of every file in one piece, and nothing else. */

import assert from "node:assert/strict";
import { BlockNotFoundError, StoreUnavailableError } from "../../../../lib/base/errors.ts";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import type { FlistWriter } from "../../../../lib/flist/flist_writer.ts";
import { FILE_FIELDS, PIECE_FIELDS } from "../../../../lib/image/unpack_messages.ts";
import {
  fetchChunks,
  fetchedAhead,
  type PlannedUnpackUnit,
  type UnpackTarget,
  UnpackUnits,
} from "../../../../lib/image/unpack_plan.ts";
import { MemoryStore } from "../../../../lib/store/memory_store.ts";
import { openStore } from "../../../../lib/store/open_store.ts";
import { FaultyStore } from "../../../helpers/faulty_store.ts";
import { randomBlock } from "../../../helpers/random_block.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { blockRef, fileRecord, writeFlist } from "../flist/flist_samples.ts";

const MIB = 1024 * 1024;
const XATTRS = new Map([["user.a", Uint8Array.of(1)]]);

interface Plan {
  readonly units: readonly PlannedUnpackUnit[];
  readonly unfinished: readonly string[];
}

/** The plan for the files of a flist that `fill` writes, but those whose names begin with `skip`. */
function plan(fill: (writer: FlistWriter) => void, local = true): Plan {
  using folder = new TempFolder();
  writeFlist(folder.file("a.fl"), "myfs", fill);
  using flist = FlistReader.open(folder.file("a.fl"));
  const targets = new Map<number, UnpackTarget>();
  for (const inode of flist.inodes()) {
    if (inode.kind !== "file" || inode.name.startsWith("skip")) continue;
    const { name } = inode;
    targets.set(inode.ino, {
      directory: "",
      name,
      inode,
      xattrs: XATTRS,
    });
  }
  const planned = new UnpackUnits(flist, targets, local);
  const units = [...planned.list()];
  return { units, unfinished: Array.from(planned.unfinished(), ({ name }) => name) };
}

/** All pieces as text: the file, where in it, the chunk's id, where in it, the length. */
function pieces({ units }: Plan): string[] {
  return units.flatMap(({ unit }) => {
    const rows: string[] = [];
    for (let at = 0; at < unit.pieces.length; at += PIECE_FIELDS) {
      const [chunk, file, offset, chunkOffset, length] = unit.pieces.subarray(at);
      const id = unit.chunks[chunk!]!.id.slice(0, 2);
      rows.push(`${unit.names[file!]} ${offset} ${id} ${chunkOffset} ${length}`);
    }
    return rows;
  });
}

Deno.test("UnpackUnits: files that share a chunk are in one unit with it", () => {
  const result = plan((writer) => {
    const [a, b, skipped] = ["a", "b", "skip"].map((name) => writer.addInode(fileRecord(name, 10)));
    const chunk = writer.addChunk(blockRef(1, 100));
    const other = writer.addChunk(blockRef(2, 10));
    writer.addExtent(a!, { fileOffset: 0, chunk, chunkOffset: 0, length: 10 });
    writer.addExtent(skipped!, { fileOffset: 0, chunk: other, chunkOffset: 0, length: 10 });
    writer.addExtent(b!, { fileOffset: 0, chunk, chunkOffset: 90, length: 10 });
  });
  assert.deepEqual(pieces(result), ["a 0 01 0 10", "b 0 01 90 10"]);
  const [{ unit, targets } = assert.fail()] = result.units;
  assert.equal(result.units.length, 1);
  assert.equal(unit.chunks.length, 1);
  assert.deepEqual(targets.map(({ name }) => name), ["a", "b"]);
  assert.deepEqual(unit.directories, [{ path: "", files: 2 }]);
  // Both are whole: the worker finishes them, and needs to know all about them.
  assert.deepEqual([unit.fields[FILE_FIELDS - 1], unit.fields[2 * FILE_FIELDS - 1]], [1, 1]);
  assert.deepEqual([...unit.fields.subarray(0, 4)], [0o100644, 0, 0, 10]);
  assert.equal(unit.xattrs.size, 2);
  assert.deepEqual(result.unfinished, []);
});

Deno.test("UnpackUnits: what is empty, in parts or ends in a hole is left to be finished", () => {
  const result = plan((writer) => {
    writer.addInode(fileRecord("empty", 0));
    const hole = writer.addInode(fileRecord("hole", 50));
    const parts = writer.addInode(fileRecord("parts", 20));
    const whole = writer.addInode(fileRecord("whole", 10));
    for (const [i, ino] of [parts, parts, hole, whole].entries()) {
      const chunk = writer.addChunk(blockRef(i + 1, 10));
      const fileOffset = i === 1 ? 10 : 0;
      writer.addExtent(ino, { fileOffset, chunk, chunkOffset: 0, length: 10 });
    }
  });
  assert.deepEqual(result.unfinished.toSorted(), ["empty", "hole", "parts"]);
  assert.equal(pieces(result).length, 4);
  assert.deepEqual([...result.units[0]!.unit.xattrs.keys()].length, 1);
});

/** A file of twelve chunks of a mebibyte, and small files of their own chunks after it. */
function large(writer: FlistWriter): void {
  const ino = writer.addInode(fileRecord("large", 12 * MIB));
  const others = [1, 2, 3, 4, 5].map((i) => writer.addInode(fileRecord(`other${i}`, MIB)));
  for (let i = 0; i < 17; i++) {
    const chunk = writer.addChunk(blockRef(i + 1, MIB));
    const fileOffset = i < 12 ? i * MIB : 0;
    const owner = i < 12 ? ino : others[i - 12]!;
    writer.addExtent(owner, { fileOffset, chunk, chunkOffset: 0, length: MIB });
  }
}

Deno.test("UnpackUnits: a large file stays with one worker where the blocks are on this machine", () => {
  const { units } = plan(large);
  assert.deepEqual(units.map(({ targets }) => targets.map(({ name }) => name)), [
    ["large"],
    ["other1", "other2", "other3", "other4"],
    ["other5"],
  ]);
});

Deno.test("UnpackUnits: where blocks are sent along, units stay small", () => {
  const { units } = plan(large, false);
  assert.deepEqual(units.map(({ unit }) => unit.chunks.length), [4, 4, 4, 4, 1]);
});

Deno.test("fetchChunks: brings the blocks, or says what is wrong; a store away is an error", async () => {
  const store = new MemoryStore();
  const [one, two] = [randomBlock(100), randomBlock(100)];
  await store.put(one.id, one.block);
  const chunkOf = (id: string) => ({ id, key: new Uint8Array(32), size: 90 });
  const chunks = [chunkOf(one.id), chunkOf(two.id)];
  const [found, missing] = await fetchChunks(store, chunks, undefined);
  assert.deepEqual(found!.block, one.block);
  assert.equal(missing!.block, undefined);
  assert.equal(missing!.failure!.code, new BlockNotFoundError(two.id, "").code);
  const away = new FaultyStore(store, [{ error: new StoreUnavailableError("mem://", "Away") }]);
  await assert.rejects(fetchChunks(away, chunks, undefined), StoreUnavailableError);
});

Deno.test("fetchChunks: when the store fails, nothing of it is still under way", async () => {
  const error = new StoreUnavailableError("mem://", "Away");
  const store = new FaultyStore(new MemoryStore(), [
    { nth: 2, error },
    { delayMs: 3_600_000 },
  ]);
  const chunks = [1, 2, 3].map(() => ({
    id: randomBlock(10).id,
    key: new Uint8Array(32),
    size: 1,
  }));
  // That no timer is left is seen by the test runner.
  await assert.rejects(fetchChunks(store, chunks, undefined), (thrown) => thrown === error);
});

Deno.test("fetchChunks: leaves blocks on this machine to the workers", async () => {
  using folder = new TempFolder();
  await using store = await openStore([`dir://${folder.path}`]);
  const chunks = [{ id: randomBlock(1).id, key: new Uint8Array(32), size: 1 }];
  assert.equal(await fetchChunks(store, chunks, undefined), chunks);
  assert.equal(fetchedAhead(store), 0);
});
