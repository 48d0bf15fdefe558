/**
 * Goal: text that was dumped, or written by hand, becomes the flist it describes; anything else is
 * a SyntaxError that names the line, and leaves nothing. Method: samples, and single broken lines.
 */

import assert from "node:assert/strict";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { dumpFlist } from "../../../../lib/flist/text_dump.ts";
import { parseFlistText } from "../../../../lib/flist/text_parse.ts";
import { blockRef, BOTH, dumpOf, TestFolder, writeSample } from "./flist_samples.ts";

const HEAD = "myfs-flist-text 1 profile=myfs keys=yes";
const ROOT = "/ directory 0755 0:0 0 0.000000000";
const ID = "ab".repeat(32);
const CHUNK = `chunk ${ID} size=10 stored=5 key=${"cd".repeat(32)}`;

for (const profile of BOTH) {
  Deno.test(`text parse (${profile}): dump, parse, dump gives the same lines`, () => {
    using folder = new TestFolder();
    writeSample(folder.file("a.fl"), profile);
    const lines = dumpOf(folder.file("a.fl"));
    parseFlistText(lines, folder.file("b.fl"));
    assert.deepEqual(dumpOf(folder.file("b.fl")), lines);
    using reader = FlistReader.open(folder.file("b.fl"));
    reader.validate();
    assert.equal(reader.profile, profile);
  });

  Deno.test(`text parse (${profile}): content without keys cannot be read`, () => {
    using folder = new TestFolder();
    writeSample(folder.file("a.fl"), profile);
    using reader = FlistReader.open(folder.file("a.fl"));
    const lines = [...dumpFlist(reader)];
    assert.throws(() => parseFlistText(lines, folder.file("b.fl")), /the key is missing/);
    assert.deepEqual(folder.names(), ["a.fl"]);
  });
}

Deno.test("text parse: reads text by hand, in any order of entries, with comments", () => {
  using folder = new TestFolder();
  const path = folder.file("a.fl");
  parseFlistText([
    "# made by hand",
    HEAD,
    "",
    `/d/first file 0644 1:2 10 -5.000000001 extents=0+10@${ID}+0`,
    "/a file 0644 1:2 10 -5.000000001 link=/d/first",
    ROOT,
    "/d directory 0700 0:0 0 0.000000000",
    CHUNK,
  ], path);
  using reader = FlistReader.open(path);
  reader.validate();
  // The name that is met first on the way down is the first, whichever the text has as the link.
  const directory = reader.child(1, "d")!.ino;
  assert.equal(reader.child(directory, "first")!.hardLinkTo, reader.child(1, "a")!.ino);
  assert.equal(reader.child(1, "a")!.mtime, -5);
  assert.equal(reader.extents(reader.child(1, "a")!.ino).length, 1);
});

Deno.test("text parse (myfs): chunks with the same id keep apart", () => {
  using folder = new TestFolder();
  const { id } = blockRef(0xab, 1);
  const lines = [
    HEAD,
    ROOT,
    `/a file 0644 0:0 20 0.000000000 extents=0+10@${id}~2+5,10+10@${id}+0`,
    CHUNK,
    `chunk ${id} size=15 stored=9 key=${"ef".repeat(32)}`,
  ];
  parseFlistText(lines, folder.file("a.fl"));
  assert.deepEqual(dumpOf(folder.file("a.fl")), lines);
});

Deno.test("text parse (myfs): the mark of secret chunk keys comes back, other reserved tags do not", () => {
  using folder = new TestFolder();
  const lines = [HEAD, "tag myfs.chunk-keys=secret", ROOT];
  parseFlistText(lines, folder.file("a.fl"));
  assert.deepEqual(dumpOf(folder.file("a.fl")), lines);
  const other = [HEAD, "tag myfs.other=x", ROOT];
  assert.throws(() => parseFlistText(other, folder.file("b.fl")), /reserved/);
});

const broken: [text: string[], message: RegExp][] = [
  [[], /it is empty/],
  [["hello"], /line 1: it does not begin with myfs-flist-text/],
  [["myfs-flist-text 2 profile=myfs keys=yes"], /version 2 is not known/],
  [["myfs-flist-text 1 profile=zfs keys=yes"], /"profile=zfs" is not a profile/],
  [[HEAD], /it has no root/],
  [[HEAD, "a file"], /line 2: "a" begins no line/],
  [[HEAD, ROOT, ROOT], /line 3: there is a root already/],
  [[HEAD, ROOT, "/a/b file 0644 0:0 0 0.000000000"], /line 3: there is no entry \/a/],
  [[HEAD, ROOT, "/a"], /line 3: an entry has six words/],
  [[HEAD, ROOT, "/a door 0644 0:0 0 0.000000000"], /line 3: "door" is not a kind/],
  [[HEAD, ROOT, "/a file 0999 0:0 0 0.000000000"], /line 3: "0999"/],
  [[HEAD, ROOT, "/a file 0644 0 0 0.000000000"], /line 3: "0" is not as it should be/],
  [[HEAD, ROOT, "/a file 0644 0:0 -1 0.000000000"], /line 3: "-1"/],
  [[HEAD, ROOT, "/a file 0644 0:0 0 0.5"], /line 3: "0.5"/],
  [[HEAD, ROOT, "/a file 0644 0:0 0 0.000000000 color=red"], /line 3: "color" is not known/],
  [[HEAD, ROOT, "/a file 0644 0:0 0 0.000000000 link=/b"], /line 3: its first name is not there/],
  [
    [HEAD, ROOT, "/b fifo 0644 0:0 0 0.000000000", "/a file 0644 0:0 0 0.000000000 link=/b"],
    /line 4: its first name is of another kind/,
  ],
  [
    [HEAD, ROOT, "/a file 0644 0:0 0 0.000000000 link=/a"],
    /line 3: its first name is a link itself/,
  ],
  [
    [HEAD, ROOT, "/a file 0644 0:0 0 0.000000000", "/a file 0644 0:0 0 0.000000000"],
    /line 4: .*directory 1 has an entry of that name/,
  ],
  [[HEAD, ROOT, "/a symlink 0777 0:0 0 0.000000000"], /line 3: .* needs a target/],
  [[HEAD, ROOT, "/a\\q file 0644 0:0 0 0.000000000"], /line 3: .*escape/],
  [[HEAD, ROOT, "/.. file 0644 0:0 0 0.000000000"], /line 3: .* name is "\.\."/],
  [
    [HEAD, ROOT, "/a file 0644 0:0 9 0.000000000 extents=0+9@" + ID + "+0"],
    /line 3: chunk .* is not there/,
  ],
  [[HEAD, ROOT, "/a file 0644 0:0 9 0.000000000 extents=0+9", CHUNK], /line 3: "0\+9"/],
  [[HEAD, ROOT, "/a file 0644 0:0 9 0.000000000 digest=zz"], /line 3: /],
  [[HEAD, ROOT, `chunk ${ID.toUpperCase()} size=1 stored=1 key=00`], /line 3: .*block id/],
  [[HEAD, ROOT, "tag nothing"], /line 3: there is no "="/],
  [[HEAD, ROOT, "route 0-ff dir:///x"], /line 3: "0-ff"/],
];

for (const [lines, message] of broken) {
  Deno.test(`text parse: refuses ${JSON.stringify(lines.at(-1) ?? "").slice(0, 60)} (${message.source.slice(0, 40)})`, () => {
    using folder = new TestFolder();
    assert.throws(() => parseFlistText(lines, folder.file("a.fl")), (error: Error) => {
      assert.ok(error instanceof SyntaxError || error instanceof RangeError, `${error}`);
      assert.match(error.message, message);
      return true;
    });
    assert.deepEqual(folder.names(), []);
  });
}
