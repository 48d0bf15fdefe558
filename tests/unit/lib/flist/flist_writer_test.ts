/**
 * Goal: what is written is what was said, the same every time, under its own name only when it is
 * whole; and what a flist cannot hold is refused at once. Method: small flists in both profiles,
 * read back by the reader; failures of the disk by file size limits in a child process.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { SystemError, UnsupportedError } from "../../../../lib/base/errors.ts";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { FlistWriter } from "../../../../lib/flist/flist_writer.ts";
import {
  blockRef,
  BOTH,
  dumpOf,
  fileRecord,
  fillSample,
  metadata,
  ROOT,
  TestFolder,
  writeFlist,
  writeSample,
} from "./flist_samples.ts";

for (const profile of BOTH) {
  Deno.test(`flist writer (${profile}): what it writes is valid and reads back`, () => {
    using folder = new TestFolder();
    const path = folder.file("a.fl");
    writeSample(path, profile);
    using reader = FlistReader.open(path);
    reader.validate();
    assert.equal(reader.profile, profile);
    const names = [...reader.children(1)].map((inode) => inode.name);
    assert.deepEqual(names, ["directory", "few", "large é", "nothing"]);
    const large = reader.child(1, "large é")!;
    assert.deepEqual(
      reader.extents(large.ino).map(({ fileOffset, length }) => [fileOffset, length]),
      [
        [0, 524_288],
        [524_288, 524_288],
        [1_048_576, 51_424],
      ],
    );
    assert.equal(large.uid, 1000);
    assert.equal(large.gid, 100);
    assert.deepEqual(Object.fromEntries(reader.tags()), {
      version: "1.0",
      description: "a sample\nof two lines",
    });
    assert.deepEqual(reader.routes(), [
      { start: 0, end: 127, url: "dir:///tmp/a" },
      { start: 0, end: 255, url: "http://127.0.0.1/b" },
    ]);
  });

  Deno.test(`flist writer (${profile}): the same calls give the same bytes`, () => {
    using folder = new TestFolder();
    const files = ["a.fl", "b.fl"].map((name) => {
      writeSample(folder.file(name), profile);
      return Deno.readFileSync(folder.file(name));
    });
    assert.deepEqual(files[0], files[1]);
  });

  Deno.test(`flist writer (${profile}): nothing has its name before finish, nothing is left after dispose`, () => {
    using folder = new TestFolder();
    const path = folder.file("a.fl");
    {
      using writer = FlistWriter.create(path, { profile });
      fillSample(writer);
      assert.deepEqual(folder.names().filter((name) => name === "a.fl"), []);
      assert.equal(folder.names().length, 1);
    }
    assert.deepEqual(folder.names(), []);
    writeSample(path, profile);
    assert.deepEqual(folder.names(), ["a.fl"]);
  });

  Deno.test(`flist writer (${profile}): the old flist stays when the new one is discarded`, () => {
    using folder = new TestFolder();
    const path = folder.file("a.fl");
    writeSample(path, profile);
    const before = Deno.readFileSync(path);
    {
      using writer = FlistWriter.create(path, { profile });
      writer.addInode(ROOT);
    }
    assert.deepEqual(Deno.readFileSync(path), before);
    writeFlist(path, profile);
    assert.equal(dumpOf(path).length, 2);
  });

  Deno.test(`flist writer (${profile}): a removed file leaves nothing, with all its names`, () => {
    using folder = new TestFolder();
    const path = folder.file("a.fl");
    writeFlist(path, profile, (writer) => {
      const other = writer.addInode(fileRecord("other", 50));
      const gone = writer.addInode(fileRecord("unreadable", 100, { xattrs: new Map() }));
      const link = writer.addInode(fileRecord("unreadable too", 100, { hardLinkTo: gone }));
      for (const [ino, size] of [[gone, 100], [other, 50]] as const) {
        const chunk = writer.addChunk(blockRef(ino, size));
        writer.addExtent(ino, { fileOffset: 0, chunk, chunkOffset: 0, length: size });
      }
      writer.setDigest(gone, new Uint8Array(32).fill(0xab));
      assert.deepEqual(writer.removeInode(gone), [gone, link]);
      assert.throws(() => writer.removeInode(gone), RangeError);
      assert.throws(() =>
        writer.addExtent(gone, {
          fileOffset: 100,
          chunk: 1,
          chunkOffset: 0,
          length: 1,
        }), RangeError);
    });
    using reader = FlistReader.open(path);
    reader.validate();
    assert.deepEqual([...reader.children(1)].map((inode) => inode.name), ["other"]);
    const { inodes, chunks, extents, digests, hardLinks } = reader.counts();
    assert.deepEqual([inodes, chunks, extents, digests, hardLinks], [2, 1, 1, 0, 0]);
    assert.ok(!containsText(Deno.readFileSync(path), "unreadable"));
  });

  Deno.test(`flist writer (${profile}): a file that changed while it was read gets its new metadata, and so do its other names`, () => {
    using folder = new TestFolder();
    const path = folder.file("a.fl");
    writeFlist(path, profile, (writer) => {
      const file = writer.addInode(fileRecord("a", 100));
      writer.addInode(fileRecord("b", 100, { hardLinkTo: file }));
      const chunk = writer.addChunk(blockRef(1, 150));
      writer.addExtent(file, { fileOffset: 0, chunk, chunkOffset: 0, length: 150 });
      writer.updateMetadata(file, metadata(0o100600, { size: 150, mtime: 7 }));
      assert.throws(() => writer.updateMetadata(file, metadata(0o40755)), RangeError);
    });
    using reader = FlistReader.open(path);
    reader.validate();
    for (const name of ["a", "b"]) {
      const { ino, size, mode, mtime } = reader.child(1, name)!;
      assert.deepEqual([size, mode, mtime], [150, 0o100600, 7]);
      assert.equal(reader.extents(ino)[0]!.length, 150);
    }
  });

  Deno.test(`flist writer (${profile}): refuses entries that no tree can have`, () => {
    using folder = new TestFolder();
    using writer = FlistWriter.create(folder.file("a.fl"), { profile });
    assert.throws(() => writer.addInode(fileRecord("a", 0)), /the root comes first/);
    assert.throws(() => writer.addInode({ ...ROOT, mode: 0o100644 }), /the root is a directory/);
    writer.addInode(ROOT);
    const file = writer.addInode(fileRecord("file", 0));
    const refused: [Parameters<FlistWriter["addInode"]>[0], RegExp][] = [
      [fileRecord("", 0), /name is empty/],
      [fileRecord(".", 0), /name is "\."/],
      [fileRecord("..", 0), /name is "\.\."/],
      [fileRecord("a/b", 0), /holds "\/"/],
      [fileRecord("a\0b", 0), /NUL/],
      [fileRecord("é".repeat(128), 0), /256 bytes/],
      [fileRecord("a", 0, { parent: file }), /inode 2 is not a directory/],
      [fileRecord("a", 0, { parent: 9 }), /inode 9 is not a directory/],
      [fileRecord("a", -1), /size -1/],
      [fileRecord("a", 1.5), /size 1.5/],
      [fileRecord("a", 2 ** 53), /size 9007199254740992/],
      [fileRecord("a", 0, { mode: 0o644 }), /mode 420/],
      [fileRecord("a", 0, { mode: 0o1100644 }), /mode/],
      [fileRecord("a", 0, { uid: -1 }), /owner/],
      [fileRecord("a", 0, { gid: 2 ** 32 }), /group/],
      [fileRecord("a", 0, { mtime: NaN }), /mtime/],
      [fileRecord("a", 0, { mtimeNsec: 1e9 }), /nanoseconds/],
      [fileRecord("a", 0, { linkTarget: "b" }), /no symbolic link/],
      [fileRecord("a", 0, { mode: 0o120777 }), /needs a target/],
      [fileRecord("a", 0, { mode: 0o120777, linkTarget: "" }), /target is empty/],
      [fileRecord("a", 0, { mode: 0o120777, linkTarget: "a\0" }), /NUL/],
      [fileRecord("a", 0, { mode: 0o120777, linkTarget: "a".repeat(4096) }), /4096 bytes/],
      [fileRecord("a", 0, { hardLinkTo: 1 }), /another name of inode 1/],
      [fileRecord("a", 0, { hardLinkTo: 77 }), /another name of inode 77/],
      [fileRecord("a", 0, { xattrs: new Map([["", new Uint8Array()]]) }), /without a name/],
      [fileRecord("a", 0, { xattrs: new Map([["user.a", new Uint8Array(65537)]]) }), /65537/],
    ];
    for (const [record, message] of refused) {
      assert.throws(() => writer.addInode(record), (error: Error) => {
        assert.ok(error instanceof RangeError, `${error}`);
        assert.match(error.message, message);
        return true;
      });
    }
    writer.finish();
    assert.equal(dumpOf(folder.file("a.fl")).length, 3);
  });

  Deno.test(`flist writer (${profile}): refuses extents that do not fit`, () => {
    using folder = new TestFolder();
    using writer = FlistWriter.create(folder.file("a.fl"), { profile });
    const root = writer.addInode(ROOT);
    const file = writer.addInode(fileRecord("a", 100));
    const chunk = writer.addChunk(blockRef(1, 100));
    const good = { fileOffset: 0, chunk, chunkOffset: 0, length: 100 };
    assert.throws(() => writer.addExtent(root, good), /not a file/);
    assert.throws(() => writer.addExtent(99, good), /there is none/);
    assert.throws(() => writer.addExtent(file, { ...good, chunk: 2 }), /no chunk 2/);
    assert.throws(() => writer.addExtent(file, { ...good, chunk: 0 }), /no chunk 0/);
    assert.throws(() => writer.addExtent(file, { ...good, length: 0 }), /not an extent/);
    assert.throws(() => writer.addExtent(file, { ...good, chunkOffset: 1 }), /ends at 101/);
    writer.addExtent(file, good);
    assert.throws(() => writer.addExtent(file, good), /extent before ends at 100/);
    assert.throws(() => writer.addChunk(blockRef(2, 0)), RangeError);
    assert.throws(() => writer.addChunk(blockRef(2, 16 * 1024 * 1024 + 1)), RangeError);
    assert.throws(() => writer.setDigest(file, new Uint8Array(31)), /31 bytes/);
    assert.throws(() => writer.setDigest(root, new Uint8Array(32)), /not a file/);
  });

  Deno.test(`flist writer (${profile}): finish refuses content that is longer than its file`, () => {
    using folder = new TestFolder();
    assert.throws(
      () =>
        writeFlist(folder.file("a.fl"), profile, (writer) => {
          const file = writer.addInode(fileRecord("a", 99));
          const chunk = writer.addChunk(blockRef(1, 100));
          writer.addExtent(file, { fileOffset: 0, chunk, chunkOffset: 0, length: 100 });
        }),
      /inode 2: its extents cover 100 bytes up to 100, its size is 99/,
    );
    assert.deepEqual(folder.names(), []);
  });

  Deno.test(`flist writer (${profile}): refuses a directory that has a name twice`, () => {
    using folder = new TestFolder();
    assert.throws(
      () =>
        writeFlist(folder.file("a.fl"), profile, (writer) => {
          writer.addInode(fileRecord("same\n", 0));
          writer.addInode(fileRecord("same\n", 0));
        }),
      profile === "myfs"
        ? /Cannot add "same\\x0a" to the flist: directory 1 has an entry of that name/
        : /directory 1 has two entries named "same\\x0a"/,
    );
    assert.deepEqual(folder.names(), []);
  });

  Deno.test(`flist writer (${profile}): refuses tags and routes that are not text or not allowed`, () => {
    using folder = new TestFolder();
    using writer = FlistWriter.create(folder.file("a.fl"), { profile });
    for (const key of ["", "a\0", "\ud800", "myfs.format", "myfs.other"]) {
      assert.throws(() => writer.setTag(key, "x"), RangeError);
    }
    assert.throws(() => writer.setTag("a", "\0"), RangeError);
    assert.throws(() => writer.setTag("a", "x".repeat(65537)), RangeError);
    writer.setTag("a key longer than ten letters", "x".repeat(65536));
    for (const route of [{ start: 2, end: 1 }, { start: -1, end: 0 }, { start: 0, end: 256 }]) {
      assert.throws(() => writer.addRoute({ ...route, url: "dir:///x" }), RangeError);
    }
    assert.throws(() => writer.addRoute({ start: 0, end: 255, url: "" }), RangeError);
  });

  Deno.test(`flist writer (${profile}): says so when it is used after finish`, () => {
    using folder = new TestFolder();
    using writer = FlistWriter.create(folder.file("a.fl"), { profile });
    writer.addInode(ROOT);
    writer.finish();
    assert.throws(() => writer.addInode(fileRecord("a", 0)), TypeError);
    assert.throws(() => writer.finish(), TypeError);
  });
}

Deno.test("flist writer (myfs): refuses entries that do not come in the order of names, directory by directory", () => {
  using folder = new TestFolder();
  using writer = FlistWriter.create(folder.file("a.fl"), { profile: "myfs" });
  writer.addInode(ROOT);
  const first = writer.addInode({ parent: 1, name: "b", ...metadata(0o40755) });
  const second = writer.addInode({ parent: 1, name: "c", ...metadata(0o40755) });
  assert.throws(() => writer.addInode(fileRecord("a", 0)), (error: Error) => {
    return error instanceof TypeError &&
      /names are not in the order of their bytes/.test(error.message);
  });
  writer.addInode(fileRecord("x", 0, { parent: second }));
  assert.throws(() => writer.addInode(fileRecord("z", 0)), (error: Error) => {
    return error instanceof TypeError &&
      /those of directory 3 have begun since/.test(error.message);
  });
  // Directories may come in any order, and what was refused left nothing.
  writer.addInode(fileRecord("x", 0, { parent: first }));
  assert.throws(() => writer.addInode(fileRecord("y", 0, { parent: second })), TypeError);
  writer.finish();
  using reader = FlistReader.open(folder.file("a.fl"));
  reader.validate();
  assert.deepEqual([...reader.inodes()].map(({ name }) => name), ["", "b", "c", "x", "x"]);
});

Deno.test("flist writer (myfs): the place of content is the same whether it is told before the digest, after it, or in between", () => {
  using folder = new TestFolder();
  const files = [[0, 1, 2, 3], [1, 0, 3, 2], [0, 2, 1, 3], [2, 3, 1, 0]].map((order, index) => {
    const path = folder.file(`${index}.fl`);
    writeFlist(path, "myfs", (writer) => {
      const [a, b] = ["a", "b"].map((name) => writer.addInode(fileRecord(name, 10)));
      const chunk = writer.addChunk(blockRef(1, 20));
      const calls = [
        () => writer.addExtent(a!, { fileOffset: 0, chunk, chunkOffset: 0, length: 10 }),
        () => writer.setDigest(a!, new Uint8Array(32).fill(1)),
        () => writer.addExtent(b!, { fileOffset: 0, chunk, chunkOffset: 10, length: 10 }),
        () => writer.setDigest(b!, new Uint8Array(32).fill(2)),
      ];
      for (const call of order) calls[call]!();
    });
    using reader = FlistReader.open(path);
    reader.validate();
    return { lines: dumpOf(path), pieces: rowCount(path, "extent") };
  });
  for (const file of files) assert.deepEqual(file, files[0]);
  assert.equal(files[0]!.pieces, 0);
});

Deno.test("flist writer (myfs): content is where its file's last size says", () => {
  const chunkSize = 150;
  // Size when the file is added, length of its extent, size in the end, whether it is one piece.
  const cases = [[100, 100, 100, true], [150, 100, 100, true], [100, 100, 150, false], [
    200,
    100,
    150,
    false,
  ]] as const;
  for (const [before, length, after, isWhole] of cases) {
    using folder = new TestFolder();
    const path = folder.file("a.fl");
    writeFlist(path, "myfs", (writer) => {
      const file = writer.addInode(fileRecord("a", before));
      const chunk = writer.addChunk(blockRef(1, chunkSize));
      writer.addExtent(file, { fileOffset: 0, chunk, chunkOffset: 20, length });
      if (isWhole) writer.setDigest(file, new Uint8Array(32).fill(7));
      writer.updateMetadata(file, metadata(0o100600, { size: after }));
    });
    using reader = FlistReader.open(path);
    reader.validate();
    assert.deepEqual(reader.extents(2), [{ fileOffset: 0, chunk: 1, chunkOffset: 20, length }]);
    assert.deepEqual([...reader.extentsByChunk()].map(({ ino }) => ino), [2]);
    assert.deepEqual(reader.digest(2), isWhole ? new Uint8Array(32).fill(7) : undefined);
    assert.equal(rowCount(path, "extent"), isWhole ? 0 : 1);
    assert.equal(rowCount(path, "content"), isWhole ? 1 : 0);
    assert.deepEqual([reader.counts().extents, reader.counts().digests], [1, isWhole ? 1 : 0]);
  }
});

Deno.test("flist writer (myfs): the last digest that is set for a file is the one it has", () => {
  using folder = new TestFolder();
  const path = folder.file("a.fl");
  writeFlist(path, "myfs", (writer) => {
    const [a, b] = ["a", "b"].map((name) => writer.addInode(fileRecord(name, 0)));
    const digest = new Uint8Array(32);
    for (const ino of [a!, b!, a!]) {
      writer.setDigest(ino, digest.fill(digest[0]! + 1));
    }
  });
  using reader = FlistReader.open(path);
  reader.validate();
  assert.deepEqual([...reader.digests()].map(({ digest }) => digest[0]), [3, 2]);
});

Deno.test("flist writer: a tag that is set twice has its last value", () => {
  using folder = new TestFolder();
  const path = folder.file("a.fl");
  writeFlist(path, "myfs", (writer) => {
    writer.setTag("a", "1");
    writer.setTag("a", "2");
  });
  using reader = FlistReader.open(path);
  assert.deepEqual([...reader.tags()], [["a", "2"]]);
});

Deno.test("flist writer (rfs): refuses names that are not UTF-8, by name", () => {
  using folder = new TestFolder();
  using writer = FlistWriter.create(folder.file("a.fl"), { profile: "rfs" });
  writer.addInode(ROOT);
  assert.throws(() => writer.addInode(fileRecord("a\udcff", 0)), (error: Error) => {
    assert.ok(error instanceof UnsupportedError);
    assert.match(error.message, /"a\\xff"/);
    return true;
  });
});

Deno.test("flist writer (rfs): refuses holes and pieces of other sizes", () => {
  using folder = new TestFolder();
  using writer = FlistWriter.create(folder.file("a.fl"), { profile: "rfs" });
  writer.addInode(ROOT);
  const file = writer.addInode(fileRecord("a", 2_000_000));
  const whole = writer.addChunk(blockRef(1, 524_288));
  const half = writer.addChunk(blockRef(2, 262_144));
  const at = (fileOffset: number, chunk: number, chunkOffset: number, length: number) => () =>
    writer.addExtent(file, { fileOffset, chunk, chunkOffset, length });
  assert.throws(() => writer.addChunk(blockRef(3, 524_289)), /more than 524288/);
  assert.throws(at(524_288, whole, 0, 524_288), RangeError);
  assert.throws(at(0, whole, 0, 262_144), RangeError);
  at(0, half, 0, 262_144)();
  assert.throws(at(262_144, half, 0, 262_144), RangeError);
  assert.throws(() => writer.finish(), /the rfs profile has no holes/);
});

Deno.test("flist writer (rfs): hard links become copies, symbolic ones too", () => {
  using folder = new TestFolder();
  const path = folder.file("a.fl");
  writeFlist(path, "rfs", (writer) => {
    const file = writer.addInode(fileRecord("a", 600_000));
    const symlink = writer.addInode({
      parent: 1,
      name: "l",
      linkTarget: "a",
      ...metadata(0o120777),
    });
    writer.addInode(fileRecord("b", 600_000, { hardLinkTo: file }));
    writer.addInode({ parent: 1, name: "m", hardLinkTo: symlink, ...metadata(0o120777) });
    for (const [fileOffset, length] of [[0, 524_288], [524_288, 75_712]] as const) {
      const chunk = writer.addChunk(blockRef(fileOffset === 0 ? 1 : 2, length));
      writer.addExtent(file, { fileOffset, chunk, chunkOffset: 0, length });
    }
  });
  using reader = FlistReader.open(path);
  reader.validate();
  const blocks = (name: string) =>
    reader.extents(reader.child(1, name)!.ino).map(({ chunk }) => reader.chunk(chunk).id);
  assert.equal(blocks("b").length, 2);
  assert.deepEqual(blocks("b"), blocks("a"));
  assert.equal(reader.child(1, "m")!.linkTarget, "a");
  assert.equal(reader.child(1, "m")!.hardLinkTo, undefined);
});

Deno.test("flist writer (rfs): rows are as rfs expects them, with integers and blobs", () => {
  using folder = new TestFolder();
  const path = folder.file("a.fl");
  writeSample(path, "rfs");
  using database = openPlain(path);
  const types = (table: string, columns: string[]) =>
    Object.values(
      database.prepare(
        `SELECT ${
          columns.map((column) => `group_concat(DISTINCT typeof(${column}))`)
        } FROM ${table}`,
      ).get()!,
    ).join();
  assert.equal(
    types("inode", ["ino", "parent", "size", "uid", "gid", "mode", "rdev", "ctime", "mtime"]),
    Array(9).fill("integer").join(),
  );
  assert.equal(types("inode", ["name"]), "text");
  assert.equal(types("extra", ["data"]), "blob");
  assert.equal(types("block", ["ino", "id", "key"]), "integer,blob,blob");
  assert.equal(types("route", ["start", "end", "url"]), "integer,integer,text");
  assert.equal(database.prepare("SELECT name FROM inode WHERE ino = 1").get()!.name, "/");
  assert.equal(
    database.prepare("SELECT count(*) AS n FROM inode WHERE ctime <> mtime").get()!.n,
    0,
  );
  assert.equal(
    database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'inode'").get()!.seq,
    database.prepare("SELECT count(*) AS n FROM inode").get()!.n,
  );
});

Deno.test("flist writer (myfs): numbers up to 2^53 - 1 and times before 1970 are exact", () => {
  using folder = new TestFolder();
  const path = folder.file("a.fl");
  const record = fileRecord("a", Number.MAX_SAFE_INTEGER, {
    mtime: -Number.MAX_SAFE_INTEGER,
    mtimeNsec: 999_999_999,
    uid: 4_294_967_295,
  });
  writeFlist(path, "myfs", (writer) => {
    writer.addInode(record);
  });
  using reader = FlistReader.open(path);
  reader.validate();
  const { size, mtime, mtimeNsec, uid } = reader.child(1, "a")!;
  assert.deepEqual({ size, mtime, mtimeNsec, uid }, {
    size: record.size,
    mtime: record.mtime,
    mtimeNsec: record.mtimeNsec,
    uid: record.uid,
  });
});

Deno.test("flist writer (myfs): finish refuses a digest of a file with holes", () => {
  using folder = new TestFolder();
  assert.throws(
    () =>
      writeFlist(folder.file("a.fl"), "myfs", (writer) => {
        writer.setDigest(writer.addInode(fileRecord("a", 10)), new Uint8Array(32));
      }),
    /a file with holes has no digest/,
  );
});

Deno.test("flist writer: a directory that is missing, or in the way, is a system error that names the flist", () => {
  using folder = new TestFolder();
  for (const [path, errno] of [[folder.file("none/a.fl"), "ENOENT"], [folder.path, "EISDIR"]]) {
    assert.throws(() => FlistWriter.create(path!, { profile: "myfs" }), (error: Error) => {
      assert.ok(error instanceof SystemError);
      assert.equal(error.errno, errno);
      assert.ok(error.message.includes(path!));
      return true;
    });
  }
});

Deno.test("flist writer: a disk that takes no more is a system error, and nothing is left", async () => {
  using folder = new TestFolder();
  const path = folder.file("a.fl");
  // A limit of 64 KiB a file, with its signal ignored, makes writing fail as a full disk does.
  const child = await new Deno.Command("sh", {
    args: [
      "-c",
      `trap "" XFSZ; ulimit -f 64; exec "$0" run -A "$1" "$2"`,
      Deno.execPath(),
      new URL("./full_disk_writer.ts", import.meta.url).pathname,
      path,
    ],
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder().decode(child.stdout);
  assert.match(
    text,
    /^SystemError E(IO|NOSPC|FBIG) Cannot write/,
    new TextDecoder().decode(child.stderr),
  );
  assert.ok(text.includes(path));
  assert.deepEqual(folder.names(), []);
});

function rowCount(path: string, table: string): unknown {
  using database = openPlain(path);
  return database.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n;
}

function openPlain(path: string): DatabaseSync & Disposable {
  return new DatabaseSync(path, { readOnly: true });
}

function containsText(bytes: Uint8Array, text: string): boolean {
  return new TextDecoder("latin1").decode(bytes).includes(text);
}
