/**
 * The progress line with a clock and a terminal of our own.
 */

import assert from "node:assert/strict";
import { ProgressBar, progressLine } from "../../../../cli/output/progress_bar.ts";

const MIB = 1024 * 1024;

const halfway = {
  phase: "store",
  entries: 12_345,
  entriesTotal: 59_425,
  bytes: 400 * MIB,
  bytesTotal: 800 * MIB,
} as const;

function fakeTerminal(columns = 120): {
  readonly bar: ProgressBar;
  readonly written: string[];
  tick(ms: number): void;
} {
  let now = 5000;
  const written: string[] = [];
  const bar = new ProgressBar({
    write: (text) => written.push(text),
    columns: () => columns,
    now: () => now,
  });
  return { bar, written, tick: (ms) => now += ms };
}

Deno.test("progress line: shows phase, share, counts, bytes, rate and time left", () => {
  assert.equal(
    progressLine(halfway, 4000, 120),
    "storing   50 %  [##########----------]  12,345 of 59,425 entries  400 MiB of 800 MiB  " +
      "100 MiB/s  ETA 0:04",
  );
});

Deno.test("progress line: shows no share while the totals are unknown", () => {
  assert.equal(
    progressLine({ phase: "scan", entries: 1, bytes: 0 }, 4000, 120),
    "scanning  1 entry",
  );
});

Deno.test("progress line: estimates nothing in the first second", () => {
  assert.doesNotMatch(progressLine(halfway, 900, 120), /ETA|\/s/);
});

Deno.test("progress line: counts by entries where there are no bytes", () => {
  const event = { phase: "read", entries: 3, entriesTotal: 4, bytes: 0, bytesTotal: 0 } as const;
  assert.match(progressLine(event, 500, 120), /^reading {3}75 %/);
});

Deno.test("progress line: never shows more than all", () => {
  const event = { phase: "read", entries: 0, bytes: 12, bytesTotal: 10 } as const;
  assert.match(progressLine(event, 5000, 120), /100 %/);
});

Deno.test("progress line: fits every width and gives up the least useful parts first", () => {
  for (let width = 0; width <= 130; width++) {
    assert.ok(progressLine(halfway, 4000, width).length <= width, `width ${width}`);
  }
  assert.equal(progressLine(halfway, 4000, 20), "storing   50 %");
  assert.equal(progressLine(halfway, 4000, 60), "storing   50 %  400 MiB of 800 MiB  ETA 0:04");
});

Deno.test("progress bar: draws at most ten times a second", () => {
  const { bar, written, tick } = fakeTerminal();
  for (let i = 0; i < 1000; i++) {
    tick(1);
    bar.update(halfway);
  }
  assert.equal(written.length, 10);
});

Deno.test("progress bar: shows nothing for work that ends at once", () => {
  const { bar, written, tick } = fakeTerminal();
  bar.update(halfway);
  tick(50);
  bar.update(halfway);
  bar.clear();
  assert.deepEqual(written, []);
});

Deno.test("progress bar: draws over itself on one line and leaves the last column free", () => {
  const { bar, written, tick } = fakeTerminal(60);
  tick(200);
  bar.update(halfway);
  const line = written[0]!;
  assert.ok(line.startsWith("\r") && line.endsWith("\x1b[K") && !line.includes("\n"));
  assert.ok(line.length - "\r\x1b[K".length <= 59);
});

Deno.test("progress bar: clears its line once", () => {
  const { bar, written, tick } = fakeTerminal();
  tick(200);
  bar.update(halfway);
  bar.clear();
  bar.clear();
  assert.deepEqual(written.slice(1), ["\r\x1b[K"]);
});

Deno.test("progress bar: measures the rate of each phase on its own", () => {
  const { bar, written, tick } = fakeTerminal();
  bar.update({ phase: "scan", entries: 10, bytes: 0 });
  tick(60_000);
  bar.update({ phase: "store", entries: 0, bytes: 0 });
  tick(2000);
  bar.update({ phase: "store", entries: 0, bytes: 10 * MIB });
  assert.match(written.at(-1)!, /5\.00 MiB\/s/);
});
