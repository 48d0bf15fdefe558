/** Goal: marks are read as the kernel reads them, and those of the wrong name are plain attributes. */

import assert from "node:assert/strict";
import {
  chooseNames,
  hasMarks,
  isWhiteout,
  type MarkedEntry,
  marksOf,
  type OverlayNames,
} from "../../../../lib/image/overlay_marks.ts";
import type { EntryKind, Xattrs } from "../../../../lib/tree/tree_entry.ts";

function xattrs(values: Readonly<Record<string, string>>): Xattrs {
  const encoder = new TextEncoder();
  return new Map(Object.entries(values).map(([name, value]) => [name, encoder.encode(value)]));
}

function entry(kind: EntryKind, values: Record<string, string> = {}, size = 0): MarkedEntry {
  return { kind, size, rdev: 0, xattrs: xattrs(values) };
}

for (const names of ["trusted", "user"] as const satisfies readonly OverlayNames[]) {
  const other = names === "trusted" ? "user" : "trusted";

  Deno.test(`overlay marks: whiteouts in both forms (${names})`, () => {
    assert.ok(isWhiteout({ kind: "char-device", size: 0, rdev: 0 }, names));
    assert.ok(!isWhiteout({ kind: "char-device", size: 0, rdev: 259 }, names));
    assert.ok(!isWhiteout({ kind: "block-device", size: 0, rdev: 0 }, names));
    const mark = { [`${names}.overlay.whiteout`]: "" };
    assert.ok(isWhiteout(entry("file", mark), names));
    assert.ok(!isWhiteout(entry("file", mark, 1), names));
    assert.ok(!isWhiteout(entry("directory", mark), names));
    assert.ok(!isWhiteout(entry("file", { [`${other}.overlay.whiteout`]: "" }), names));
    // One that belongs to an overlay on this one.
    assert.ok(!isWhiteout(entry("file", { [`${names}.overlay.overlay.whiteout`]: "" }), names));
  });

  Deno.test(`overlay marks: none of them is shown, and those of others are (${names})`, () => {
    const kept = { "user.mine": "1", "trusted.mine": "2", [`${other}.overlay.opaque`]: "y" };
    const marks = {
      ...kept,
      [`${names}.overlay.origin`]: "",
      [`${names}.overlay.impure`]: "y",
      [`${names}.overlay.nlink`]: "U-1",
      [`${names}.overlay.uuid`]: "u",
      [`${names}.overlay.upper`]: "u",
      [`${names}.overlay.protattr`]: "i",
      [`${names}.overlay.opaque`]: "y",
      [`${names}.overlay.something new`]: "",
    };
    const found = marksOf(entry("directory", marks), names);
    assert.deepEqual(found.xattrs, xattrs(kept));
    assert.ok(found.isOpaque && found.hidesXattrs);
    const only = marksOf(entry("file", { [`${names}.overlay.origin`]: "" }), names);
    assert.equal(only.xattrs, undefined);
    const none = entry("file", kept);
    assert.equal(marksOf(none, names).xattrs, none.xattrs);
    assert.ok(!marksOf(none, names).hidesXattrs);
  });

  Deno.test(`overlay marks: an escaped name loses one escape (${names})`, () => {
    const { xattrs: shown, hidesXattrs, isOpaque } = marksOf(
      entry("directory", {
        [`${names}.overlay.overlay.opaque`]: "y",
        [`${names}.overlay.overlay.overlay.opaque`]: "z",
      }),
      names,
    );
    assert.deepEqual(
      shown,
      xattrs({ [`${names}.overlay.opaque`]: "y", [`${names}.overlay.overlay.opaque`]: "z" }),
    );
    assert.ok(!isOpaque && !hidesXattrs);
  });

  Deno.test(`overlay marks: each counts only where the kernel heeds it (${names})`, () => {
    const mark = (kind: EntryKind, values: Record<string, string>) =>
      marksOf(
        entry(
          kind,
          Object.fromEntries(
            Object.entries(values).map(([key, value]) => [`${names}.overlay.${key}`, value]),
          ),
        ),
        names,
      );
    assert.ok(!mark("directory", { opaque: "x" }).isOpaque);
    assert.ok(!mark("directory", { opaque: "yes" }).isOpaque);
    assert.ok(!mark("file", { opaque: "y" }).isOpaque);
    assert.equal(mark("directory", { redirect: "/a/b" }).redirect, "/a/b");
    assert.equal(mark("directory", { redirect: "/a", opaque: "y" }).redirect, undefined);
    // A file whose content has been copied since keeps its redirect, which means nothing then.
    assert.equal(mark("file", { redirect: "/a" }).redirect, undefined);
    assert.equal(mark("file", { redirect: "/a", metacopy: "" }).redirect, "/a");
    assert.ok(mark("file", { metacopy: "\x00\x04\x00\x00" }).isMetacopy);
    assert.ok(!mark("symlink", { metacopy: "" }).isMetacopy);
    assert.equal(mark("fifo", { nlink: "U+0" }).linkCount, "U+0");
    assert.equal(mark("directory", { nlink: "U+0" }).linkCount, undefined);
  });
}

Deno.test("overlay marks: whose names count is what root wrote, or else what was asked for", () => {
  const both = xattrs({ "trusted.overlay.uuid": "1", "user.overlay.uuid": "2" });
  const user = xattrs({ "user.overlay.uuid": "2", "user.other": "3" });
  const none = xattrs({ "user.other": "3" });
  const trusted = { names: "trusted", followRedirects: true };
  assert.ok(hasMarks(user, "user") && !hasMarks(user, "trusted") && !hasMarks(none, "user"));
  for (const isRoot of [true, false]) {
    assert.deepEqual(chooseNames(both, { isRoot }), trusted);
    // Any user may have written it, so it is not enough to fetch what that user may not read.
    assert.deepEqual(chooseNames(user, { isRoot }), { names: "user", followRedirects: false });
    for (const found of [both, user, none, undefined]) {
      const asked = chooseNames(found, { userXattrs: true, isRoot });
      assert.deepEqual(asked, { names: "user", followRedirects: true });
    }
  }
  assert.deepEqual(chooseNames(none, { isRoot: true }), trusted);
  assert.deepEqual(chooseNames(user, { userXattrs: false, isRoot: true }), trusted);
  assert.equal(chooseNames(undefined, { isRoot: false }), undefined);
  assert.equal(chooseNames(user, { userXattrs: false, isRoot: false }), undefined);
});
