/** Goal: PAX records are read to the byte, and refused where they are wrong. */

import assert from "node:assert/strict";
import {
  parsePaxHeader,
  parsePaxNumber,
  parsePaxSparseMap,
  parsePaxTime,
  paxXattrs,
} from "../../../../../lib/tree/tar/pax_records.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string => new TextDecoder().decode(value);

Deno.test("PAX records: the last of a keyword counts, and values may hold anything", () => {
  const { records } = parsePaxHeader(bytes("9 path=a\n12 path=b\nc\n16 comment=a=b=\n"));
  assert.equal(text(records.get("path")), "b\nc");
  assert.equal(text(records.get("comment")), "a=b=");
});

Deno.test("PAX records: wrong lengths are refused", () => {
  for (
    const wrong of ["8 path=a\n", "99 path=a\n", "9 path_a\n", "path=a\n", "0 path=a\n", "-9 a=b\n"]
  ) {
    assert.throws(() => parsePaxHeader(bytes(wrong)), SyntaxError, wrong);
  }
});

Deno.test("PAX records: times count to the nanosecond, before 1970 too", () => {
  const time = (value: string): [number, number] => {
    const { seconds, nanoseconds } = parsePaxTime(bytes(value));
    return [seconds, nanoseconds];
  };
  assert.deepEqual(time("1700000000.123456789"), [1_700_000_000, 123_456_789]);
  assert.deepEqual(time("12.5"), [12, 500_000_000]);
  assert.deepEqual(time("12"), [12, 0]);
  assert.deepEqual(time("-1.25"), [-2, 750_000_000]);
  assert.deepEqual(time("-0.0"), [0, 0]);
  assert.deepEqual(time("1.1234567899"), [1, 123_456_789]);
  assert.throws(() => time("1e5"), SyntaxError);
});

Deno.test("PAX records: numbers and sparse maps are digits only", () => {
  assert.equal(parsePaxNumber(bytes("9007199254740993")), 9007199254740992);
  assert.throws(() => parsePaxNumber(bytes("-1")), SyntaxError);
  assert.deepEqual(parsePaxSparseMap(bytes("0,5,10,0")), [
    { offset: 0, length: 5 },
    { offset: 10, length: 0 },
  ]);
  assert.throws(() => parsePaxSparseMap(bytes("0,5,10")), SyntaxError);
});

Deno.test("PAX records: the old sparse map is pairs of repeated records", () => {
  const { sparse } = parsePaxHeader(
    bytes(
      "23 GNU.sparse.offset=0\n25 GNU.sparse.numbytes=4\n23 GNU.sparse.offset=8\n25 GNU.sparse.numbytes=1\n",
    ),
  );
  assert.deepEqual(sparse, [{ offset: 0, length: 4 }, { offset: 8, length: 1 }]);
});

Deno.test("PAX records: extended attributes in star's and libarchive's form", () => {
  const xattrs = paxXattrs(
    new Map([
      ["SCHILY.xattr.user.a%3Db", bytes("1")],
      ["LIBARCHIVE.xattr.user.c%20d", bytes("AAE")],
      ["LIBARCHIVE.xattr.user.both", bytes("!")],
      ["SCHILY.xattr.user.both", bytes("exact")],
      ["mtime", bytes("1")],
    ]),
  )!;
  assert.deepEqual([...xattrs.keys()].sort(), ["user.a=b", "user.both", "user.c d"]);
  assert.deepEqual(xattrs.get("user.c d"), new Uint8Array([0, 1]));
  assert.equal(text(xattrs.get("user.both")), "exact");
  assert.equal(paxXattrs(new Map([["mtime", bytes("1")]])), undefined);
});
