/**
 * What a person reads about a cache.
 */

import assert from "node:assert/strict";
import {
  cacheStatusLines,
  clearSummary,
  damagedLines,
  pinSummary,
  verifySummary,
} from "../../../../cli/output/cache.ts";

const MIB = 2 ** 20;

Deno.test("cache status: one line a fact, and one a pin", () => {
  const status = {
    folder: "/home/me/.cache/myfs/blocks",
    blocks: 1234,
    bytes: 512 * MIB,
    sizeMax: 1024 * MIB,
    blocksPinned: 10,
    bytesPinned: 5 * MIB,
    freeBytes: 2048 * MIB,
    freeSpaceMin: 100 * MIB,
    pins: [{ name: "/srv/a\x1b.fl", blocks: 12, blocksPresent: 10, bytesPresent: 5 * MIB }],
  };
  assert.deepEqual([...cacheStatusLines(status)], [
    "folder    /home/me/.cache/myfs/blocks",
    "blocks    1,234",
    "space     512 MiB of 1.00 GiB, 50.0 %",
    "pinned    10 blocks, 5.00 MiB",
    "disk      2.00 GiB free, of which 100 MiB stay free",
    "pin       /srv/a\\u{1b}.fl: 10 of 12 blocks, 5.00 MiB",
  ]);
});

Deno.test("cache: summaries say what was done", () => {
  const pin = { name: "/a.fl", blocks: 3, blocksPresent: 2, bytesPresent: MIB, blocksFetched: 0 };
  assert.deepEqual([...pinSummary([pin, { ...pin, blocksFetched: 2 }])], [
    "Pinned /a.fl: 2 of 3 blocks are there, 1.00 MiB",
    "Pinned /a.fl: 2 of 3 blocks are there, 1.00 MiB; 2 fetched",
  ]);
  assert.deepEqual([...clearSummary("/c", { blocks: 1, bytes: 4096 })], [
    "Removed 1 block from /c, 4.00 KiB",
  ]);
  const sound = { blocks: 5, bytes: MIB, damaged: [] };
  assert.deepEqual([...verifySummary("/c", sound)], ["Checked 5 blocks of /c, 1.00 MiB: all well"]);
  assert.deepEqual([...verifySummary("/c", { ...sound, damaged: ["ab", "cd"] })], [
    "Checked 5 blocks of /c, 1.00 MiB: 2 damaged and removed",
  ]);
  assert.deepEqual([...damagedLines({ ...sound, damaged: ["ab"] })], ["damaged ab: removed"]);
});
