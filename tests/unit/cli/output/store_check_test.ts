/** What `myfs store check` says: every ability, what is broken, what was not tried and why, and speed. */

import assert from "node:assert/strict";
import type { StoreCheckReport } from "myfs";
import { storeCheckLines, storeCheckSummary } from "../../../../cli/output/store_check.ts";

const YES = { answer: "yes" } as const;
const UNTRIED = { answer: "untried", reason: "nothing was written" } as const;

const REPORT: StoreCheckReport = {
  store: "http://host/blocks",
  scratch: "none",
  abilities: {
    read: YES,
    list: { answer: "no", reason: "it cannot say which blocks it has" },
    write: { answer: "no", reason: "a web server" },
    skipPresent: UNTRIED,
    flush: UNTRIED,
    delete: UNTRIED,
  },
  promises: [
    { name: "read: one", outcome: "kept" },
    { name: "read: two", outcome: "broken", reason: "gave\x07 nothing" },
    { name: "put: three", outcome: "skipped", reason: "a web server" },
    { name: "put: four", outcome: "skipped", reason: "a web server" },
  ],
  brokenCount: 1,
  speed: [
    {
      operation: "get",
      blockBytes: 524_288,
      concurrency: 16,
      requests: 64,
      requestsPerSecond: 1234.5,
      bytesPerSecond: 1_048_576,
      latencyMedianMs: 0.123,
      latencyP95Ms: 250.4,
    },
    {
      operation: "has",
      blockBytes: 0,
      concurrency: 1,
      requests: 9,
      requestsPerSecond: 5,
      bytesPerSecond: 0,
      latencyMedianMs: 3,
      latencyP95Ms: 4,
    },
  ],
  blocksLeft: 0,
  durationMs: 1500,
};

Deno.test("store check output: tells all that was found", () => {
  assert.deepEqual([...storeCheckLines(REPORT)], [
    "store     http://host/blocks",
    "can       read blocks         yes",
    "can       list them           no: it cannot say which blocks it has",
    "can       write blocks        no: a web server",
    "can       skip what is there  untried: nothing was written",
    "can       make them durable   untried: nothing was written",
    "can       delete blocks       untried: nothing was written",
    "promises  1 kept, 1 broken",
    "broken    read: two: gave\\u{7} nothing",
    "untried   2 promises: a web server",
    "speed     call    block  at once  calls  calls/s        rate   median     95 %",
    "speed     get   512 KiB       16     64    1,235  1.00 MiB/s  0.12 ms   250 ms",
    "speed     has                  1      9        5              3.00 ms  4.00 ms",
  ]);
});

Deno.test("store check output: sums up in a line, and says what was left", () => {
  assert.deepEqual([...storeCheckSummary(REPORT)], [
    "Checked http://host/blocks in 1.5 s: 1 promise broken; nothing was written",
  ]);
  assert.deepEqual(
    [...storeCheckSummary({ ...REPORT, brokenCount: 0, scratch: "among", blocksLeft: 1 })],
    [
      "Checked http://host/blocks in 1.5 s: no promise is broken; " +
      "blocks were written beside those that it has",
      "  left     1 block that could not be deleted",
    ],
  );
});
