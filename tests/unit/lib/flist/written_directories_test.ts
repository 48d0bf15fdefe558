/** Goal: only the order that the format asks for is taken, and the ranges are those of the entries. */

import assert from "node:assert/strict";
import { WrittenDirectories } from "../../../../lib/flist/written_directories.ts";

Deno.test("written directories: ranges are told by directory, gaps included", () => {
  const directories = new WrittenDirectories();
  for (const [parent, ino, name] of [[1, 2, "a"], [1, 5, "b"], [5, 6, "x"], [2, 9, "x"]] as const) {
    assert.equal(directories.orderFault(parent, name), undefined);
    directories.add(parent, ino, name);
  }
  assert.deepEqual(directories.ranges(), [
    { ino: 1, first: 2, last: 5 },
    { ino: 2, first: 9, last: 9 },
    { ino: 5, first: 6, last: 6 },
  ]);
});

Deno.test("written directories: names ascend by their bytes, not by UTF-16", () => {
  const directories = new WrittenDirectories();
  directories.add(1, 2, "\uffee");
  assert.equal(directories.orderFault(1, "\u{1f600}"), undefined);
  directories.add(1, 3, "\u{1f600}");
  assert.throws(() => directories.orderFault(1, "\uffef"), TypeError);
  assert.match(directories.orderFault(1, "\u{1f600}")!, /has an entry of that name/);
});

Deno.test("written directories: a directory that was left takes no more entries", () => {
  const directories = new WrittenDirectories();
  directories.add(1, 2, "a");
  directories.add(2, 3, "a");
  assert.throws(() => directories.orderFault(1, "b"), /those of directory 2 have begun since/);
});
