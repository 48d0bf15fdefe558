/** Goal: structures lie in bytes as the kernel's header says. */

import assert from "node:assert/strict";
import {
  ATTR,
  ATTRIBUTE_WORDS,
  decodeStruct,
  encodeAttributes,
  encodeDeviceNumber,
  encodeStruct,
  getUint64,
  OUT_HEADER,
  READ_IN,
  setUint64,
  STRUCTS,
} from "../../../../lib/fuse/wire_structs.ts";
import { splitDevice } from "../../../../lib/tree/tree_entry.ts";
import layouts from "../../../golden/fuse/layouts.json" with { type: "json" };

interface Layout {
  readonly size: number;
  readonly fields: Readonly<Record<string, number>>;
}

const KNOWN: Readonly<Record<string, Layout>> = {
  ...layouts,
  // The kernel made this one to be the structure of statx(2), and the header of 7.38 lacks it.
  fuse_statx: {
    size: layouts.statx.size,
    fields: Object.fromEntries(
      Object.entries(layouts.statx.fields).map(([name, at]) => [name.replace("stx_", ""), at]),
    ),
  },
};

/** Fields of statx(2) that the protocol does not have, and one that has its name by another struct. */
const UNUSED = ["mnt_id", "dio_mem_align", "dio_offset_align", "name"];

/** Room that later versions may give another name. */
const isRoom = (field: string): boolean => /^(unused|padding|dummy|_*spare)/.test(field);

/** Came after 7.38: what a kernel sends and takes shows in the golden and integration tests. */
const NEWER = ["fuse_statx_in", "fuse_statx_out"];

for (const { name, size, at } of STRUCTS) {
  Deno.test(`wire structures: ${name} has the size and the offsets of the header`, () => {
    if (NEWER.includes(name)) return assert.equal(KNOWN[name], undefined);
    const known = KNOWN[name]!;
    assert.equal(size, known.size);
    const common = Object.keys(at).filter((field) => field in known.fields && !isRoom(field));
    const named = Object.keys(known.fields).filter((field) => !isRoom(field) && !(field in at));
    assert.deepEqual(named.filter((field) => !UNUSED.includes(field)), []);
    for (const field of common) assert.equal(at[field], known.fields[field], field);
  });
}

Deno.test("wire structures: what is encoded is decoded, and the rest is zero", () => {
  const bytes = new Uint8Array(64).fill(0xff);
  const values = { offset: 2n ** 63n + 5n, size: 4096, flags: 0xffff_ffff };
  encodeStruct(READ_IN, values, bytes, 8);
  const { fh, offset, size, flags } = decodeStruct(READ_IN, bytes, 8);
  assert.deepEqual({ fh, offset, size, flags }, { fh: 0n, ...values });
  assert.equal(bytes[7], 0xff);
  assert.equal(bytes[8 + READ_IN.size], 0xff);
});

Deno.test("wire structures: signed fields keep their sign", () => {
  const bytes = new Uint8Array(16);
  encodeStruct(OUT_HEADER, { error: -5 }, bytes);
  assert.equal(decodeStruct(OUT_HEADER, bytes).error, -5);
});

Deno.test("wire structures: bytes that end too early are refused", () => {
  assert.throws(() => decodeStruct(OUT_HEADER, new Uint8Array(15)), RangeError);
  assert.throws(() => decodeStruct(OUT_HEADER, new Uint8Array(20), 8), RangeError);
});

Deno.test("wire structures: attributes come out as they went in, before 1970 and beyond 4 GiB", () => {
  const words = new Uint32Array(ATTRIBUTE_WORDS + 1);
  encodeAttributes(words, 1, {
    ino: 2 ** 40 + 3,
    size: 2 ** 45 + 1,
    blocks: 2 ** 36,
    mtime: -1_000_000_000_000,
    mtimeNsec: 999_999_999,
    mode: 0o100644,
    linkCount: 3,
    uid: 4_000_000_000,
    gid: 5,
  });
  const attributes = decodeStruct(ATTR, new Uint8Array(words.buffer, 4));
  assert.deepEqual(attributes, {
    ino: 2n ** 40n + 3n,
    size: 2n ** 45n + 1n,
    blocks: 2n ** 36n,
    atime: -1_000_000_000_000n,
    mtime: -1_000_000_000_000n,
    ctime: -1_000_000_000_000n,
    atimensec: 999_999_999,
    mtimensec: 999_999_999,
    ctimensec: 999_999_999,
    mode: 0o100644,
    nlink: 3,
    uid: 4_000_000_000,
    gid: 5,
    rdev: 0,
    blksize: 4096,
    flags: 0,
  });
});

Deno.test("wire structures: numbers of two words are exact up to 2⁵³, negative ones too", () => {
  const words = new Uint32Array(2);
  for (const value of [0, 1, 0xffff_ffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER]) {
    setUint64(words, 0, value);
    assert.equal(getUint64(words, 0), value);
  }
  setUint64(words, 0, -2);
  assert.deepEqual([...words], [0xffff_fffe, 0xffff_ffff]);
});

Deno.test("wire structures: device numbers are those of Linux", () => {
  for (const [major, minor] of [[1, 3], [8, 0], [300, 70_000], [0xfff, 0xfffff]] as const) {
    const device = encodeDeviceNumber(major, minor);
    assert.ok(device >= 0 && device <= 0xffff_ffff);
    assert.deepEqual(splitDevice(device), { major, minor });
  }
});
