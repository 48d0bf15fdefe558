/** Goal: every form of entry is understood, and what is wrong is a typed error at once. */

import assert from "node:assert/strict";
import {
  ArchiveFormatError,
  LimitExceededError,
  UnsafePathError,
} from "../../../../../lib/base/errors.ts";
import { concatBytes } from "../../../../../lib/base/bytes.ts";
import { normalPath, type TarEntry, TarReader } from "../../../../../lib/tree/tar/tar_reader.ts";
import { inPieces, makeEntry, makeTar, setField, TAR_END } from "../../../../helpers/tar_maker.ts";

type Read = TarEntry & { readonly text: string };

async function readAll(archive: Uint8Array, entriesMax = 1000, piece = 777): Promise<Read[]> {
  await using reader = new TarReader(inPieces(archive, piece), { name: "a.tar", entriesMax });
  const entries: Read[] = [];
  for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
    let text = "";
    await reader.readContent((offset, bytes) => {
      text += `${offset === text.length ? "" : `@${offset}:`}${new TextDecoder().decode(bytes)}`;
    });
    entries.push({ ...entry, text });
  }
  return entries;
}

const refuses = (archive: Uint8Array, expected: RegExp): Promise<void> =>
  assert.rejects(
    readAll(archive),
    (error) =>
      error instanceof ArchiveFormatError && error.code === "archive_format" &&
      expected.test(error.message),
  );

Deno.test("tar reader: entries of all kinds, however the stream is cut", async () => {
  const device = (header: Uint8Array): void => setField(header, 329, "0000010\x000000003\0");
  const archive = makeTar(
    { name: "./", type: "5", mode: 0o1777 },
    { name: "dir/", type: "5" },
    { name: "old dir/", type: "\0" },
    { name: "file", content: "hello", mode: 0o4755, uid: 7, gid: 8 },
    { name: "cont", type: "7", content: "c" },
    { name: "link", type: "2", link: "../any/where" },
    { name: "hard", type: "1", link: "./file", size: 5 },
    { name: "char", type: "3", edit: device },
    { name: "block", type: "4", edit: device },
    { name: "fifo", type: "6" },
    { name: "/abs//x/./y", content: "x" },
  );
  for (const piece of [1, 511, 512, 513, 100_000]) {
    const entries = await readAll(archive, 100, piece);
    assert.deepEqual(
      entries.map(({ path, kind, text }) => `${path}|${kind}|${text}`),
      [
        "|directory|",
        "dir|directory|",
        "old dir|directory|",
        "file|file|hello",
        "cont|file|c",
        "link|symlink|",
        "hard|file|",
        "char|char-device|",
        "block|block-device|",
        "fifo|fifo|",
        "abs/x/y|file|x",
      ],
    );
    assert.equal(entries[0]!.mode, 0o041777);
    assert.deepEqual([entries[3]!.mode, entries[3]!.uid, entries[3]!.gid], [0o104755, 7, 8]);
    assert.equal(entries[5]!.linkTarget, "../any/where");
    assert.equal(entries[6]!.hardLinkTo, "file");
    assert.equal(entries[7]!.rdev, 8 * 256 + 3);
  }
});

Deno.test("tar reader: content that nobody asks for is passed over", async () => {
  const archive = makeTar({ name: "a", content: "a".repeat(5000) }, { name: "b", content: "b" });
  await using reader = new TarReader(inPieces(archive), { name: "a.tar", entriesMax: 9 });
  assert.equal((await reader.next())?.path, "a");
  assert.equal((await reader.next())?.path, "b");
  assert.equal(await reader.next(), undefined);
});

Deno.test("tar reader: GNU's long names and links", async () => {
  const long = `${"d".repeat(200)}/${"n".repeat(200)}`;
  const [entry] = await readAll(makeTar(
    { name: "././@LongLink", type: "K", content: `${long}\0` },
    { name: "././@LongLink", type: "L", content: `${long}2\0` },
    { name: "short", type: "2", link: "short" },
  ));
  assert.equal(entry!.path, `${long}2`);
  assert.equal(entry!.linkTarget, long);
});

Deno.test("tar reader: PAX headers, of one entry and of all that follow", async () => {
  const globals = makeEntry({
    name: "global",
    type: "g",
    content: "17 mtime=12.0005\n11 uid=999\n",
  });
  const [first, second] = await readAll(concatBytes([
    globals,
    makeTar(
      { name: "a", pax: { path: "path \xe4", mtime: "1.000000001", "SCHILY.xattr.user.x": "v" } },
      { name: "b", content: "0123456789", size: 0, pax: { size: "10", gid: "5" } },
    ),
  ]));
  assert.deepEqual([first!.path, first!.mtime, first!.mtimeNsec, first!.uid], [
    "path \xe4",
    1,
    1,
    999,
  ]);
  assert.deepEqual([...first!.xattrs!.keys()], ["user.x"]);
  assert.deepEqual([second!.mtime, second!.mtimeNsec, second!.text], [12, 500_000, "0123456789"]);
  assert.equal(second!.gid, 5);
});

Deno.test("tar reader: sparse files of all forms, of any size", async () => {
  const size = 2 ** 50;
  const at = size - 4;
  const gnu = (header: Uint8Array): void => {
    setField(header, 257, "ustar  \0");
    setField(header, 386, "00000000000\x0000000000003\0");
    header.set([0x80, 0, 0, 0, 0, 3, 255, 255, 255, 255, 255, 252], 410);
    setField(header, 422, "00000000004\0");
    header.set([0x80, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0], 483);
  };
  const map = `2\n0\n3\n${at}\n4\n`.padEnd(512, "\0");
  const entries = await readAll(makeTar(
    { name: "gnu", type: "S", content: "abcdefg", edit: gnu },
    {
      name: "x",
      content: "abcdefg",
      pax: {
        "GNU.sparse.map": `0,3,${at},4`,
        "GNU.sparse.size": `${size}`,
        "GNU.sparse.name": "pax 0.1",
      },
    },
    {
      name: "x",
      content: `${map}abcdefg`,
      pax: {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "pax 1.0",
        "GNU.sparse.realsize": `${size}`,
      },
    },
    { name: "after", content: "after" },
  ));
  for (const entry of entries.slice(0, 3)) {
    assert.deepEqual(
      [entry.size, entry.hasHoles, entry.text],
      [size, true, `abc@${at}:defg`],
      entry.path,
    );
  }
  assert.deepEqual(entries.map(({ path }) => path), ["gnu", "pax 0.1", "pax 1.0", "after"]);
});

Deno.test("tar reader: an old GNU map that goes on in further blocks", async () => {
  const regions = Array.from({ length: 30 }, (_, i) => i * 1024);
  const field = (value: number): string => `${value.toString(8).padStart(11, "0")}\0`;
  const header = makeEntry({
    name: "s",
    type: "S",
    size: 30,
    edit: (each) => {
      setField(each, 257, "ustar  \0");
      regions.slice(0, 4).forEach((offset, i) =>
        setField(each, 386 + 24 * i, field(offset) + field(1))
      );
      each[482] = 1;
      setField(each, 483, field(40_000));
    },
  });
  const extensions = [regions.slice(4, 25), regions.slice(25)].map((part, i) => {
    const block = new Uint8Array(512);
    part.forEach((offset, n) => setField(block, 24 * n, field(offset) + field(1)));
    block[504] = i === 0 ? 1 : 0;
    return block;
  });
  const data = new Uint8Array(512).fill(0x61, 0, 30);
  const [entry] = await readAll(concatBytes([header, ...extensions, data, TAR_END]));
  assert.equal(entry!.size, 40_000);
  assert.equal(entry!.text.match(/a/g)!.length, 30);
});

Deno.test("tar reader: sparse maps that lie are refused", async () => {
  const sparse = (map: string, size: string): Uint8Array =>
    makeTar({ name: "s", content: "abc", pax: { "GNU.sparse.map": map, "GNU.sparse.size": size } });
  await refuses(sparse("5,1,0,2", "10"), /not in order/);
  await refuses(sparse("0,3", "2"), /not in order/);
  await refuses(sparse("0,2", "10"), /does not fit/);
  const leading = (content: string): Uint8Array =>
    makeTar({
      name: "s",
      content,
      pax: { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9" },
    });
  await refuses(leading("99999999999\n".padEnd(512, "\0")), /runs of data/);
  await refuses(leading("x\n".padEnd(512, "\0")), /not of numbers/);
  await refuses(leading("300\n".padEnd(512, "1")), /not of numbers|does not fit/);
});

Deno.test("tar reader: unsafe paths are refused, and sizes that nothing can have", async () => {
  for (const name of ["../x", "a/../b", "..", "a/.."]) {
    await assert.rejects(readAll(makeTar({ name, content: "x" })), UnsafePathError, name);
  }
  await assert.rejects(readAll(makeTar({ name: "x", pax: { path: "a\0b" } })), UnsafePathError);
  await assert.rejects(
    readAll(makeTar({ name: "h", type: "1", link: "../../etc" })),
    UnsafePathError,
  );
  await assert.rejects(
    readAll(makeTar({ name: "n", pax: { path: "n".repeat(256) } })),
    UnsafePathError,
  );
  await refuses(makeTar({ name: "big", pax: { size: "9223372036854775807" } }), /size of/);
  await refuses(makeTar({ name: "who", pax: { uid: "4294967296" } }), /owner/);
  await refuses(makeTar({ name: "l", type: "2", link: "" }), /link target/);
  await refuses(
    makeTar({ name: "l", type: "2", pax: { linkpath: "t".repeat(4096) } }),
    /link target/,
  );
});

Deno.test("tar reader: a claimed size takes no memory, and the missing end is told", async () => {
  await refuses(makeTar({ name: "huge", pax: { size: "4503599627370496" } }), /ends early/);
  await refuses(makeTar({ name: "x", type: "x", size: 10 ** 9 }), /header of 1000000000 bytes/);
});

Deno.test("tar reader: damage is told", async () => {
  const good = makeTar({ name: "a", content: "abc" }, { name: "b", content: "b" });
  await refuses(new Uint8Array(0), /empty/);
  await refuses(new TextEncoder().encode("no archive".padEnd(2000, ".")), /no tar archive/);
  await refuses(good.subarray(0, 300), /too short to be a tar archive/);
  await refuses(good.subarray(0, 600), /ends early/);
  await refuses(good.subarray(0, 1200), /ends early/);
  const flipped = good.slice();
  flipped[1024]! ^= 1;
  await refuses(flipped, /checksum/);
  await refuses(
    concatBytes([makeEntry({ name: "a" }), new Uint8Array(512), good]),
    /zeros between/,
  );
  await refuses(makeTar({ name: "m", type: "M" }), /another volume/);
  await refuses(makeTar({ name: "m", type: "Z" }), /unknown type/);
  await refuses(makeEntry({ name: "x", type: "x", content: "9 path=a\n" }), /between two headers/);
  await refuses(
    makeTar(...Array.from({ length: 20 }, () => ({ name: "L", type: "L", content: "x" }))),
    /too many headers/,
  );
  await refuses(
    makeTar({ name: "x", type: "x", content: "99 path=a\n" }, { name: "y" }),
    /PAX record/,
  );
});

Deno.test("tar reader: what stands behind the end does not count", async () => {
  const entries = await readAll(
    concatBytes([makeTar({ name: "a" }), new Uint8Array(9999).fill(7)]),
  );
  assert.equal(entries.length, 1);
  // Some programs write no end.
  assert.equal((await readAll(makeEntry({ name: "a", content: "x" }))).length, 1);
});

Deno.test("tar reader: there is a limit to the number of entries", async () => {
  const archive = makeTar({ name: "a" }, { name: "b" }, { name: "c" });
  await assert.rejects(readAll(archive, 2), LimitExceededError);
  assert.equal((await readAll(archive, 3)).length, 3);
});

Deno.test("tar reader: paths count without what means nothing", () => {
  assert.equal(normalPath("a/b"), "a/b");
  assert.equal(normalPath("./a//b/./c/"), "a/b/c");
  assert.equal(normalPath("///"), "");
  assert.equal(normalPath("..."), "...");
  assert.equal(normalPath("a./.b"), "a./.b");
});
