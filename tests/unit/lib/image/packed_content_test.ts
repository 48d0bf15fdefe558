/** Goal: the flist says where each file's content is, in one order, whichever worker answers first. */

import assert from "node:assert/strict";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { FlistWriter } from "../../../../lib/flist/flist_writer.ts";
import { PackedContent } from "../../../../lib/image/packed_content.ts";
import type { PlannedUnit } from "../../../../lib/image/pack_plan.ts";
import type { ChangedFile, SegmentDone } from "../../../../lib/image/pack_worker.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { blockRef, fileRecord, metadata, ROOT } from "../flist/flist_samples.ts";

/** Size of the file, which has two segments of two chunks each. */
const SIZE = 400;

function planned(ino: number, segment: number): PlannedUnit {
  const times = { mtime: 0, mtimeNsec: 0, ctime: 0, ctimeNsec: 0 };
  const start = segment * 200;
  const flags = { sparse: false, whole: false };
  const place = { directory: "", name: "large", start, end: start + 200 };
  return {
    unit: { kind: "segment", ...place, ...flags, expected: { size: SIZE, inode: 1, ...times } },
    inos: [ino],
  };
}

/** The answer to a segment whose chunks are those of `seeds`; refs come with `sealed` alone. */
function done(
  segment: number,
  seeds: readonly number[],
  sealed: readonly number[] = seeds,
  changed: readonly ChangedFile[] = [],
): SegmentDone {
  const sent = (seed: number) => {
    const { id, key, size, storedSize } = blockRef(seed, 100);
    return { id, key: key.toBytes(), size, storedSize };
  };
  const keys = new Uint8Array(seeds.length * 32);
  seeds.forEach((seed, i) => keys.set(sent(seed).key, i * 32));
  return {
    kind: "segment",
    refs: sealed.map(sent),
    present: 0,
    storedBytes: 0,
    keys,
    fileOffsets: Float64Array.from(seeds, (_, i) => segment * 200 + i * 100),
    sizes: Float64Array.from(seeds, () => 100),
    digest: undefined,
    endReached: (segment + 1) * 200,
    changed,
  };
}

interface Written {
  readonly bytes: Uint8Array;
  readonly extents: readonly string[];
  readonly content: PackedContent;
}

/** Writes a flist of one file with the answers in the order given by `arrive`. */
async function write(arrive: (content: PackedContent, ino: number) => void): Promise<Written> {
  using folder = new TempFolder();
  const path = folder.file("a.fl");
  using writer = FlistWriter.create(path, { profile: "myfs" });
  writer.addInode(ROOT);
  const ino = writer.addInode(fileRecord("large", SIZE));
  const content = new PackedContent(writer, undefined);
  arrive(content, ino);
  await content.release();
  for (const change of content.changes()) {
    if (change.metadata) writer.updateMetadata(change.ino, change.metadata);
    else writer.removeInode(change.ino);
  }
  writer.finish();
  using flist = FlistReader.open(path);
  flist.validate();
  const extents = flist.extents(ino).map(({ fileOffset, chunk, length }) =>
    `${fileOffset}+${length}: ${flist.chunk(chunk).id.slice(0, 2)} ${chunk}`
  );
  return { bytes: await Deno.readFile(path), extents, content };
}

Deno.test("PackedContent: answers in any order make the same flist", async () => {
  const forward = await write((content, ino) => {
    content.arrive(0, planned(ino, 0), done(0, [1, 2]));
    content.arrive(1, planned(ino, 1), done(1, [3, 1], [3]));
  });
  const backward = await write((content, ino) => {
    // The second segment sealed the chunk that both have.
    content.arrive(1, planned(ino, 1), done(1, [3, 1], [3, 1]));
    content.arrive(0, planned(ino, 0), done(0, [1, 2], [2]));
  });
  assert.deepEqual(forward.extents, [
    "0+100: 01 1",
    "100+100: 02 2",
    "200+100: 03 3",
    "300+100: 01 1",
  ]);
  assert.deepEqual(backward.extents, forward.extents);
  assert.deepEqual(backward.bytes, forward.bytes);
  assert.equal(forward.content.chunkCount, 3);
  assert.equal(forward.content.referencedBytes, 3 * blockRef(1, 100).storedSize);
  assert.equal(forward.content.reusedCount, 0);
});

Deno.test("PackedContent: an answer waits for the chunk that another worker is sealing", async () => {
  const { extents } = await write((content, ino) => {
    content.arrive(0, planned(ino, 0), done(0, [1, 2], [2]));
    assert.equal(content.chunkCount, 0);
    content.arrive(1, planned(ino, 1), done(1, [1, 3], [1, 3]));
  });
  assert.deepEqual(extents, ["0+100: 01 1", "100+100: 02 2", "200+100: 01 1", "300+100: 03 3"]);
});

Deno.test("PackedContent: a file found shorter is recorded as it was found", async () => {
  const found = { ...metadata(0o100644), size: 250 };
  const { extents, content } = await write((content, ino) => {
    content.arrive(0, planned(ino, 0), done(0, [1, 2]));
    const changed = [{ file: 0, metadata: found, failure: undefined }];
    content.arrive(1, planned(ino, 1), done(1, [3, 4], [3, 4], changed));
  });
  assert.deepEqual(extents, ["0+100: 01 1", "100+100: 02 2", "200+50: 03 3"]);
  assert.deepEqual(
    [...content.changes()].map(({ walkedSize, metadata }) => [walkedSize, metadata]),
    [
      [SIZE, found],
    ],
  );
});

Deno.test("PackedContent: a segment that could not be read leaves the file out, whatever others say", async () => {
  const failure = { path: "large", reason: "Cannot read large", code: "system" };
  const { content, extents } = await write((content, ino) => {
    const left = [{ file: 0, metadata: undefined, failure }];
    content.arrive(0, planned(ino, 0), done(0, [], [], left));
    const changed = [{
      file: 0,
      metadata: { ...metadata(0o100644), size: 250 },
      failure: undefined,
    }];
    content.arrive(1, planned(ino, 1), done(1, [3, 4], [3, 4], changed));
  });
  assert.deepEqual([...content.changes()].map(({ failure }) => failure), [failure]);
  assert.deepEqual(extents, []);
});
