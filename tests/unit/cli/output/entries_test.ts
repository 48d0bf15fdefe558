/**
 * Entries as lines and as documents: modes, times and names that are out of the ordinary.
 */

import assert from "node:assert/strict";
import type { ImageEntry } from "myfs";
import {
  displayName,
  displayPath,
  entryDocument,
  entryLines,
  modeText,
} from "../../../../cli/output/entries.ts";
import { makeDevice } from "../../../../lib/tree/tree_entry.ts";

const file: ImageEntry = {
  path: "etc/motd",
  kind: "file",
  mode: 0o100644,
  uid: 0,
  gid: 5,
  size: 12,
  mtime: 1_700_000_000,
  mtimeNsec: 7,
  rdev: 0,
  ino: 3,
};

Deno.test("entries: modes read as those of ls", () => {
  const rows: readonly (readonly [ImageEntry["kind"], number, string])[] = [
    ["file", 0o644, "-rw-r--r--"],
    ["directory", 0o1777, "drwxrwxrwt"],
    ["directory", 0o1776, "drwxrwxrwT"],
    ["file", 0o6755, "-rwsr-sr-x"],
    ["file", 0o6644, "-rwSr-Sr--"],
    ["symlink", 0o777, "lrwxrwxrwx"],
    ["fifo", 0, "p---------"],
    ["socket", 0o111, "s--x--x--x"],
    ["char-device", 0o666, "crw-rw-rw-"],
    ["block-device", 0o660, "brw-rw----"],
  ];
  for (const [kind, mode, text] of rows) assert.equal(modeText({ kind, mode }), text);
});

Deno.test("entries: a line has what was asked for", async () => {
  const lines = (options?: { long?: boolean; recursive?: boolean }): Promise<string[]> =>
    Array.fromAsync(entryLines([file], options));
  assert.deepEqual(await lines(), ["motd"]);
  assert.deepEqual(await lines({ recursive: true }), ["etc/motd"]);
  assert.deepEqual(await lines({ long: true }), [
    "-rw-r--r--     0     5           12 2023-11-14 22:13:20 motd",
  ]);
});

Deno.test("entries: a device shows its numbers in the place of a size", async () => {
  const device: ImageEntry = {
    ...file,
    kind: "block-device",
    mode: 0o60660,
    rdev: makeDevice(8, 17),
  };
  const [line] = await Array.fromAsync(entryLines([device], { long: true }));
  assert.match(line!, /^brw-rw---- .* 8, 17 2023/);
  assert.deepEqual(entryDocument(device).device, { major: 8, minor: 17 });
});

Deno.test("entries: times before 1970 and beyond all calendars are shown", async () => {
  assert.equal(entryDocument({ ...file, mtime: -1 }).mtime, "1969-12-31T23:59:59.000000007Z");
  const far = { ...file, mtime: 2 ** 50 };
  assert.match(
    (await Array.fromAsync(entryLines([far], { long: true })))[0]!,
    / @1125899906842624 /,
  );
});

Deno.test("entries: a document has what the entry has, and no more", () => {
  assert.deepEqual(entryDocument(file), {
    path: "etc/motd",
    kind: "file",
    mode: "0644",
    uid: 0,
    gid: 5,
    size: 12,
    mtime: "2023-11-14T22:13:20.000000007Z",
  });
  const rich: ImageEntry = {
    ...file,
    hardLinkTo: "a",
    xattrs: new Map([["user.a", new Uint8Array([1, 2])]]),
    digest: new Uint8Array([0xab]),
  };
  const { hardLinkTo, xattrs, digest } = entryDocument(rich);
  assert.deepEqual([hardLinkTo, xattrs, digest], ["a", { "user.a": "AQI=" }, "ab"]);
});

Deno.test("entries: the root has a name, and names show nothing that a terminal obeys", () => {
  assert.equal(displayPath(""), "/");
  assert.equal(displayName("a/b\x1b[2J"), "b\\x1b[2J");
});
