/**
 * Goal: a thread pushes, one file's neighbours after the other's, and is gone afterwards. Method: a
 * small flist, a pair of sockets in the place of the device.
 */

import assert from "node:assert/strict";
import { decodeStruct, NOTIFY_STORE_OUT, OUT_HEADER } from "../../../../lib/fuse/wire_structs.ts";
import { MOUNT_COUNTER, MountCounters } from "../../../../lib/mount/mount_counters.ts";
import { NeighbourPushes } from "../../../../lib/mount/neighbour_pushes.ts";
import { flistStamp } from "../../../../lib/mount/same_flist.ts";
import { SharedChunks } from "../../../../lib/mount/shared_chunks.ts";
import { SocketDevice } from "../../../helpers/socket_device.ts";
import { until } from "../../../helpers/until.ts";
import { blockRef, fileRecord, TestFolder, writeFlist } from "../flist/flist_samples.ts";

/** Files with the inode numbers 2, 3 and so on, of 10 bytes each, all in chunk 1. */
function writeFiles(path: string, count: number): void {
  writeFlist(path, "myfs", (writer) => {
    const files = Array.from(
      { length: count },
      (_, index) => writer.addInode(fileRecord(String(index).padStart(3, "0"), 10)),
    );
    const chunk = writer.addChunk(blockRef(1, 10 * count));
    files.forEach((ino, index) =>
      writer.addExtent(ino, { fileOffset: 0, chunk, chunkOffset: 10 * index, length: 10 })
    );
  });
}

function receiveIno(device: SocketDevice): number {
  return Number(decodeStruct(NOTIFY_STORE_OUT, device.receive(), OUT_HEADER.size).nodeid);
}

Deno.test("neighbour pushes: what is offered while it works gives way to the last", async () => {
  using folder = new TestFolder();
  const meta = folder.file("a.fl");
  writeFiles(meta, 300);
  using device = new SocketDevice();
  const [chunks, counters] = [SharedChunks.allocate(10_000), MountCounters.allocate()];
  new SharedChunks(chunks).put(1, new Uint8Array(3000));
  const used: number[] = [];
  const onUse = (chunk: number): void => void used.push(chunk);
  const counted = new MountCounters(counters);
  {
    const stamp = flistStamp(meta);
    const setup = { fd: device.fd, meta, stamp, chunks, counters, onUse };
    await using pushes = new NeighbourPushes(setup);
    pushes.offer(10);
    pushes.offer(100);
    pushes.offer(296);
    await until(() => used.length === 2);
    const pushed = Array.from({ length: 64 + 5 }, () => receiveIno(device));
    assert.deepEqual(pushed.slice(0, 2), [11, 12]);
    assert.deepEqual(pushed.slice(62), [73, 74, 297, 298, 299, 300, 301]);
    assert.deepEqual(used, [1, 1]);
    assert.equal(counted.get(MOUNT_COUNTER.bytesPushed), 690);
  }
});

Deno.test("neighbour pushes: without any use there is no thread; a fault ends the pushing alone", async () => {
  using folder = new TestFolder();
  const setup = {
    fd: -1,
    meta: folder.file("missing.fl"),
    stamp: "",
    chunks: SharedChunks.allocate(10),
    counters: MountCounters.allocate(),
    onUse: () => assert.fail("Nothing was pushed"),
  };
  {
    await using _pushes = new NeighbourPushes(setup);
  }
  await using pushes = new NeighbourPushes(setup);
  for (let ino = 1; ino < 10; ino++) {
    pushes.offer(ino);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});
