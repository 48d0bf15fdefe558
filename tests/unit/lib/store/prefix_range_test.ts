/** Goal: first bytes, ranges and their table agree with the two digits that an id starts with. */

import assert from "node:assert/strict";
import { parseBlockId } from "../../../../lib/block/block_ref.ts";
import {
  formatRange,
  prefixOf,
  tableByPrefix,
  uncoveredError,
} from "../../../../lib/store/prefix_range.ts";

const id = parseBlockId(`ab${"0".repeat(62)}`);

Deno.test("prefixOf: is the first byte of the id", () => {
  assert.equal(prefixOf(id), 0xab);
  assert.equal(prefixOf(parseBlockId(`00${"f".repeat(62)}`)), 0);
  assert.equal(prefixOf(parseBlockId("f".repeat(64))), 255);
});

Deno.test("formatRange: writes two digits for each end", () => {
  assert.equal(formatRange({ start: 0, end: 10 }), "00-0a");
});

Deno.test("tableByPrefix: has the ranges of each first byte in their order", () => {
  const low = { start: 0, end: 0x7f };
  const all = { start: 0, end: 255 };
  const one = { start: 0x7f, end: 0x7f };
  const table = tableByPrefix([all, low, one]);
  assert.equal(table.length, 256);
  assert.deepEqual(table[0], [all, low]);
  assert.deepEqual(table[0x7f], [all, low, one]);
  assert.deepEqual(table[0x80], [all]);
});

Deno.test("tableByPrefix: refuses what is no range of bytes", () => {
  for (const [start, end] of [[-1, 5], [0, 256], [5, 4], [0.5, 3], [NaN, 3]] as const) {
    assert.throws(() => tableByPrefix([{ start, end }]), RangeError);
  }
});

Deno.test("uncoveredError: says which prefix is asked for and which there are", () => {
  const error = uncoveredError(id, [{ start: 0, end: 0x7f }, { start: 0xf0, end: 0xff }]);
  assert.match(error.message, /prefix ab, only 00-7f, f0-ff/);
  assert.match(error.hint!, /ab/);
  assert.equal(error.retryable, false);
});
