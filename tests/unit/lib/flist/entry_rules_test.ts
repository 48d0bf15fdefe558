/** Goal: limits are where they are said to be. Method: limit and limit + 1. */

import assert from "node:assert/strict";
import {
  chunkFault,
  linkTargetFault,
  metadataFault,
  nameFault,
  reservedTagFault,
  routeFault,
  tagFault,
  xattrsFault,
} from "../../../../lib/flist/entry_rules.ts";
import { metadata } from "./flist_samples.ts";

const FILE = metadata(0o100644);

Deno.test("entry rules: names, targets and attributes at their limits", () => {
  assert.equal(nameFault("...", 3), undefined);
  assert.equal(nameFault("x".repeat(255), 255), undefined);
  assert.match(nameFault("x".repeat(256), 256)!, /256 bytes/);
  assert.equal(linkTargetFault("x", 4095), undefined);
  assert.match(linkTargetFault("x", 4096)!, /4096 bytes/);
  const value = (size: number) => new Uint8Array(size);
  assert.equal(xattrsFault(new Map([["x".repeat(255), value(65536)]])), undefined);
  assert.match(xattrsFault(new Map([["x".repeat(256), value(0)]]))!, /256 bytes/);
  const names = (count: number) =>
    new Map(Array.from({ length: count }, (_, i) => [String(i).padStart(255, "x"), value(0)]));
  assert.equal(xattrsFault(names(256)), undefined);
  assert.match(xattrsFault(names(257))!, /come to 65792 bytes/);
});

Deno.test("entry rules: metadata at its limits", () => {
  const good = [
    { mtime: -62135596800 },
    { mtime: Number.MIN_SAFE_INTEGER },
    { mtimeNsec: 999_999_999 },
    { size: Number.MAX_SAFE_INTEGER },
    { uid: 4294967295, gid: 0 },
    { mode: 0o107777 },
    { rdev: 2 ** 44 },
  ];
  for (const change of good) assert.equal(metadataFault({ ...FILE, ...change }), undefined);
  const bad = [
    { mtime: 0.5 },
    { mtime: Infinity },
    { mtimeNsec: -1 },
    { size: 2 ** 53 },
    { gid: 4294967296 },
    { mode: 0o200644 },
    { mode: -1 },
    { rdev: -1 },
  ];
  for (const change of bad) {
    assert.ok(metadataFault({ ...FILE, ...change }), JSON.stringify(change));
  }
});

Deno.test("entry rules: chunks, routes and tags at their limits", () => {
  assert.equal(chunkFault({ size: 1, storedSize: 1 }), undefined);
  assert.equal(chunkFault({ size: 16777216, storedSize: 16778240 }), undefined);
  assert.ok(chunkFault({ size: 0 }));
  assert.ok(chunkFault({ size: 16777217 }));
  assert.ok(chunkFault({ size: 1, storedSize: 16778241 }));
  assert.equal(routeFault({ start: 0, end: 0, url: "x" }), undefined);
  assert.ok(routeFault({ start: 0, end: 0.5, url: "x" }));
  assert.equal(tagFault("x", ""), undefined);
  assert.equal(tagFault("x", "é".repeat(32768)), undefined);
  assert.ok(tagFault("x", "é".repeat(32769)));
  assert.equal(reservedTagFault("myfs"), undefined);
  assert.ok(reservedTagFault("myfs.anything"));
});
