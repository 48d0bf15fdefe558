/** Goal: an archive packs as the tree in it, the same each time, and bad ones leave nothing. */

import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import {
  ArchiveFormatError,
  LimitExceededError,
  SystemError,
  UnsafePathError,
} from "../../../../lib/base/errors.ts";
import { checkImage } from "../../../../lib/image/check.ts";
import { openImage } from "../../../../lib/image/image.ts";
import { packTar, type PackTarOptions, resolveLimits } from "../../../../lib/image/pack_tar.ts";
import { makeTar } from "../../../helpers/tar_maker.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { SeededRandom } from "../../../helpers/seeded_random.ts";

const LARGE = new SeededRandom(3).bytes(700_000);

function stream(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> {
  return new Blob([bytes]).stream();
}

function optionsIn(folder: TempFolder, name = "a"): PackTarOptions {
  return { meta: folder.file(`${name}.fl`), store: `dir://${folder.file("blocks")}`, jobs: 2 };
}

const ARCHIVE = makeTar(
  { name: "dir/", type: "5" },
  { name: "dir/a", content: "first" },
  { name: "dir/large", content: LARGE },
  { name: "dir/b", type: "1", link: "dir/a" },
  { name: "copy", content: "second" },
  { name: "dir/a", content: "second" },
  { name: "skip/me", content: "excluded" },
);

Deno.test("pack tar: later entries win, links keep their file, all content reads back", async () => {
  using folder = new TempFolder();
  for (const profile of ["myfs", "rfs"] as const) {
    const options = { ...optionsIn(folder, profile), profile, exclude: ["skip/"] };
    const report = await packTar(stream(ARCHIVE), options);
    assert.deepEqual([report.files, report.directories, report.failures], [4, 2, []]);
    assert.equal(report.contentBytes, LARGE.length + 17);
    await using image = await openImage(options.meta);
    const text = async (path: string): Promise<string> =>
      new TextDecoder().decode(await image.readFile(path));
    assert.equal(await text("dir/a"), "second");
    assert.equal(await text("dir/b"), "first");
    assert.equal(await text("copy"), "second");
    assert.deepEqual(await image.readFile("dir/large"), LARGE);
    assert.deepEqual((await checkImage(options.meta)).corrupt, []);
  }
});

Deno.test("pack tar: the same archive gives the same flist, however it is compressed and packed", async () => {
  using folder = new TempFolder();
  const flists: Uint8Array[] = [];
  let run = 0;
  for (const bytes of [ARCHIVE, gzipSync(ARCHIVE), zstdCompressSync(ARCHIVE)]) {
    for (const jobs of [1, 3]) {
      const options = { ...optionsIn(folder, `${run++}`), jobs };
      await packTar(stream(new Uint8Array(bytes)), options);
      flists.push(await Deno.readFile(options.meta));
    }
  }
  for (const flist of flists) assert.deepEqual(flist, flists[0]);
});

Deno.test("pack tar: what is no good archive is a typed error and leaves no flist", async () => {
  using folder = new TempFolder();
  const cases: [Uint8Array, new (...args: never[]) => Error][] = [
    [ARCHIVE.subarray(0, 400_000), ArchiveFormatError],
    [gzipSync(ARCHIVE).subarray(0, 400_000), ArchiveFormatError],
    [new TextEncoder().encode("hello"), ArchiveFormatError],
    [makeTar({ name: "../x", content: "x" }), UnsafePathError],
    [makeTar({ name: "a", type: "1", link: "b" }), ArchiveFormatError],
    [makeTar({ name: "a", content: "x" }, { name: "a/b", content: "x" }), ArchiveFormatError],
  ];
  for (const [bytes, Class] of cases) {
    await assert.rejects(packTar(stream(new Uint8Array(bytes)), optionsIn(folder)), Class);
  }
  const path = folder.file("no.tar");
  await assert.rejects(packTar(path, optionsIn(folder)), SystemError);
  const limits = { entriesMax: 2 };
  await assert.rejects(
    packTar(stream(ARCHIVE), { ...optionsIn(folder), limits }),
    LimitExceededError,
  );
  assert.deepEqual(folder.names().filter((name) => name.includes(".fl")), []);
});

Deno.test("pack tar: a petabyte of hole costs nothing", async () => {
  using folder = new TempFolder();
  const size = 2 ** 50;
  const archive = makeTar({
    name: "hole",
    content: "end",
    pax: { "GNU.sparse.map": `${size - 3},3`, "GNU.sparse.size": `${size}` },
  });
  const report = await packTar(stream(archive), optionsIn(folder));
  assert.equal(report.contentBytes, size);
  assert.ok(report.storedBytes < 1000);
  await assert.rejects(
    packTar(stream(archive), { ...optionsIn(folder), profile: "rfs" }),
    LimitExceededError,
  );
});

Deno.test("pack tar: an abort ends it", async () => {
  using folder = new TempFolder();
  const abort = new AbortController();
  const source = new ReadableStream<Uint8Array>({
    pull(controller): void {
      abort.abort(new Error("enough"));
      controller.enqueue(ARCHIVE.slice(0, 512));
    },
  });
  const options = { ...optionsIn(folder), signal: abort.signal };
  await assert.rejects(packTar(source, options), /enough/);
  assert.ok(!folder.names().includes("a.fl"));
});

Deno.test("pack tar: limits are positive", () => {
  assert.equal(resolveLimits({ entriesMax: 5 }).entriesMax, 5);
  assert.throws(() => resolveLimits({ ratioMax: 0 }), RangeError);
});
