/** Goal: positions are found with and without gaps, and nothing is found that is not there. */

import assert from "node:assert/strict";
import { SortedNumbers } from "../../../../lib/flist/sorted_numbers.ts";

Deno.test("sorted numbers: find every number, with gaps and without", () => {
  for (const step of [1, 2, 1e12]) {
    const numbers = new SortedNumbers(4);
    for (let i = 1; i <= 100; i++) assert.equal(numbers.add(i * step), i - 1);
    assert.equal(numbers.length, 100);
    for (let i = 1; i <= 100; i++) {
      assert.equal(numbers.positionOf(i * step), i - 1);
      assert.equal(numbers.at(i - 1), i * step);
    }
    for (const absent of [0, -1, 0.5, 101 * step, step * 100 + 0.5, NaN]) {
      assert.equal(numbers.positionOf(absent), -1);
    }
  }
});

Deno.test("sorted numbers: room that is not used yet is not found", () => {
  const numbers = new SortedNumbers(16);
  numbers.add(1);
  assert.equal(numbers.positionOf(0), -1);
  assert.equal(numbers.positionOf(2), -1);
});
