/** Goal: files that are not whole SQLite databases are told apart before SQLite sees them. */

import assert from "node:assert/strict";
import { FlistFormatError } from "../../../../lib/base/errors.ts";
import { isMyfsHeader, readSqliteHeader } from "../../../../lib/flist/sqlite_header.ts";
import { BOTH, TestFolder, writeFlist } from "./flist_samples.ts";

for (const profile of BOTH) {
  Deno.test(`sqlite header (${profile}): of a flist is read`, () => {
    using folder = new TestFolder();
    const path = folder.file("a.fl");
    writeFlist(path, profile);
    const header = readSqliteHeader(path);
    assert.equal(header.fileSize, Deno.statSync(path).size);
    assert.equal(isMyfsHeader(header), profile === "myfs");
    assert.equal(header.userVersion, profile === "myfs" ? 1 : 0);
  });
}

const changes: [why: string, change: (bytes: Uint8Array) => Uint8Array, message: RegExp][] = [
  ["nothing in it", () => new Uint8Array(), /it is empty/],
  ["other content", () => new TextEncoder().encode("#!/bin/sh"), /not a SQLite file/],
  ["zeros", (bytes) => bytes.fill(0), /not a SQLite file/],
  ["60 bytes", (bytes) => bytes.subarray(0, 60), /cut off after 60 bytes/],
  ["its last byte missing", (bytes) => bytes.subarray(0, -1), /cut off/],
  ["its last page missing", (bytes) => bytes.subarray(0, -4096), /cut off/],
  ["a byte too many", (bytes) => new Uint8Array([...bytes, 0]), /1 bytes beyond its end/],
  ["a page size of 0", (bytes) => poke(bytes, 16, 0, 0), /page size 0/],
  ["a page size of 5000", (bytes) => poke(bytes, 16, 0x13, 0x88), /page size 5000/],
  ["the mark of a write-ahead log", (bytes) => poke(bytes, 18, 2, 2), /write-ahead log/],
  ["UTF-16 text", (bytes) => poke(bytes, 59, 2), /not in UTF-8/],
  ["a schema of several pages", (bytes) => poke(bytes, 100, 5), /schema/],
  ["a schema of 1000 objects", (bytes) => poke(bytes, 103, 3, 232), /schema/],
];
for (const [why, change, message] of changes) {
  Deno.test(`sqlite header: refuses a file with ${why}`, () => {
    using folder = new TestFolder();
    const path = folder.file("a.fl");
    writeFlist(path, "myfs");
    Deno.writeFileSync(path, change(Deno.readFileSync(path)));
    assert.throws(() => readSqliteHeader(path), (error: Error) => {
      assert.ok(error instanceof FlistFormatError);
      assert.ok(error.message.includes(path));
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("sqlite header: a FIFO is refused without waiting for a writer", async () => {
  using folder = new TestFolder();
  const path = folder.file("fifo");
  const made = await new Deno.Command("mkfifo", { args: [path] }).output();
  assert.ok(made.success);
  assert.throws(() => readSqliteHeader(path), /not a regular file/);
});

function poke(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array {
  bytes.set(values, at);
  return bytes;
}
