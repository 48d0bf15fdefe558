/**
 * Goal: a chunk is opened once, whoever wants it, and a bad block fails those who need it alone.
 * Method: a packed tree with blocks in a directory, two sources over one memory.
 */

import assert from "node:assert/strict";
import { BlockCorruptError, BlockNotFoundError } from "../../../../lib/base/errors.ts";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { codecSetupOf, openFlistCodec } from "../../../../lib/image/flist_codec.ts";
import { packDirectory } from "../../../../lib/image/pack.ts";
import { ChunkSource } from "../../../../lib/mount/chunk_source.ts";
import { MOUNT_COUNTER, MountCounters } from "../../../../lib/mount/mount_counters.ts";
import { SharedChunks } from "../../../../lib/mount/shared_chunks.ts";
import { LocalBlocks } from "../../../../lib/store/local_blocks.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

Deno.test("chunk source: opens once, tells when it cannot, and recovers", async () => {
  using folder = new TempFolder();
  const content = Uint8Array.from({ length: 100_000 }, (_, at) => (at * at * 7) % 253);
  const meta = folder.file("a.fl");
  const store = `dir://${folder.file("blocks")}`;
  await packDirectory(folder.tree("tree", { file: content }), { meta, store });
  using flist = FlistReader.open(meta);
  const extent = flist.extents(flist.child(1, "file")!.ino)[0]!;
  const placement = { directories: [{ start: 0, end: 255, path: folder.file("blocks") }] };
  const memory = SharedChunks.allocate(1024 * 1024);
  const counters = new MountCounters(MountCounters.allocate());
  const sourceWith = (local: typeof placement | undefined) =>
    new ChunkSource({
      flist,
      codec: openFlistCodec(codecSetupOf(flist)),
      chunks: new SharedChunks(memory),
      counters,
      local,
    });
  const [one, other, far] = [placement, placement, undefined].map(sourceWith);
  const target = new Uint8Array(10);
  const copy = (source: ChunkSource | undefined) =>
    source!.copy(extent.chunk, extent.chunkOffset + 5, extent.chunkOffset + 15, target, 0);

  assert.equal(copy(far), false);
  const blocks = new LocalBlocks(placement);
  const { id } = flist.chunk(extent.chunk);
  const block = blocks.get(id);
  blocks.delete(id);
  assert.throws(() => copy(one), BlockNotFoundError);
  const damaged = new Uint8Array(block);
  damaged[20]! ^= 1;
  blocks.put(id, damaged, { replace: true });
  assert.throws(() => copy(one), BlockCorruptError);
  blocks.put(id, block, { replace: true });
  assert.equal(counters.get(MOUNT_COUNTER.chunksOpened), 0);
  for (const source of [one, other, far]) {
    target.fill(0);
    assert.equal(copy(source), true);
    assert.deepEqual(target, content.subarray(5, 15));
  }
  assert.equal(counters.get(MOUNT_COUNTER.chunksOpened), 1);
  assert.equal(counters.get(MOUNT_COUNTER.blockBytes), block.length);
});
