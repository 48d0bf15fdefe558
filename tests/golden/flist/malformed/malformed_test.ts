/**
 * Goal: a hostile or damaged flist is refused with an error that names the file and the fault;
 * nothing that reads it loops, crashes or believes it. Method: hostile_flists.ts. Each is validated,
 * which must say what is wrong, and read in every way without validation, where each way may fail
 * with the same kind of error and no other.
 */

import assert from "node:assert/strict";
import { FlistFormatError } from "../../../../lib/base/errors.ts";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { walkFlist } from "../../../../lib/flist/flist_walk.ts";
import { dumpFlist } from "../../../../lib/flist/text_dump.ts";
import { TestFolder } from "../../../unit/lib/flist/flist_samples.ts";
import { HOSTILE_FLISTS } from "./hostile_flists.ts";

/** Ways of reading that a mount or a listing uses without looking at the whole flist first. */
const WAYS: readonly ((reader: FlistReader) => unknown)[] = [
  (reader) => reader.tags(),
  (reader) => reader.routes(),
  (reader) => reader.counts(),
  (reader) => [...walkFlist(reader)],
  (reader) => [...reader.inodes()],
  (reader) => [...reader.chunks()],
  (reader) => [...reader.extentsByChunk()],
  (reader) => [...reader.digests()],
  (reader) => [...dumpFlist(reader)],
  (reader) => reader.xattrOwners(),
  (reader) => reader.incompleteFiles(),
  ...Array.from({ length: 21 }, (_, ino) => (reader: FlistReader) => reader.inode(ino)),
  ...Array.from({ length: 21 }, (_, ino) => (reader: FlistReader) => reader.extents(ino)),
  ...Array.from({ length: 21 }, (_, ino) => (reader: FlistReader) => reader.xattrs(ino)),
  ...Array.from({ length: 21 }, (_, ino) => (reader: FlistReader) => reader.digest(ino)),
  ...["few", "..", "a/b", "", "evil"].map((name) => (reader: FlistReader) =>
    reader.child(1, name)
  ),
  ...["block", "socket", "zeros", "!", "~"].map((name) => (reader: FlistReader) =>
    reader.child(2, name)
  ),
];

for (const { name, message, make } of HOSTILE_FLISTS) {
  Deno.test(`hostile flist: ${name}`, () => {
    using folder = new TestFolder();
    const path = folder.file("hostile.fl");
    make(path);
    const names = folder.names();
    assert.throws(() => {
      using reader = FlistReader.open(path);
      reader.validate();
    }, (error: Error) => {
      assert.ok(error instanceof FlistFormatError, `${error.stack}`);
      assert.ok(error.message.startsWith(`Cannot read flist ${path}: `), error.message);
      assert.match(error.message, message);
      return true;
    });
    for (const way of WAYS) {
      try {
        using reader = FlistReader.open(path);
        way(reader);
      } catch (error) {
        assert.ok(error instanceof FlistFormatError, `${(error as Error).stack}`);
      }
    }
    assert.deepEqual(folder.names(), names);
  });
}

Deno.test("hostile flist: their names differ, so that each is known by its own", () => {
  const names = HOSTILE_FLISTS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
});
