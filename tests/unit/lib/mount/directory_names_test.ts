/**
 * Goal: names are found as the flist itself finds them, in whatever order programs ask. Method: small
 * and large directories, names in order, with gaps, backwards, at random and missing, compared with
 * `FlistReader.child`.
 */

import assert from "node:assert/strict";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { DirectoryNames } from "../../../../lib/mount/directory_names.ts";
import { packDirectory } from "../../../../lib/image/pack.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { BOTH, TestFolder, writeSample } from "../flist/flist_samples.ts";

/** What both find of these names, in this order. */
function assertSame(flist: FlistReader, directory: number, names: readonly string[]): void {
  const known = new DirectoryNames(flist);
  for (const name of names) {
    assert.deepEqual(known.find(directory, name), flist.child(directory, name), name);
  }
}

for (const profile of BOTH) {
  Deno.test(`directory names: every entry of a sample is found (${profile})`, () => {
    using folder = new TestFolder();
    writeSample(folder.file("a.fl"), profile);
    using flist = FlistReader.open(folder.file("a.fl"));
    const known = new DirectoryNames(flist);
    for (const { parent, name, ino } of flist.inodes()) {
      if (parent !== 0) assert.deepEqual(known.find(parent, name), flist.child(parent, name));
      assert.equal(known.find(ino, "no such name"), undefined);
    }
  });
}

Deno.test("directory names: large directories, in any order", async () => {
  using folder = new TempFolder();
  const names = Array.from({ length: 1000 }, (_, number) => `file ${number}`).toSorted();
  const few = ["a", "b", "c"];
  const source = folder.tree("tree", {
    ...Object.fromEntries(names.map((name) => [`large/${name}`, ""])),
    ...Object.fromEntries(few.map((name) => [`small/${name}`, ""])),
  });
  const meta = folder.file("a.fl");
  await packDirectory(source, { meta, store: `dir://${folder.file("blocks")}` });
  using flist = FlistReader.open(meta);
  const [large, small] = ["large", "small"].map((name) => flist.child(1, name)!.ino);
  assertSame(flist, small!, [...few, "0", "d", ...few.toReversed(), ""]);
  assertSame(flist, large!, names);
  assertSame(flist, large!, names.toReversed());
  // Some are left out, and some are not there.
  assertSame(flist, large!, names.filter((_, index) => index % 5 === 0));
  assertSame(flist, large!, names.flatMap((name) => [`${name}!`, name]));
  let state = 1;
  const random = names.map(() =>
    names[(state = Math.imul(state, 1664525) + 1013904223 >>> 0) % 1000]!
  );
  assertSame(flist, large!, random);
  // More directories and entries than are remembered change nothing.
  const known = new DirectoryNames(flist);
  for (let ino = 1; ino < 10_000; ino++) assert.equal(known.find(ino, "none"), undefined);
  assert.equal(known.find(small!, "b")?.name, "b");
});

Deno.test("directory names: in their order, most are found without a search", async () => {
  using folder = new TempFolder();
  const names = Array.from({ length: 1000 }, (_, number) => `${1000 + number}`);
  const source = folder.tree("tree", Object.fromEntries(names.map((name) => [name, ""])));
  const meta = folder.file("a.fl");
  await packDirectory(source, { meta, store: `dir://${folder.file("blocks")}` });
  using flist = FlistReader.open(meta);
  let searches = 0;
  const watched = {
    child: (directory: number, name: string) => (searches++, flist.child(directory, name)),
    childrenAfter: (directory: number, ino: number, limit: number) =>
      flist.childrenAfter(directory, ino, limit),
  } as unknown as FlistReader;
  const known = new DirectoryNames(watched);
  for (const name of names) assert.equal(known.find(1, name)?.name, name);
  assert.ok(searches < 20, `${searches} searches`);
});
