/**
 * Goal: the kernel gets the small files that follow, and nothing else. Method: a flist of all kinds
 * of neighbours, chunks in memory, a pair of sockets in the place of the device.
 */

import assert from "node:assert/strict";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { decodeStruct, NOTIFY_STORE_OUT, OUT_HEADER } from "../../../../lib/fuse/wire_structs.ts";
import { MOUNT_COUNTER, MountCounters } from "../../../../lib/mount/mount_counters.ts";
import { NeighbourPusher } from "../../../../lib/mount/neighbour_pusher.ts";
import { PUSHED_FILE_MAX } from "../../../../lib/mount/read_sequence.ts";
import { SharedChunks } from "../../../../lib/mount/shared_chunks.ts";
import { SocketDevice } from "../../../helpers/socket_device.ts";
import { blockRef, fileRecord, metadata, TestFolder, writeFlist } from "../flist/flist_samples.ts";

/** Inode numbers of the entries that {@link writeNeighbours} makes. */
const INO = { a: 2, b: 3, empty: 5, large: 6, link: 7, sparse: 8, two: 9, away: 10, z: 11 };

/** A directory in which everything follows `a`. Chunk 1 and 2 have 100 bytes, chunk 3 the rest. */
function writeNeighbours(path: string): void {
  writeFlist(path, "myfs", (writer) => {
    const add = (name: string, size: number, changes = {}): number =>
      writer.addInode(fileRecord(name, size, changes));
    const a = add("a", 10);
    const b = add("b", 20);
    writer.addInode({ parent: 1, name: "d", ...metadata(0o40755) });
    add("e empty", 0);
    const large = add("f large", PUSHED_FILE_MAX + 1);
    add("g link", 10, { hardLinkTo: a });
    const sparse = add("h sparse", 5000);
    const two = add("i two", 30);
    const away = add("j away", 10);
    const z = add("z", 10);
    const [one, other, far] = [1, 2, 3].map((seed) =>
      writer.addChunk(blockRef(seed, seed === 3 ? PUSHED_FILE_MAX + 20 : 100))
    ) as [number, number, number];
    const put = (
      ino: number,
      fileOffset: number,
      chunk: number,
      chunkOffset: number,
      size: number,
    ) => writer.addExtent(ino, { fileOffset, chunk, chunkOffset, length: size });
    put(a, 0, one, 0, 10);
    put(b, 0, one, 10, 20);
    put(large, 0, far, 0, PUSHED_FILE_MAX + 1);
    put(sparse, 4096, one, 30, 4);
    put(two, 0, one, 90, 10);
    put(two, 10, other, 0, 20);
    put(away, 0, far, PUSHED_FILE_MAX + 1, 10);
    put(z, 0, other, 20, 10);
  });
}

interface Pushed {
  readonly ino: number;
  readonly offset: number;
  readonly content: Uint8Array;
}

function receive(device: SocketDevice): Pushed {
  const message = device.receive();
  const { nodeid, offset, size } = decodeStruct(NOTIFY_STORE_OUT, message, OUT_HEADER.size);
  const content = message.subarray(OUT_HEADER.size + NOTIFY_STORE_OUT.size);
  assert.equal(content.length, size);
  return { ino: Number(nodeid), offset: Number(offset), content };
}

const numbers = (from: number, length: number): number[] =>
  Array.from({ length }, (_, index) => from + index);

Deno.test("neighbour pusher: pushes small files with content until one is not in memory", () => {
  using folder = new TestFolder();
  writeNeighbours(folder.file("a.fl"));
  using flist = FlistReader.open(folder.file("a.fl"));
  using device = new SocketDevice();
  const chunks = new SharedChunks(SharedChunks.allocate(1024 * 1024));
  const counters = new MountCounters(MountCounters.allocate());
  chunks.put(1, Uint8Array.from(numbers(0, 100)));
  chunks.put(2, Uint8Array.from(numbers(100, 100)));
  const pusher = new NeighbourPusher({ flist, chunks, counters, fd: device.fd });

  assert.deepEqual(pusher.pushAfter(INO.a), [1, 2]);
  const [b, sparse, two] = [receive(device), receive(device), receive(device)];
  assert.deepEqual([b.ino, sparse.ino, two.ino], [INO.b, INO.sparse, INO.two]);
  assert.deepEqual([b.offset, sparse.offset, two.offset], [0, 0, 0]);
  assert.deepEqual([...b.content], numbers(10, 20));
  // What lay in the buffer before does not show in the holes.
  const holes = new Uint8Array(5000);
  holes.set(numbers(30, 4), 4096);
  assert.deepEqual(sparse.content, holes);
  assert.deepEqual([...two.content], [...numbers(90, 10), ...numbers(100, 20)]);
  assert.equal(counters.get(MOUNT_COUNTER.bytesPushed), 20 + 5000 + 30);

  // Another thread saw the same program.
  assert.deepEqual(pusher.pushAfter(INO.b), []);
  // Where it stopped, it goes on: the program has read that one meanwhile.
  assert.deepEqual(pusher.pushAfter(INO.away), [2]);
  assert.equal(receive(device).ino, INO.z);
  assert.equal(counters.get(MOUNT_COUNTER.bytesPushed), 20 + 5000 + 30 + 10);
});

Deno.test("neighbour pusher: a file that is not there, and one without neighbours, push nothing", () => {
  using folder = new TestFolder();
  writeNeighbours(folder.file("a.fl"));
  using flist = FlistReader.open(folder.file("a.fl"));
  const chunks = new SharedChunks(SharedChunks.allocate(1024));
  const counters = new MountCounters(MountCounters.allocate());
  const pusher = new NeighbourPusher({ flist, chunks, counters, fd: -1 });
  assert.deepEqual(pusher.pushAfter(999), []);
  assert.deepEqual(pusher.pushAfter(INO.z), []);
  assert.equal(counters.get(MOUNT_COUNTER.bytesPushed), 0);
});

Deno.test("neighbour pusher: ends with the first that the kernel does not take", () => {
  using folder = new TestFolder();
  writeNeighbours(folder.file("a.fl"));
  using flist = FlistReader.open(folder.file("a.fl"));
  const chunks = new SharedChunks(SharedChunks.allocate(1024));
  const counters = new MountCounters(MountCounters.allocate());
  chunks.put(1, new Uint8Array(100));
  // No descriptor: as if the mount were gone.
  const pusher = new NeighbourPusher({ flist, chunks, counters, fd: -1 });
  assert.deepEqual(pusher.pushAfter(INO.a), []);
  assert.equal(counters.get(MOUNT_COUNTER.bytesPushed), 0);
});
