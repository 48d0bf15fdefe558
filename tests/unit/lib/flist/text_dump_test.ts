/**
 * Goal: the text form shows everything, in a stable order, and no key unless it is asked for.
 * Method: the sample flists; the format itself is pinned by tests/golden/flist.
 */

import assert from "node:assert/strict";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { dumpFlist } from "../../../../lib/flist/text_dump.ts";
import {
  blockRef,
  BOTH,
  dumpOf,
  fileRecord,
  metadata,
  TestFolder,
  writeFlist,
  writeSample,
} from "./flist_samples.ts";

for (const profile of BOTH) {
  Deno.test(`text dump (${profile}): keys are shown only on request`, () => {
    using folder = new TestFolder();
    writeSample(folder.file("a.fl"), profile);
    using reader = FlistReader.open(folder.file("a.fl"));
    const keys = [...reader.chunks()].map(({ ref }) => ref.key.toBytes().toHex());
    const without = [...dumpFlist(reader)].join("\n");
    const withKeys = [...dumpFlist(reader, { includeKeys: true })].join("\n");
    for (const key of keys) {
      assert.ok(!without.includes(key));
      assert.ok(withKeys.includes(key));
    }
    for (const { ref } of reader.chunks()) assert.ok(without.includes(ref.id));
  });

  Deno.test(`text dump (${profile}): a file that is added adds lines and changes none`, () => {
    using folder = new TestFolder();
    const lines = [false, true].map((more) => {
      const path = folder.file(`${more}.fl`);
      writeFlist(path, profile, (writer) => {
        for (const [index, name] of ["a", "b", "c"].entries()) {
          if (name === "b" && !more) continue;
          const ino = writer.addInode(fileRecord(name, 10));
          const chunk = writer.addChunk(blockRef(index + 1, 10));
          writer.addExtent(ino, { fileOffset: 0, chunk, chunkOffset: 0, length: 10 });
        }
      });
      return dumpOf(path);
    });
    const added = lines[1]!.filter((line) => !lines[0]!.includes(line));
    assert.equal(lines[0]!.filter((line) => !lines[1]!.includes(line)).length, 0);
    assert.equal(added.length, profile === "myfs" ? 2 : 1);
  });
}

Deno.test("text dump (myfs): extended attributes, holes, hard links and bytes that are not UTF-8", () => {
  using folder = new TestFolder();
  writeSample(folder.file("a.fl"), "myfs");
  const lines = dumpOf(folder.file("a.fl"));
  const line = (start: string) => lines.find((each) => each.startsWith(start))!;
  assert.match(line("/few file "), / link=\/directory\/twin\\x20\\xff$/);
  assert.match(
    line("/directory/zeros "),
    / 5000000000 .* extents=4999999000\+1000@[0-9a-f]{64}\+96$/,
  );
  assert.match(line("/directory/xattrs "), / xattr:user.empty= xattr:user.note=hello$/);
  assert.match(line("/directory/block "), / rdev=8:17$/);
  assert.match(line("/directory/link "), / symlink 0777 0:0 6 .* target=\.\.\/few$/);
  assert.match(line("/directory/twin\\x20\\xff "), / digest=(09){32} extents=0\+100@(01){32}\+0$/);
  assert.equal(line("tag description"), "tag description=a\\x20sample\\x0aof\\x20two\\x20lines");
});

Deno.test("text dump (myfs): the name that comes first shows what belongs to the file, whichever inode has it", () => {
  using folder = new TestFolder();
  const path = folder.file("a.fl");
  writeFlist(path, "myfs", (writer) => {
    const directory = writer.addInode({ parent: 1, name: "a", ...metadata(0o40755) });
    const xattrs = new Map([["user.a", new Uint8Array([0x62])]]);
    const file = writer.addInode(fileRecord("b", 10, { xattrs }));
    writer.addInode(fileRecord("c", 10, { parent: directory, hardLinkTo: file }));
    const chunk = writer.addChunk(blockRef(1, 10));
    writer.addExtent(file, { fileOffset: 0, chunk, chunkOffset: 0, length: 10 });
    writer.setDigest(file, new Uint8Array(32).fill(2));
  });
  const [, , , first, second] = dumpOf(path);
  assert.match(
    first!,
    /^\/a\/c file .* xattr:user\.a=b digest=(02){32} extents=0\+10@(01){32}\+0$/,
  );
  assert.match(second!, /^\/b file .* link=\/a\/c$/);
});
