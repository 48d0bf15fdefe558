/**
 * Numbers for people: unit boundaries are where such code goes wrong, so they are what is tested.
 */

import assert from "node:assert/strict";
import {
  formatBytes,
  formatClock,
  formatCount,
  formatDuration,
  formatNoun,
  formatRate,
  formatShare,
} from "../../../../cli/output/format.ts";

/** Checks `format` against a table of inputs and outputs. */
function table<Input>(format: (input: Input) => string, rows: readonly [Input, string][]): void {
  for (const [input, expected] of rows) assert.equal(format(input), expected, String(input));
}

Deno.test("format: counts get a comma every three digits", () => {
  table(formatCount, [
    [0, "0"],
    [999, "999"],
    [1000, "1,000"],
    [59425, "59,425"],
    [1234567, "1,234,567"],
    [Number.MAX_SAFE_INTEGER, "9,007,199,254,740,991"],
  ]);
});

Deno.test("format: nouns follow their count", () => {
  assert.equal(formatNoun(1, "file"), "1 file");
  assert.equal(formatNoun(0, "file"), "0 files");
  assert.equal(formatNoun(2000, "directory", "directories"), "2,000 directories");
});

Deno.test("format: sizes change their unit before they need four digits", () => {
  table(formatBytes, [
    [0, "0 B"],
    [1023, "1,023 B"],
    [1024, "1.00 KiB"],
    [1536, "1.50 KiB"],
    [10 * 1024 - 1, "10.0 KiB"],
    [100 * 1024 - 1, "100 KiB"],
    [1023 * 1024, "1,023 KiB"],
    [1024 * 1024 - 1, "1.00 MiB"],
    [38_000_000, "36.2 MiB"],
    [5 * 1024 ** 3, "5.00 GiB"],
    [Number.MAX_SAFE_INTEGER, "8.00 PiB"],
  ]);
});

Deno.test("format: durations never show sixty of a unit", () => {
  table(formatDuration, [
    [0, "0 ms"],
    [85.4, "85 ms"],
    [999.4, "999 ms"],
    [999.6, "1.0 s"],
    [3210, "3.2 s"],
    [59_940, "59.9 s"],
    [59_960, "1 min 00 s"],
    [65_000, "1 min 05 s"],
    [3_599_600, "1 h 00 min"],
    [7_380_000, "2 h 03 min"],
  ]);
});

Deno.test("format: clocks show hours only when there are some", () => {
  table(formatClock, [
    [0, "0:00"],
    [-5, "0:00"],
    [4000, "0:04"],
    [750_000, "12:30"],
    [3_723_000, "1:02:03"],
  ]);
});

Deno.test("format: rates and shares survive a division by nothing", () => {
  assert.equal(formatRate(1024 * 1024, 500), "2.00 MiB/s");
  assert.equal(formatRate(100, 0), "");
  assert.equal(formatShare(1, 4), "25.0 %");
  assert.equal(formatShare(0, 0), "0 %");
});
