/** Goal: who reads one file after the other is noticed, once for many files; nobody else is. */

import assert from "node:assert/strict";
import { NEIGHBOURS_MAX, ReadSequence } from "../../../../lib/mount/read_sequence.ts";

Deno.test("read sequence: told at the second file of a chunk, and not again for those after it", () => {
  const sequence = new ReadSequence();
  assert.equal(sequence.note(10, 5), false);
  assert.equal(sequence.note(11, 5), true);
  for (let ino = 12; ino <= 11 + NEIGHBOURS_MAX; ino++) assert.equal(sequence.note(ino, 5), false);
  assert.equal(sequence.note(12 + NEIGHBOURS_MAX, 5), true);
});

Deno.test("read sequence: told at the first file of the next chunk", () => {
  const sequence = new ReadSequence();
  sequence.note(10, 5);
  assert.equal(sequence.note(11, 5), true);
  assert.equal(sequence.note(12, 6), true);
  assert.equal(sequence.note(13, 6), false);
});

Deno.test("read sequence: files here and there are none", () => {
  const sequence = new ReadSequence();
  for (const [ino, chunk] of [[10, 5], [90, 9], [30, 7], [91, 9], [11, 5]] as const) {
    assert.equal(sequence.note(ino, chunk), false);
  }
});

Deno.test("read sequence: another directory of the same chunk is told for itself", () => {
  const sequence = new ReadSequence();
  sequence.note(10, 5);
  assert.equal(sequence.note(11, 5), true);
  assert.equal(sequence.note(500, 5), true);
  assert.equal(sequence.note(501, 5), false);
});
