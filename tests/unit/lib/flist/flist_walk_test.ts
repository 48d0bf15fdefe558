/** Goal: the walk is depth first in byte order, from anywhere, however deep the tree is. */

import assert from "node:assert/strict";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { pathOfInode, walkFlist } from "../../../../lib/flist/flist_walk.ts";
import { BOTH, fileRecord, metadata, TestFolder, writeFlist } from "./flist_samples.ts";

const DIRECTORY = metadata(0o40755);

for (const profile of BOTH) {
  Deno.test(`flist walk (${profile}): directories come before what is in them, names in byte order`, () => {
    using folder = new TestFolder();
    writeFlist(folder.file("a.fl"), profile, (writer) => {
      writer.addInode({ parent: 1, name: "a", ...DIRECTORY });
      const b = writer.addInode({ parent: 1, name: "b", ...DIRECTORY });
      writer.addInode(fileRecord("c", 0));
      writer.addInode(fileRecord("B", 0, { parent: b }));
      const deep = writer.addInode({ parent: b, name: "z", ...DIRECTORY });
      writer.addInode(fileRecord("file", 0, { parent: deep }));
    });
    using reader = FlistReader.open(folder.file("a.fl"));
    const walked = [...walkFlist(reader)];
    assert.deepEqual(walked.map(({ path }) => path), ["", "a", "b", "b/B", "b/z", "b/z/file", "c"]);
    for (const { path, inode } of walked) assert.equal(pathOfInode(reader, inode.ino), path);
    const from = walked[2]!;
    assert.deepEqual([...walkFlist(reader, from)], walked.slice(2, 6));
    assert.deepEqual([...walkFlist(reader, walked[6]!)], walked.slice(6));
  });
}

Deno.test("flist walk: a tree deeper than the call stack is walked, beyond the limit it is refused", () => {
  using folder = new TestFolder();
  const path = folder.file("a.fl");
  const depth = 16384;
  writeFlist(path, "myfs", (writer) => {
    let parent = 1;
    for (let i = 0; i < depth; i++) parent = writer.addInode({ parent, name: "d", ...DIRECTORY });
    assert.throws(() => writer.addInode({ parent, name: "d", ...DIRECTORY }), /directories deep/);
  });
  using reader = FlistReader.open(path);
  reader.validate();
  let count = 0;
  for (const { inode } of walkFlist(reader)) count = inode.ino;
  assert.equal(count, depth + 1);
});
