/** Goal: entries lie in a page as the kernel reads them, and a full page stays as it is. */

import assert from "node:assert/strict";
import { DirectoryPage } from "../../../../lib/fuse/directory_page.ts";
import {
  ATTRIBUTE_WORDS,
  decodeStruct,
  DIRENT,
  encodeAttributes,
} from "../../../../lib/fuse/wire_structs.ts";

const attributes = new Uint32Array(ATTRIBUTE_WORDS);
encodeAttributes(attributes, 0, {
  ino: 2 ** 33 + 1,
  size: 1,
  blocks: 1,
  mtime: 1,
  mtimeNsec: 1,
  mode: 0o120777,
  linkCount: 1,
  uid: 0,
  gid: 0,
});
const name = new TextEncoder().encode("..abc..");

function page(size: number, hasAttributes: boolean): { page: DirectoryPage; bytes: Uint8Array } {
  const bytes = new Uint8Array(1024).fill(0xff);
  const page = new DirectoryPage(bytes, new Uint32Array(bytes.buffer), 77);
  page.begin(16, size, hasAttributes);
  return { page, bytes };
}

Deno.test("directory page: an entry has its number, type, offset and a part of an array as name", () => {
  const { page: one, bytes } = page(512, false);
  assert.ok(one.add(name, 2, 3, attributes, 0, 2 ** 40));
  assert.equal(one.length, 32);
  const entry = decodeStruct(DIRENT, bytes, 16);
  assert.deepEqual(entry, { ino: 2n ** 33n + 1n, off: 2n ** 40n, namelen: 3, type: 0o12 });
  assert.deepEqual([...bytes.subarray(40, 48)], [97, 98, 99, 0, 0, 0, 0, 0]);
  assert.equal(bytes[48], 0xff);
});

Deno.test("directory page: what does not fit is not begun, and what just fits is added", () => {
  for (const [hasAttributes, length] of [[false, 32], [true, 160]] as const) {
    const { page: full, bytes } = page(2 * length - 1, hasAttributes);
    assert.equal(full.add(name, 2, 3, attributes, 0, 1), true);
    assert.equal(full.add(name, 2, 3, attributes, 0, 2), false);
    assert.equal(full.length, length);
    assert.ok(bytes.subarray(16 + length).every((byte) => byte === 0xff));
    full.begin(16, length, hasAttributes);
    assert.equal(full.add(name, 2, 3, attributes, 0, 2), true);
  }
});

Deno.test("directory page: dots are directories, and have no attributes", () => {
  const { page: dots, bytes } = page(1000, true);
  assert.ok(dots.addDots(1, 5, 1) && dots.addDots(2, 6, 2));
  assert.equal(dots.length, 2 * 160);
  const [first, second] = [decodeStruct(DIRENT, bytes, 144), decodeStruct(DIRENT, bytes, 304)];
  assert.deepEqual(first, { ino: 5n, off: 1n, namelen: 1, type: 4 });
  assert.deepEqual(second, { ino: 6n, off: 2n, namelen: 2, type: 4 });
  dots.begin(16, 100, true);
  assert.equal(dots.addDots(1, 5, 1), false);
});
