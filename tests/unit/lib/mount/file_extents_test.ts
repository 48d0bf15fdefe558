/**
 * Goal: reads and seeks find what extents say, at every border. Method: a file described byte by byte,
 * compared at every offset and length.
 */

import assert from "node:assert/strict";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { ExtentCache, FileExtents } from "../../../../lib/mount/file_extents.ts";
import { BOTH, TestFolder, writeSample } from "../flist/flist_samples.ts";

/** Hole 0–2, chunk 5 from 10, hole 7–8, chunks 6 and 7 side by side, hole at the end. */
const FILE = new FileExtents(
  20,
  new Float64Array([3, 5, 10, 4, 9, 6, 0, 3, 12, 7, 100, 5]),
);

/** Chunk and place of each byte; undefined in holes. */
const BYTES = Array.from({ length: FILE.size }, (_, at) => {
  if (at >= 3 && at < 7) return { chunk: 5, place: 10 + at - 3 };
  if (at >= 9 && at < 12) return { chunk: 6, place: at - 9 };
  if (at >= 12 && at < 17) return { chunk: 7, place: 100 + at - 12 };
  return undefined;
});

Deno.test("file extents: pieces are the bytes that were asked for", () => {
  for (let offset = 0; offset < FILE.size; offset++) {
    for (let length = 0; offset + length <= FILE.size; length++) {
      const found: typeof BYTES = Array.from({ length }, () => undefined);
      for (const { chunk, from, to, at } of FILE.pieces(offset, length)) {
        for (let i = 0; i < to - from; i++) found[at + i] = { chunk, place: from + i };
      }
      assert.deepEqual(found, BYTES.slice(offset, offset + length));
    }
  }
});

Deno.test("file extents: seeking finds the next data and hole, and the end is a hole", () => {
  for (let offset = 0; offset <= FILE.size + 1; offset++) {
    const rest = BYTES.slice(offset);
    const data = rest.findIndex((byte) => byte !== undefined);
    const hole = rest.findIndex((byte) => byte === undefined);
    assert.equal(FILE.seek(offset, false), data < 0 ? -1 : offset + data, `data from ${offset}`);
    const expected = offset >= FILE.size ? -1 : hole < 0 ? FILE.size : offset + hole;
    assert.equal(FILE.seek(offset, true), expected, `hole from ${offset}`);
  }
  const full = new FileExtents(4, new Float64Array([0, 1, 0, 4]));
  assert.equal(full.seek(1, true), 4);
  assert.equal(new FileExtents(0, new Float64Array()).seek(0, true), -1);
});

Deno.test("file extents: the chunks that follow", () => {
  assert.deepEqual(FILE.chunksAfter(0, 2), [5, 6]);
  assert.deepEqual(FILE.chunksAfter(12, 9), [7]);
  assert.deepEqual(FILE.chunksAfter(17, 9), []);
});

for (const profile of BOTH) {
  Deno.test(`extent cache (${profile}): has the files of a flist, and nothing else`, () => {
    using folder = new TestFolder();
    writeSample(folder.file("a.fl"), profile);
    using flist = FlistReader.open(folder.file("a.fl"));
    const cache = new ExtentCache(flist);
    for (const inode of flist.inodes()) {
      const file = cache.get(inode.ino);
      assert.equal(cache.get(inode.ino), file);
      if (inode.kind !== "file" || inode.hardLinkTo !== undefined) {
        assert.equal(file, undefined);
        continue;
      }
      assert.equal(file!.size, inode.size);
      const fields = flist.extents(inode.ino)
        .flatMap(({ fileOffset, chunk, chunkOffset, length }) => [
          fileOffset,
          chunk,
          chunkOffset,
          length,
        ]);
      assert.deepEqual([...file!.fields], fields);
    }
    assert.equal(cache.get(1e9), undefined);
  });
}
