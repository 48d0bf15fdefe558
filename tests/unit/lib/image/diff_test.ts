/** Goal: every difference is told by its right name, and equal things are told not at all. */

import assert from "node:assert/strict";
import type { FlistWriter, InodeRecord } from "../../../../lib/flist/flist_writer.ts";
import { diffImages, type ImageDiff } from "../../../../lib/image/diff.ts";
import { makeDevice } from "../../../../lib/tree/tree_entry.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import { blockRef, fileRecord, metadata, writeFlist } from "../flist/flist_samples.ts";

type Fill = (writer: FlistWriter) => void;

async function diff(left: Fill, right: Fill): Promise<ImageDiff> {
  using folder = new TempFolder();
  writeFlist(folder.file("left.fl"), "myfs", left);
  writeFlist(folder.file("right.fl"), "myfs", right);
  return await diffImages(folder.file("left.fl"), folder.file("right.fl"));
}

/** A flist with one entry called `e`. */
function one(mode: number, changes: Partial<InodeRecord> = {}): Fill {
  return (writer) => writer.addInode({ parent: 1, name: "e", ...metadata(mode), ...changes });
}

/** A flist with one file called `e` whose content is chunk number `seed`. */
function file(seed: number, size = 100, changes: Partial<InodeRecord> = {}, digest?: number): Fill {
  return (writer) => {
    const ino = writer.addInode(fileRecord("e", size, changes));
    const chunk = writer.addChunk(blockRef(seed, 100));
    writer.addExtent(ino, { fileOffset: 0, chunk, chunkOffset: 0, length: size });
    if (digest !== undefined) writer.setDigest(ino, new Uint8Array(32).fill(digest));
  };
}

const xattr = (value: number): Partial<InodeRecord> => ({
  xattrs: new Map([["user.a", Uint8Array.of(value)]]),
});

Deno.test("diffImages: names each aspect that differs, and no other", async () => {
  const link = { linkTarget: "a" };
  const cases: readonly [string, Fill, Fill][] = [
    ["", file(1), file(1)],
    ["mode", file(1), file(1, 100, { mode: 0o100600 })],
    ["owner", file(1), file(1, 100, { uid: 7 })],
    ["owner", file(1), file(1, 100, { gid: 7 })],
    ["mtime", file(1), file(1, 100, { mtime: 1 })],
    ["mtime", file(1), file(1, 100, { mtimeNsec: 1 })],
    ["content", file(1), file(2)],
    ["content", file(1, 100, {}, 5), file(1, 100, {}, 6)],
    // Cut otherwise, and yet the same.
    ["", file(1, 100, {}, 5), file(2, 100, {}, 5)],
    ["size content", file(1), file(1, 50)],
    ["xattrs", file(1, 100, xattr(1)), file(1, 100, xattr(2))],
    ["xattrs", file(1, 100, xattr(1)), file(1)],
    ["", file(1, 100, xattr(1)), file(1, 100, xattr(1))],
    ["target", one(0o120777, link), one(0o120777, { linkTarget: "b" })],
    ["device", one(0o20600, { rdev: makeDevice(1, 3) }), one(0o20600, { rdev: makeDevice(1, 5) })],
    ["kind", one(0o10644), one(0o120777, link)],
  ];
  for (const [expected, left, right] of cases) {
    const { added, removed, changed } = await diff(left, right);
    assert.deepEqual([added, removed], [[], []]);
    const aspects = changed.map(({ path, changes }) => `${path}: ${changes.join(" ")}`);
    assert.deepEqual(aspects, expected === "" ? [] : [`e: ${expected}`]);
  }
});

/** Files `a`, `b` and `c`, of which those in `linked` are one inode. */
function three(linked: string): Fill {
  return (writer) => {
    let first: number | undefined;
    for (const name of ["a", "b", "c"]) {
      const hardLinkTo = linked.includes(name) ? first : undefined;
      const ino = writer.addInode({
        ...fileRecord(name, 0),
        ...(hardLinkTo === undefined ? {} : { hardLinkTo }),
      });
      if (linked.includes(name)) first ??= ino;
    }
  };
}

Deno.test("diffImages: tells which names are of one inode", async () => {
  const changed = async (left: string, right: string): Promise<string[]> =>
    (await diff(three(left), three(right))).changed.map(({ path, changes }) =>
      `${path} ${changes}`
    );
  assert.deepEqual(await changed("ab", "ab"), []);
  assert.deepEqual(await changed("", "ab"), ["b links"]);
  assert.deepEqual(await changed("ac", "bc"), ["c links"]);
});

Deno.test("diffImages: tells whole trees that came or went, sorted by their bytes", async () => {
  const directory = (kind: number): Fill => (writer) => {
    const isDirectory = kind === 0o40755;
    const e = writer.addInode({ parent: 1, name: "e", ...metadata(kind) });
    const g = writer.addInode({
      parent: 1,
      name: isDirectory ? "\udcff" : "😀",
      ...metadata(0o40755),
    });
    if (isDirectory) writer.addInode(fileRecord("inside", 0, { parent: e }));
    writer.addInode(fileRecord("below", 0, { parent: g }));
  };
  const { added, removed, changed } = await diff(directory(0o40755), directory(0o100644));
  assert.deepEqual(added, ["😀", "😀/below"]);
  assert.deepEqual(removed, ["e/inside", "\udcff", "\udcff/below"]);
  assert.deepEqual(changed, [{ path: "e", changes: ["kind"] }]);
});

Deno.test("diffImages: tells the root's own changes, and what has to be fetched", async () => {
  const { blocksAdded, blockBytesAdded } = await diff(file(1), (writer) => {
    const ino = writer.addInode(fileRecord("e", 200));
    for (const [i, seed] of [1, 9].entries()) {
      const chunk = writer.addChunk(blockRef(seed, 100));
      writer.addExtent(ino, { fileOffset: 100 * i, chunk, chunkOffset: 0, length: 100 });
    }
  });
  assert.deepEqual([blocksAdded, blockBytesAdded], [1, blockRef(9, 100).storedSize]);
});

Deno.test("diffImages: rejects when a flist is not there", async () => {
  using folder = new TempFolder();
  writeFlist(folder.file("a.fl"), "myfs");
  for (const pair of [["a.fl", "none"], ["none", "a.fl"]]) {
    await assert.rejects(diffImages(folder.file(pair[0]!), folder.file(pair[1]!)), {
      code: "flist_not_found",
    });
  }
});
