/**
 * Goal: every way of reading a flist gives the same tree, in the stated order, and does so while
 * other readings are under way. Method: the sample flists of both profiles. What hostile flists do
 * is in tests/golden/flist/malformed.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { compareByteStrings } from "../../../../lib/base/byte_string.ts";
import { FlistFormatError, FlistNotFoundError, SystemError } from "../../../../lib/base/errors.ts";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import {
  blockRef,
  BOTH,
  fileRecord,
  metadata,
  TestFolder,
  writeFlist,
  writeSample,
} from "./flist_samples.ts";

for (const profile of BOTH) {
  Deno.test(`flist reader (${profile}): inode, child and children agree with inodes`, () => {
    using folder = new TestFolder();
    writeSample(folder.file("a.fl"), profile);
    using reader = FlistReader.open(folder.file("a.fl"));
    const all = [...reader.inodes()];
    assert.deepEqual(all.map(({ ino }) => ino), all.map((_, index) => index + 1));
    for (const inode of all) {
      assert.deepEqual(reader.inode(inode.ino), inode);
      if (inode.ino === 1) continue;
      assert.deepEqual(reader.child(inode.parent, inode.name), inode);
      assert.deepEqual(
        [...reader.children(inode.parent)].find(({ ino }) => ino === inode.ino),
        inode,
      );
    }
    assert.equal(reader.inode(all.length + 1), undefined);
    assert.equal(reader.child(1, "not there"), undefined);
    assert.equal(reader.child(1, "not there\udcff"), undefined);
    assert.deepEqual([...reader.children(3)], []);
  });

  Deno.test(`flist reader (${profile}): childrenAfter gives pages of every directory`, () => {
    using folder = new TestFolder();
    writeSample(folder.file("a.fl"), profile);
    using reader = FlistReader.open(folder.file("a.fl"));
    for (const { ino } of reader.inodes()) {
      const expected = [...reader.children(ino)].toSorted((a, b) => a.ino - b.ino);
      for (const limit of [1, 3, 1000]) {
        const found = [];
        for (let after = 0;;) {
          const page = reader.childrenAfter(ino, after, limit);
          assert.ok(page.length <= limit);
          found.push(...page);
          if (page.length < limit) break;
          after = page.at(-1)!.ino;
        }
        assert.deepEqual(found, expected);
      }
    }
  });

  Deno.test(`flist reader (${profile}): totals and narrow questions agree with all inodes`, () => {
    using folder = new TestFolder();
    writeSample(folder.file("a.fl"), profile);
    using reader = FlistReader.open(folder.file("a.fl"));
    const first = [...reader.inodes()].filter(({ hardLinkTo }) => hardLinkTo === undefined);
    const files = first.filter(({ kind }) => kind === "file");
    assert.deepEqual(reader.totals(), {
      inodes: first.length,
      fileBytes: files.reduce((sum, { size }) => sum + size, 0),
    });
    for (const file of files) assert.deepEqual(reader.extentsOf(file), reader.extents(file.ino));
    assert.deepEqual(new Set(reader.linkCounts().keys()), reader.linkedInodes());
    assert.equal(reader.hasXattr(), reader.xattrOwners().size > 0);
    assert.equal(reader.hasXattr("user.nobody has it"), false);
  });

  Deno.test(`flist reader (${profile}): kinds, devices and links are as they were written`, () => {
    using folder = new TestFolder();
    writeSample(folder.file("a.fl"), profile);
    using reader = FlistReader.open(folder.file("a.fl"));
    const entries = new Map([...reader.children(2)].map((inode) => [inode.name, inode]));
    assert.equal(entries.get("block")!.kind, "block-device");
    assert.equal(entries.get("block")!.rdev, 0x811);
    assert.equal(entries.get("character")!.rdev, 0x103);
    assert.equal(entries.get("fifo")!.kind, "fifo");
    assert.equal(entries.get("socket")!.kind, "socket");
    assert.equal(entries.get("link")!.linkTarget, "../few");
    assert.equal(entries.get("link")!.size, 6);
    const root = reader.inode(1)!;
    assert.deepEqual([root.name, root.parent, root.kind], ["", 0, "directory"]);
  });

  Deno.test(`flist reader (${profile}): a directory of many entries is sorted by bytes`, () => {
    using folder = new TestFolder();
    const names = ["\u{1f600}", "\uffee", "é", "z", "a", "Z"];
    for (let i = 0; i < 9000; i++) names.push(`n${(i * 7919) % 9000}`);
    const encoder = new TextEncoder();
    const sorted = names.toSorted((left, right) =>
      compare(encoder.encode(left), encoder.encode(right))
    );
    writeFlist(folder.file("a.fl"), profile, (writer) => {
      // One profile wants them in order, the other takes them in any.
      for (const name of profile === "myfs" ? sorted : names) writer.addInode(fileRecord(name, 0));
    });
    using reader = FlistReader.open(folder.file("a.fl"));
    for (const name of sorted) assert.equal(reader.child(1, name)?.name, name);
    for (const name of sorted) assert.equal(reader.child(1, `${name}!`), undefined);
    assert.deepEqual([...reader.children(1)].map(({ name }) => name), sorted);
    assert.equal([...reader.inodes()].length, names.length + 1);
  });

  Deno.test(`flist reader (${profile}): readings run side by side and may be left early`, () => {
    using folder = new TestFolder();
    writeFlist(folder.file("a.fl"), profile, (writer) => {
      for (let i = 0; i < 3000; i++) writer.addInode(fileRecord(`f${i + 1000}`, 0));
    });
    using reader = FlistReader.open(folder.file("a.fl"));
    let pairs = 0;
    const second = reader.inodes()[Symbol.iterator]();
    for (const inode of reader.inodes()) {
      assert.equal(second.next().value!.ino, inode.ino);
      if (inode.ino % 500 === 0) {
        for (const child of reader.children(1)) {
          assert.equal(child.parent, 1);
          break;
        }
      }
      pairs++;
    }
    assert.equal(pairs, 3001);
  });

  Deno.test(`flist reader (${profile}): extents by chunk are all extents, ordered by chunk`, () => {
    using folder = new TestFolder();
    writeSample(folder.file("a.fl"), profile);
    using reader = FlistReader.open(folder.file("a.fl"));
    const byChunk = [...reader.extentsByChunk()];
    const byFile = [...reader.inodes()].filter((inode) => inode.hardLinkTo === undefined)
      .flatMap(({ ino }) => reader.extents(ino).map((extent) => ({ ino, ...extent })));
    assert.equal(byChunk.length, byFile.length);
    assert.equal(reader.counts().extents, byFile.length);
    for (const extent of byFile) {
      assert.ok(
        byChunk.some((other) => JSON.stringify(sorted(other)) === JSON.stringify(sorted(extent))),
      );
    }
    for (let i = 1; i < byChunk.length; i++) {
      const [before, after] = [byChunk[i - 1]!, byChunk[i]!];
      assert.ok(
        before.chunk < after.chunk || (before.chunk === after.chunk && before.ino <= after.ino),
      );
    }
  });

  Deno.test(`flist reader (${profile}): chunk and chunks give the same blocks`, () => {
    using folder = new TestFolder();
    writeSample(folder.file("a.fl"), profile);
    using reader = FlistReader.open(folder.file("a.fl"));
    const sizes = [];
    for (const { chunk, ref } of reader.chunks()) {
      const alone = reader.chunk(chunk);
      assert.deepEqual([alone.id, alone.size, alone.storedSize], [
        ref.id,
        ref.size,
        ref.storedSize,
      ]);
      assert.ok(alone.key.equals(ref.key));
      sizes.push(ref.size);
    }
    const first = profile === "myfs" ? 4096 : 100;
    assert.deepEqual(sizes, [first, 524_288, 524_288, 51_424]);
    assert.equal(reader.counts().chunks, 4);
    assert.equal(reader.chunk(1).storedSize, profile === "myfs" ? 2048 : undefined);
    assert.throws(() => reader.chunk(5), FlistFormatError);
  });

  Deno.test(`flist reader (${profile}): says so when it is used after it was closed`, () => {
    using folder = new TestFolder();
    writeSample(folder.file("a.fl"), profile);
    const reader = FlistReader.open(folder.file("a.fl"));
    reader[Symbol.dispose]();
    reader[Symbol.dispose]();
    assert.throws(() => reader.inode(1), TypeError);
  });

  Deno.test(`flist reader (${profile}): leaves no file beside the flist and does not change it`, () => {
    using folder = new TestFolder();
    const path = folder.file("a.fl");
    writeSample(path, profile);
    const before = Deno.readFileSync(path);
    Deno.chmodSync(path, 0o400);
    {
      using reader = FlistReader.open(path);
      reader.validate();
      assert.deepEqual(folder.names(), ["a.fl"]);
    }
    assert.deepEqual(Deno.readFileSync(path), before);
  });
}

Deno.test("flist reader (myfs): a further name has the content and attributes of the first", () => {
  using folder = new TestFolder();
  const path = folder.file("a.fl");
  writeFlist(path, "myfs", (writer) => {
    const xattrs = new Map([["user.a", new Uint8Array([1])]]);
    const first = writer.addInode(fileRecord("first", 10, { xattrs }));
    writer.addInode(fileRecord("second", 10, { hardLinkTo: first }));
    const chunk = writer.addChunk(blockRef(1, 10));
    writer.addExtent(first, { fileOffset: 0, chunk, chunkOffset: 0, length: 10 });
    writer.setDigest(first, new Uint8Array(32).fill(3));
    const link = writer.addInode({ parent: 1, name: "t1", linkTarget: "x", ...metadata(0o120777) });
    writer.addInode({ parent: 1, name: "t2", hardLinkTo: link, ...metadata(0o120777) });
  });
  using reader = FlistReader.open(path);
  const [first, second] = ["first", "second"].map((name) => reader.child(1, name)!);
  assert.equal(second!.hardLinkTo, first!.ino);
  assert.equal(first!.hardLinkTo, undefined);
  assert.deepEqual(reader.extents(second!.ino), reader.extents(first!.ino));
  assert.deepEqual(reader.digest(second!.ino), new Uint8Array(32).fill(3));
  assert.deepEqual([...reader.xattrs(second!.ino).keys()], ["user.a"]);
  assert.deepEqual([...reader.xattrOwners()], [first!.ino]);
  assert.deepEqual([...reader.digests()].map(({ ino }) => ino), [first!.ino]);
  assert.equal(reader.child(1, "t2")!.linkTarget, "x");
  assert.equal(reader.child(1, "t2")!.size, 1);
  assert.equal([...reader.inodes()].at(-1)!.linkTarget, "x");
  assert.equal(reader.counts().hardLinks, 2);
  assert.deepEqual([...reader.linkCounts().values()], [2, 2]);
  assert.equal(reader.linkCounts().get(first!.ino), 2);
  assert.equal(reader.hasXattr("user.a"), true);
  assert.equal(reader.totals().fileBytes, 10);
});

Deno.test("flist reader (myfs): names of all lengths and bytes come back", () => {
  using folder = new TestFolder();
  const path = folder.file("a.fl");
  const names = [
    "a".repeat(255),
    "é".repeat(127),
    "\ufffd",
    "\ufeffmark",
    "a\udc80\udcffb",
    "\udced\udca0\udc80",
    "\n\t\x7f",
    "😀".repeat(63),
    "valid é then \udcc3",
  ].sort(compareByteStrings);
  writeFlist(path, "myfs", (writer) => {
    for (const name of names) writer.addInode(fileRecord(name, 0));
  });
  using reader = FlistReader.open(path);
  reader.validate();
  assert.deepEqual([...reader.inodes()].slice(1).map(({ name }) => name), names);
  for (const name of names) assert.equal(reader.child(1, name)!.name, name);
  assert.deepEqual([...reader.children(1)].map(({ name }) => name), names);
});

Deno.test("flist reader (rfs): an incomplete file is told, and reading it fails by name", () => {
  using folder = new TestFolder();
  const path = folder.file("a.fl");
  writeSample(path, "rfs");
  dropLastBlock(path);
  using reader = FlistReader.open(path);
  const large = reader.child(1, "large é")!;
  assert.deepEqual([...reader.incompleteFiles()], [large.ino]);
  assert.throws(() => reader.extents(large.ino), /"large é": it has fewer blocks than the 3/);
  assert.throws(() => reader.validate(), /"large é": its content is cut short/);
  reader.validate({ allowIncomplete: true });
});

Deno.test("flist reader: a file that is missing, a directory or unreadable is told apart", () => {
  using folder = new TestFolder();
  assert.throws(() => FlistReader.open(folder.file("none.fl")), FlistNotFoundError);
  assert.throws(() => FlistReader.open(folder.path), (error: Error) => {
    assert.ok(error instanceof FlistFormatError);
    assert.match(error.message, /it is a directory/);
    return true;
  });
  assert.throws(() => FlistReader.open(folder.file("none.fl/a.fl")), (error: Error) => {
    return error instanceof FlistNotFoundError || error instanceof SystemError;
  });
});

function compare(left: Uint8Array, right: Uint8Array): number {
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] !== right[i]) return left[i]! - right[i]!;
  }
  return left.length - right.length;
}

function sorted(record: object): [string, unknown][] {
  return Object.entries(record).sort();
}

function dropLastBlock(path: string): void {
  using database = new DatabaseSync(path);
  database.exec("DELETE FROM block WHERE rowid = (SELECT max(rowid) FROM block)");
}
