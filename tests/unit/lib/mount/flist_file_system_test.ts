/**
 * Goal: the kernel is told exactly what the flist holds. Method: sample flists of both profiles and a
 * small packed tree, asked as the dispatcher asks, compared with what `FlistReader` and `Image` say.
 */

import assert from "node:assert/strict";
import { decodeByteString, encodeByteString } from "../../../../lib/base/byte_string.ts";
import { FlistReader } from "../../../../lib/flist/flist_reader.ts";
import { DirectoryPage } from "../../../../lib/fuse/directory_page.ts";
import { AttributeTarget, LATER, ReadReply } from "../../../../lib/fuse/file_system.ts";
import { ATTR, ATTRIBUTE_WORDS, DIRENT, getUint64 } from "../../../../lib/fuse/wire_structs.ts";
import { codecSetupOf, openFlistCodec } from "../../../../lib/image/flist_codec.ts";
import { packDirectory } from "../../../../lib/image/pack.ts";
import {
  EINVAL,
  EISDIR,
  ENODATA,
  ENOENT,
  ENOTDIR,
  ENXIO,
  EOPNOTSUPP,
} from "../../../../lib/linux/errno.ts";
import { ChunkSource } from "../../../../lib/mount/chunk_source.ts";
import { FlistFileSystem } from "../../../../lib/mount/flist_file_system.ts";
import { MountCounters } from "../../../../lib/mount/mount_counters.ts";
import { SharedChunks } from "../../../../lib/mount/shared_chunks.ts";
import type { LocalPlacement } from "../../../../lib/store/store.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";
import {
  BOTH,
  fileRecord,
  metadata,
  TestFolder,
  writeFlist,
  writeSample,
} from "../flist/flist_samples.ts";

/** A file system, and what it put off. */
interface Served {
  readonly fileSystem: FlistFileSystem;
  /** Reads: inode, offset, length, number. */
  readonly late: readonly number[][];
  readonly interrupts: readonly number[][];
}

function fileSystemOf(flist: FlistReader, local?: LocalPlacement): Served {
  const counters = new MountCounters(MountCounters.allocate());
  const source = new ChunkSource({
    flist,
    codec: openFlistCodec(codecSetupOf(flist)),
    chunks: new SharedChunks(SharedChunks.allocate(1024 * 1024)),
    counters,
    local,
  });
  const late: number[][] = [];
  const interrupts: number[][] = [];
  const lateReads = {
    later: (...read: number[]) => void late.push(read),
    interrupted: (...unique: number[]) => void interrupts.push(unique),
  };
  return {
    fileSystem: new FlistFileSystem({ flist, source, counters, lateReads }),
    late,
    interrupts,
  };
}

/** Attributes as they are answered. */
interface Found {
  readonly target: AttributeTarget;
  readonly ino: () => number;
  readonly size: () => number;
  /** The word at a place of `fuse_attr`. */
  readonly word: (place: number) => number;
}

function attributes(): Found {
  const target = new AttributeTarget(new Uint32Array(ATTRIBUTE_WORDS));
  const word = (place: number) => target.words[place / 4]!;
  return {
    target,
    ino: () => getUint64(target.words, ATTR.at.ino / 4),
    size: () => getUint64(target.words, ATTR.at.size / 4),
    word,
  };
}

interface Listed {
  readonly ino: number;
  readonly offset: number;
  readonly name: string;
}

/** All entries of a directory, in pages of `size` bytes. */
function list(fileSystem: FlistFileSystem, directory: number, size: number): Listed[] {
  const bytes = new Uint8Array(8192);
  const words = new Uint32Array(bytes.buffer);
  const page = new DirectoryPage(bytes, words, 1);
  const entries: Listed[] = [];
  for (let offset = 0;;) {
    page.begin(0, size, false);
    assert.equal(fileSystem.readDirectory(directory, offset, page), 0);
    if (page.length === 0) return entries;
    for (let at = 0; at < page.length;) {
      const length = words[(at + DIRENT.at.namelen) / 4]!;
      const name = decodeByteString(bytes.slice(at + DIRENT.size, at + DIRENT.size + length));
      offset = getUint64(words, (at + DIRENT.at.off) / 4);
      entries.push({ ino: getUint64(words, (at + DIRENT.at.ino) / 4), offset, name });
      at += (DIRENT.size + length + 7) & ~7;
    }
  }
}

for (const profile of BOTH) {
  Deno.test(`flist file system (${profile}): entries, names and attributes of a whole flist`, () => {
    using folder = new TestFolder();
    writeSample(folder.file("a.fl"), profile);
    using flist = FlistReader.open(folder.file("a.fl"));
    const { fileSystem } = fileSystemOf(flist);
    const found = attributes();
    for (const inode of flist.inodes()) {
      const first = inode.hardLinkTo ?? inode.ino;
      if (inode.ino !== 1) {
        assert.equal(
          fileSystem.lookup(inode.parent, encodeByteString(inode.name), found.target),
          0,
        );
        assert.equal(found.ino(), first);
      }
      assert.equal(fileSystem.getAttributes(first, found.target), 0);
      const { size, mode, uid, gid, mtimeNsec } = flist.inode(first)!;
      assert.equal(found.size(), size);
      assert.deepEqual(
        [ATTR.at.mode, ATTR.at.uid, ATTR.at.gid, ATTR.at.mtimensec].map(found.word),
        [mode, uid, gid, mtimeNsec],
      );
      if (inode.kind === "symlink") {
        assert.deepEqual(fileSystem.readLink(first), encodeByteString(inode.linkTarget!));
      } else assert.equal(fileSystem.readLink(first), EINVAL);
      if (inode.kind !== "directory") continue;
      const expected = [...flist.children(inode.ino)].toSorted((a, b) => a.ino - b.ino);
      for (const size of [600, 4096]) {
        const entries = list(fileSystem, inode.ino, size);
        assert.deepEqual(entries.slice(0, 2).map(({ name, ino }) => [name, ino]), [
          [".", inode.ino],
          ["..", inode.parent === 0 ? 1 : inode.parent],
        ]);
        assert.deepEqual(
          entries.slice(2).map(({ name, ino }) => [name, ino]),
          expected.map(({ name, ino, hardLinkTo }) => [name, hardLinkTo ?? ino]),
        );
        assert.equal(new Set(entries.map(({ offset }) => offset)).size, entries.length);
      }
    }
  });

  Deno.test(`flist file system (${profile}): what is not there has the right error`, () => {
    using folder = new TestFolder();
    writeSample(folder.file("a.fl"), profile);
    using flist = FlistReader.open(folder.file("a.fl"));
    const { fileSystem } = fileSystemOf(flist);
    const found = attributes();
    const page = new DirectoryPage(new Uint8Array(4096), new Uint32Array(1024), 1);
    page.begin(0, 4096, true);
    const file = [...flist.inodes()].find(({ kind }) => kind === "file")!.ino;
    assert.equal(fileSystem.lookup(1, encodeByteString("nobody"), found.target), ENOENT);
    assert.equal(fileSystem.getAttributes(1e12, found.target), ENOENT);
    assert.equal(fileSystem.readLink(1e12), ENOENT);
    assert.equal(fileSystem.readDirectory(file, 0, page), ENOTDIR);
    assert.equal(fileSystem.readDirectory(1e12, 0, page), ENOENT);
    const reply = new ReadReply(new Uint8Array(100), 0);
    assert.equal(fileSystem.read(1, 0, 10, reply), EISDIR);
    assert.equal(fileSystem.read(1e12, 0, 10, reply), ENOENT);
    assert.equal(fileSystem.seek(1, 0, false), -EINVAL);
    const { inodes, fileBytes } = flist.totals();
    assert.deepEqual(fileSystem.statFileSystem(), { inodeCount: inodes, sizeBytes: fileBytes });
  });
}

Deno.test("flist file system: hard links count, and extended attributes are told apart", () => {
  using folder = new TestFolder();
  writeFlist(folder.file("a.fl"), "myfs", (writer) => {
    const xattrs = new Map([["user.a", new Uint8Array([1])], ["user.b", new Uint8Array(0)]]);
    const first = writer.addInode(fileRecord("first", 0, { xattrs }));
    writer.addInode(fileRecord("second", 0, { hardLinkTo: first }));
    writer.addInode({ parent: 1, name: "third", linkTarget: "x", ...metadata(0o120777) });
  });
  using flist = FlistReader.open(folder.file("a.fl"));
  const { fileSystem } = fileSystemOf(flist);
  const found = attributes();
  assert.equal(fileSystem.lookup(1, encodeByteString("second"), found.target), 0);
  const ino = found.ino();
  assert.equal(found.word(ATTR.at.nlink), 2);
  assert.deepEqual(fileSystem.features, { xattrs: true, accessControlLists: false });
  assert.deepEqual(fileSystem.getXattr(ino, encodeByteString("user.a")), new Uint8Array([1]));
  assert.deepEqual(fileSystem.getXattr(ino, encodeByteString("user.b")), new Uint8Array(0));
  assert.equal(fileSystem.getXattr(ino, encodeByteString("user.c")), ENODATA);
  assert.equal(fileSystem.getXattr(ino, encodeByteString("security.selinux")), EOPNOTSUPP);
  assert.deepEqual(fileSystem.listXattr(ino), encodeByteString("user.a\0user.b\0"));
  assert.deepEqual(fileSystem.listXattr(1), new Uint8Array(0));
});

Deno.test("flist file system: content comes from local blocks, or later from elsewhere", async () => {
  using folder = new TempFolder();
  const content = Uint8Array.from({ length: 300_000 }, (_, at) => (at * at) % 251);
  const source = folder.tree("tree", { "large": content, "small": "hello" });
  const sparse = await Deno.open(`${source}/sparse`, { create: true, write: true });
  await sparse.truncate(1_000_000);
  await sparse.seek(500_000, Deno.SeekMode.Start);
  await sparse.write(new TextEncoder().encode("middle"));
  sparse.close();
  const meta = folder.file("a.fl");
  await packDirectory(source, { meta, store: `dir://${folder.file("blocks")}` });
  using flist = FlistReader.open(meta);
  const local = { directories: [{ start: 0, end: 255, path: folder.file("blocks") }] };
  const { fileSystem } = fileSystemOf(flist, local);
  const reply = new ReadReply(new Uint8Array(400_016).fill(77), 16);
  const read = (name: string, offset: number, size: number): Uint8Array => {
    assert.equal(fileSystem.read(flist.child(1, name)!.ino, offset, size, reply), 0);
    return reply.bytes.subarray(16, 16 + reply.length);
  };
  assert.deepEqual(read("large", 0, 400_000), content);
  for (const [offset, size] of [[1, 7], [65_536, 4096], [299_999, 100], [300_000, 10]] as const) {
    assert.deepEqual(read("large", offset, size), content.subarray(offset, offset + size));
  }
  assert.equal(new TextDecoder().decode(read("small", 1, 100)), "ello");
  const hole = read("sparse", 499_990, 30);
  assert.deepEqual([...hole], [
    ...new Uint8Array(10),
    ...new TextEncoder().encode("middle"),
    ...new Uint8Array(14),
  ]);
  const ino = flist.child(1, "sparse")!.ino;
  const data = fileSystem.seek(ino, 0, false);
  assert.ok(data > 400_000 && data <= 500_000, String(data));
  assert.equal(fileSystem.seek(ino, 0, true), 0);
  assert.equal(fileSystem.seek(ino, 1_000_000, true), -ENXIO);

  const far = fileSystemOf(flist);
  reply.uniqueLow = 5;
  reply.uniqueHigh = 6;
  const large = flist.child(1, "large")!.ino;
  assert.equal(far.fileSystem.read(large, 4096, 1_000_000, reply), LATER);
  assert.deepEqual(far.late, [[large, 4096, 300_000 - 4096, 5, 6]]);
  far.fileSystem.interrupted(5, 6);
  assert.deepEqual(far.interrupts, [[5, 6]]);
});
