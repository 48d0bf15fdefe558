/**
 * Goal: whatever tree is written, the same is read, in every way of reading it; the same calls give
 * the same bytes; and text made of it makes it again. Method: seeded random trees, weighted towards
 * what is odd, against plain records in memory. `SEED=… deno test` replays one.
 */

import assert from "node:assert/strict";
import { compareByteStrings, decodeByteString } from "../../lib/base/byte_string.ts";
import type { Profile } from "../../lib/block/profile.ts";
import { FlistReader } from "../../lib/flist/flist_reader.ts";
import { type Extent, FlistWriter, type InodeRecord } from "../../lib/flist/flist_writer.ts";
import { profileLosses } from "../../lib/flist/profile_losses.ts";
import { dumpFlist } from "../../lib/flist/text_dump.ts";
import { parseFlistText } from "../../lib/flist/text_parse.ts";
import type { EntryMetadata } from "../../lib/tree/tree_entry.ts";
import { blockRef, BOTH, metadata, TestFolder } from "../unit/lib/flist/flist_samples.ts";
import { SeededRandom, takeSeed } from "../helpers/seeded_random.ts";

const ROUNDS = 12;
const ENTRIES_MAX = 400;
const PIECE = 524_288;

/** One entry of the model. */
interface ModelEntry {
  readonly record: InodeRecord;
  readonly extents: Extent[];
  readonly digest?: Uint8Array;
}

interface Model {
  readonly entries: ModelEntry[];
  readonly chunkSizes: number[];
}

const SIZES = [0, 1, 100, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7];

function randomModel(random: SeededRandom, profile: Profile): Model {
  const model: Model = { entries: [], chunkSizes: [] };
  const directories = [1];
  const add = (entry: ModelEntry) => model.entries.push(entry);
  add({ record: { parent: 0, name: "", ...randomMetadata(random, 0o40755, 0) }, extents: [] });
  const count = random.below(ENTRIES_MAX);
  const places = randomPlaces(random, profile, directories);
  while (model.entries.length < count) {
    const place = places.next().value;
    if (place === undefined) break;
    const ino = model.entries.length + 1;
    const roll = random.below(20);
    if (roll < 3) {
      directories.push(ino);
      add({ record: { ...place, ...randomMetadata(random, 0o40755, 0) }, extents: [] });
    } else if (roll < 5) {
      const linkTarget = decodeByteString(
        random.bytes(1 + random.below(80)).map((byte) => byte || 1),
      );
      add({
        record: { ...place, ...randomMetadata(random, 0o120777, 0), linkTarget },
        extents: [],
      });
    } else if (roll === 5) {
      const mode = random.pick([0o10644, 0o140755]);
      add({ record: { ...place, ...randomMetadata(random, mode, 0) }, extents: [] });
    } else if (roll === 6) {
      const mode = random.pick([0o20644, 0o60644]);
      const rdev = random.pick([0, 0x103, 2 ** 32 + 5, 0xfffff]);
      add({ record: { ...place, ...randomMetadata(random, mode, 0), rdev }, extents: [] });
    } else if (roll === 7 && ino > 2) {
      const target = 2 + random.below(ino - 2);
      const { record } = model.entries[target - 1]!;
      if ((record.mode & 0o170000) === 0o40000 || record.hardLinkTo !== undefined) continue;
      const { xattrs: _x, linkTarget: _l, ...same } = record;
      add({ record: { ...same, ...place, hardLinkTo: target }, extents: [] });
    } else {
      add(randomFile(random, profile, place, model.chunkSizes));
    }
  }
  return model;
}

/**
 * Directories one by one, each with some names: in the order of their bytes where the profile wants
 * that, else in any. The caller adds to `directories` meanwhile.
 */
function* randomPlaces(
  random: SeededRandom,
  profile: Profile,
  directories: number[],
): Generator<{ readonly parent: number; readonly name: string }, undefined> {
  while (directories.length > 0) {
    const [parent] = directories.splice(random.below(directories.length), 1);
    const names = new Set<string>();
    for (
      let left = random.pick([0, 1, 5, 20, 100]);
      left > 0 || parent === 1 && names.size < 3;
      left--
    ) {
      names.add(randomName(random, profile));
    }
    const sorted = profile === "myfs" ? [...names].sort(compareByteStrings) : names;
    for (const name of sorted) yield { parent: parent!, name };
  }
}

function randomFile(
  random: SeededRandom,
  profile: Profile,
  place: { readonly parent: number; readonly name: string },
  chunkSizes: number[],
): ModelEntry {
  const size = random.pick(SIZES);
  const record: InodeRecord = { ...place, ...randomMetadata(random, 0o100644, size) };
  const extents: Extent[] = [];
  let covered = 0;
  for (let fileOffset = 0; fileOffset < size;) {
    const length = Math.min(size - fileOffset, profile === "rfs" ? PIECE : 1 + random.below(PIECE));
    if (profile === "rfs" || random.below(8) > 0) {
      const before = profile === "rfs" ? 0 : random.below(1000);
      chunkSizes.push(before + length);
      extents.push({ fileOffset, chunk: chunkSizes.length, chunkOffset: before, length });
      covered += length;
    }
    fileOffset += length;
  }
  const xattrs = new Map<string, Uint8Array>();
  for (let i = random.below(12) - 8; i > 0; i--) {
    xattrs.set(
      `user.${decodeByteString(random.bytes(4).map((byte) => byte || 1))}`,
      random.bytes(random.below(50)),
    );
  }
  return {
    record: xattrs.size > 0 ? { ...record, xattrs } : record,
    extents,
    ...(covered === size && random.below(3) > 0 ? { digest: random.bytes(32) } : {}),
  };
}

function randomMetadata(random: SeededRandom, mode: number, size: number): EntryMetadata {
  return metadata(mode ^ (random.below(8) === 0 ? 0o7000 : 0), {
    size,
    uid: random.pick([0, 1000, 4294967295]),
    gid: random.pick([0, 5, 4294967295]),
    mtime: random.pick([0, -1, 1_700_000_000, -62_135_596_800, 2 ** 40]),
    mtimeNsec: random.pick([0, 1, 999_999_999]),
  });
}

function randomName(random: SeededRandom, profile: Profile): string {
  const kind = random.below(10);
  if (kind === 0) return "x".repeat(random.pick([1, 254, 255]));
  if (kind === 1) {
    return random.pick(["é", "文件", "😀", "\ufffd", "\ufeff", "a\nb", "\\", " ", "-"]) +
      random.below(50);
  }
  if (kind === 2 && profile === "myfs") {
    const bytes = random.bytes(1 + random.below(20)).map((byte) =>
      byte === 0 || byte === 0x2f ? 0xff : byte
    );
    const name = decodeByteString(bytes);
    return name === "." || name === ".." ? "dots" : name;
  }
  return `name-${random.below(100_000)}`;
}

function write(model: Model, path: string, profile: Profile): void {
  using writer = FlistWriter.create(path, { profile });
  for (const [index, { record }] of model.entries.entries()) {
    assert.equal(writer.addInode(record), index + 1);
  }
  for (const [index, size] of model.chunkSizes.entries()) {
    assert.equal(writer.addChunk(blockRef(index % 251, size)), index + 1);
  }
  for (const [index, { extents, digest }] of model.entries.entries()) {
    for (const extent of extents) writer.addExtent(index + 1, extent);
    if (digest !== undefined) writer.setDigest(index + 1, digest);
  }
  writer.finish();
}

function check(model: Model, reader: FlistReader): void {
  reader.validate();
  const { profile } = reader;
  const inodes = [...reader.inodes()];
  assert.equal(inodes.length, model.entries.length);
  for (const [index, inode] of inodes.entries()) {
    const { record, extents, digest } = model.entries[index]!;
    const first = record.hardLinkTo === undefined
      ? model.entries[index]!
      : model.entries[record.hardLinkTo - 1]!;
    const lost = profileLosses(profile, record);
    const { mode, uid, gid, mtime, rdev } = record;
    assert.deepEqual(
      [inode.parent, inode.name, inode.mode, inode.uid, inode.gid, inode.mtime, inode.rdev],
      [record.parent, record.name, mode, uid, gid, mtime, rdev],
    );
    assert.equal(inode.mtimeNsec, lost.includes("nanoseconds") ? 0 : record.mtimeNsec);
    assert.equal(inode.linkTarget, first.record.linkTarget);
    assert.equal(inode.hardLinkTo, lost.includes("hard-link") ? undefined : record.hardLinkTo);
    if (inode.kind === "file") assert.equal(inode.size, record.size);
    const xattrs = profile === "rfs" ? [] : [...first.record.xattrs ?? []];
    assert.deepEqual(
      [...reader.xattrs(inode.ino)],
      xattrs.sort(([left], [right]) => compareByteStrings(left, right)),
    );
    const places = (list: readonly Extent[]) =>
      list.map(({ fileOffset, chunkOffset, length }) => [fileOffset, chunkOffset, length]);
    assert.deepEqual(places(reader.extents(inode.ino)), places(first.extents));
    assert.deepEqual(reader.digest(inode.ino), profile === "rfs" ? undefined : first.digest);
    if (record.hardLinkTo === undefined) {
      assert.deepEqual(
        reader.extents(inode.ino).map(({ chunk }) => reader.chunk(chunk).id),
        extents.map(({ chunk }) => blockRef((chunk - 1) % 251, 1).id),
      );
      assert.equal(digest, first.digest);
    }
  }
}

for (const profile of BOTH) {
  Deno.test(`flist round trip (${profile}): random trees come back, as bytes and as text`, () => {
    const seed = takeSeed();
    try {
      const random = new SeededRandom(seed);
      for (let round = 0; round < ROUNDS; round++) {
        using folder = new TestFolder();
        const model = randomModel(random, profile);
        for (const name of ["a.fl", "b.fl"]) write(model, folder.file(name), profile);
        assert.deepEqual(
          Deno.readFileSync(folder.file("a.fl")),
          Deno.readFileSync(folder.file("b.fl")),
        );
        using reader = FlistReader.open(folder.file("a.fl"));
        check(model, reader);
        const lines = [...dumpFlist(reader, { includeKeys: true })];
        parseFlistText(lines, folder.file("c.fl"));
        using parsed = FlistReader.open(folder.file("c.fl"));
        parsed.validate();
        assert.deepEqual([...dumpFlist(parsed, { includeKeys: true })], lines);
      }
    } catch (error) {
      throw new Error(`SEED=${seed} fails`, { cause: error });
    }
  });
}
