/**
 * What commands say when they are done: every figure in its place.
 */

import assert from "node:assert/strict";
import type { PackReport } from "myfs";
import {
  checkSummary,
  cloneSummary,
  commitSummary,
  countsText,
  packSummary,
  unpackSummary,
} from "../../../../cli/output/summaries.ts";

const MIB = 1024 * 1024;

const counts = { files: 48_443, directories: 10_982, symlinks: 1, specials: 0, hardLinks: 2 };

const packed: PackReport = {
  ...counts,
  meta: "out.fl",
  profile: "myfs",
  contentBytes: 800 * MIB,
  chunks: 925,
  blocksStored: 900,
  blocksPresent: 25,
  blocksReused: 0,
  storedBytes: 198 * MIB,
  referencedBytes: 200 * MIB,
  flistBytes: 7 * MIB,
  unchangedFiles: 0,
  durationMs: 3200,
  failures: [],
  losses: [],
};

Deno.test("summaries: kinds that do not occur are not mentioned", () => {
  assert.equal(countsText(counts), "48,443 files, 10,982 directories, 1 symlink, 2 hard links");
  const none = { files: 0, directories: 0, symlinks: 0, specials: 0, hardLinks: 0 };
  assert.equal(countsText(none), "0 files");
});

Deno.test("summaries: a pack tells what was there, what it became and what it cost", () => {
  assert.deepEqual([...packSummary("./tree", packed)], [
    "Packed ./tree into out.fl in 3.2 s (250 MiB/s)",
    "  tree     48,443 files, 10,982 directories, 1 symlink, 2 hard links",
    "  content  800 MiB in 925 chunks; blocks 200 MiB, 25.0 % of the content",
    "  stored   900 new blocks, 198 MiB; 25 were there already",
    "  flist    7.00 MiB, profile myfs",
  ]);
});

Deno.test("summaries: a pack with a base tells what was reused", () => {
  const report = { ...packed, unchangedFiles: 48_000, blocksReused: 1 };
  assert.ok(
    [...packSummary("t", report)].includes(
      "  reused   48,000 unchanged files, 1 block of the base",
    ),
  );
});

Deno.test("summaries: a commit tells what the overlay changed, and where blocks are", () => {
  const committed = {
    ...packed,
    upper: "./upper",
    base: "old.fl",
    upperEntries: 1200,
    whiteouts: 1,
    blocksElsewhere: 0,
  };
  const [first, second, ...others] = commitSummary(committed);
  assert.equal(first, "Committed ./upper on old.fl into out.fl in 3.2 s");
  assert.equal(second, "  changes  1,200 entries from the overlay, 1 name of the base taken away");
  assert.deepEqual(others, [...packSummary("./tree", packed)].slice(1));
  assert.equal(
    [...commitSummary({ ...committed, blocksElsewhere: 25 })].at(-1),
    "  routes   25 blocks in the stores of the base alone, which the flist names too",
  );
});

Deno.test("summaries: an unpack, a clone and a check name what they worked on", () => {
  const unpacked = {
    ...counts,
    target: "out",
    contentBytes: 2 * MIB,
    blocksRead: 1,
    blockBytes: MIB,
    durationMs: 1000,
    failures: [],
    losses: [],
  };
  assert.equal(
    [...unpackSummary(unpacked, "a.fl")][0],
    "Unpacked a.fl into out in 1.0 s (2.00 MiB/s)",
  );
  const cloned = {
    meta: "a.fl",
    target: "b.fl",
    blocksCopied: 2,
    blocksPresent: 1000,
    copiedBytes: 0,
    durationMs: 5,
  };
  assert.deepEqual([...cloneSummary(cloned)], [
    "Cloned a.fl to b.fl in 5 ms",
    "  blocks   2 copied, 0 B; 1,000 were there already",
  ]);
  const fault = { id: "ab", reason: "gone", paths: [], pathCount: 0 };
  const checked = {
    meta: "a.fl",
    blocks: 3,
    blocksOk: 2,
    blockBytes: 0,
    missing: [fault],
    corrupt: [],
    incomplete: [],
    durationMs: 5,
  };
  assert.deepEqual([...checkSummary(checked)], [
    "Checked 3 blocks of a.fl in 5 ms: 1 missing, 0 damaged",
  ]);
  assert.match([...checkSummary({ ...checked, missing: [] })][0]!, /: all well$/);
});
