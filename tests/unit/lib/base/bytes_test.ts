/** Goal: the small helpers do what C's memcmp and the usual hexadecimal do. */

import assert from "node:assert/strict";
import {
  compareBytes,
  concatBytes,
  equalBytes,
  fromHex,
  releaseBytes,
  toHex,
} from "../../../../lib/base/bytes.ts";

const of = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);

Deno.test("bytes: hexadecimal is lower case on the way out and either on the way in", () => {
  assert.equal(toHex(of(0, 0x0f, 0xab, 0xff)), "000fabff");
  assert.deepEqual(fromHex("000fABff"), of(0, 0x0f, 0xab, 0xff));
  assert.deepEqual(fromHex(""), of());
  for (const bad of ["0", "0g", "abc", " 00"]) assert.throws(() => fromHex(bad), SyntaxError);
});

Deno.test("bytes: joined parts follow each other and share no memory with them", () => {
  const part = of(1, 2);
  const whole = concatBytes([part, of(), of(3)]);
  part.fill(9);
  assert.deepEqual(whole, of(1, 2, 3));
  assert.deepEqual(concatBytes([]), of());
});

Deno.test("bytes: equal means same length and same bytes", () => {
  assert.ok(equalBytes(of(1, 2), of(1, 2)));
  assert.ok(equalBytes(of(), of()));
  assert.ok(!equalBytes(of(1, 2), of(1, 3)));
  assert.ok(!equalBytes(of(1, 2), of(1)));
  assert.ok(!equalBytes(of(), of(0)));
});

Deno.test("bytes: order is unsigned, and a prefix comes first", () => {
  const sorted = [of(), of(0), of(1), of(1, 0), of(1, 0xff), of(0x7f), of(0x80), of(0xff)];
  assert.deepEqual(sorted.toReversed().sort(compareBytes), sorted);
  assert.equal(compareBytes(of(5, 6), of(5, 6)), 0);
});

Deno.test("bytes: large memory is given back with all its views, small memory stays", () => {
  const large = new Uint8Array(1 << 20);
  const view = large.subarray(1, 5);
  releaseBytes(view);
  assert.equal(large.length, 0);
  assert.equal(view.length, 0);
  releaseBytes(view);

  const small = new Uint8Array(100).fill(7);
  releaseBytes(small);
  assert.equal(small.length, 100);

  const shared = new Uint8Array(new SharedArrayBuffer(1 << 20));
  releaseBytes(shared);
  assert.equal(shared.length, 1 << 20);
});
