/** Goal: fields of headers mean what each of the formats says. */

import assert from "node:assert/strict";
import {
  hasRightChecksum,
  isZeroBlock,
  parseGnuSparse,
  parseTarHeader,
} from "../../../../../lib/tree/tar/tar_header.ts";
import { makeEntry, setChecksum, setField } from "../../../../helpers/tar_maker.ts";

function block(edit?: (header: Uint8Array) => void): Uint8Array {
  return makeEntry({ name: "name", ...(edit === undefined ? {} : { edit }) }).subarray(0, 512);
}

Deno.test("tar header: numbers are octal, padded in any way, or binary", () => {
  const size = (edit: (header: Uint8Array) => void): number => parseTarHeader(block(edit)).size;
  assert.equal(size((header) => setField(header, 124, "00000000017\0")), 15);
  assert.equal(size((header) => setField(header, 124, "      17 \0\0\0")), 15);
  assert.equal(size((header) => setField(header, 124, "777777777777")), 8 ** 12 - 1);
  assert.equal(
    size((header) => header.set([0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5], 124)),
    2 ** 32 + 5,
  );
  assert.equal(
    size((header) => header.set([0x80, 0, 0, 0, 0x7f, ...Array(7).fill(255)], 124)),
    2 ** 63,
  );
  assert.throws(() => size((header) => setField(header, 124, "0000000009\0")), SyntaxError);
});

Deno.test("tar header: binary numbers may be negative", () => {
  const edit = (header: Uint8Array): void => {
    header.set(Array(12).fill(0xff), 136);
    header[147] = 0xfe;
  };
  assert.equal(parseTarHeader(block(edit)).mtime, -2);
});

Deno.test("tar header: a prefix counts in ustar headers alone, and is shorter in star's", () => {
  const prefix = (header: Uint8Array): void => setField(header, 345, "some/prefix");
  assert.equal(parseTarHeader(block(prefix)).name, "some/prefix/name");
  const gnu = (header: Uint8Array): void => {
    prefix(header);
    setField(header, 257, "ustar  \0");
  };
  assert.equal(parseTarHeader(block(gnu)).name, "name");
  const star = (header: Uint8Array): void => {
    setField(header, 345, "p".repeat(131));
    setField(header, 476, "00000000000 00000000000 ");
    setField(header, 508, "tar\0");
  };
  assert.equal(parseTarHeader(block(star)).name, `${"p".repeat(131)}/name`);
});

Deno.test("tar header: names are bytes, and fill their field to the end", () => {
  assert.equal(parseTarHeader(block((header) => header.set([0xff, 0], 0))).name, "\udcff");
  const name = "n".repeat(100);
  assert.equal(parseTarHeader(block((header) => setField(header, 0, name))).name, name);
});

Deno.test("tar header: checksums count bytes as unsigned or signed", () => {
  const header = block((each) => each.set([0xe4, 0xff], 0));
  assert.ok(hasRightChecksum(header));
  const signed = header.reduce(
    (sum, byte, i) => sum + (i >= 148 && i < 156 ? 32 : byte << 24 >> 24),
    0,
  );
  setField(header, 148, `${signed.toString(8).padStart(6, "0")}\0 `);
  assert.ok(hasRightChecksum(header));
  header[0]!++;
  assert.ok(!hasRightChecksum(header));
  setChecksum(header);
  assert.ok(hasRightChecksum(header));
});

Deno.test("tar header: knows zeros, and the map of an old GNU sparse file", () => {
  assert.ok(isZeroBlock(new Uint8Array(512)));
  const header = block((each) => {
    setField(each, 386, "00000000000\x0000000001000\0");
    setField(each, 410, "00000010000\x0000000000010\0");
    each[482] = 1;
    setField(each, 483, "00000020000\0");
  });
  assert.ok(!isZeroBlock(header));
  assert.deepEqual(parseGnuSparse(header), {
    regions: [{ offset: 0, length: 512 }, { offset: 4096, length: 8 }],
    more: true,
    realSize: 8192,
  });
});
