/**
 * Goal: ids cannot be mistaken, and keys do not leak by accident. Method: direct calls.
 *
 * @module
 */

import assert from "node:assert/strict";
import { inspect } from "node:util";
import {
  blockIdBytes,
  blockIdFromBytes,
  BlockKey,
  parseBlockId,
} from "../../../../lib/block/block_ref.ts";

const digest = Uint8Array.from({ length: 32 }, (_, i) => i * 8);
const digits = digest.toHex();

Deno.test("block id: text and bytes are the same id", () => {
  assert.equal(parseBlockId(digits), digits);
  assert.equal(blockIdFromBytes(digest), digits);
  assert.deepEqual(blockIdBytes(parseBlockId(digits)), digest);
});

Deno.test("block id: nothing but 64 lower-case hexadecimal digits is one", () => {
  const wrong = [
    "",
    digits.slice(1),
    `${digits}0`,
    digits.toUpperCase(),
    `${digits.slice(1)}g`,
    ` ${digits}`,
    `${digits}\n`,
    `/${digits.slice(1)}`,
    "../".repeat(22),
    "x".repeat(1000),
  ];
  for (const text of wrong) {
    assert.throws(() => parseBlockId(text), (error: Error) => {
      assert.ok(error instanceof SyntaxError);
      assert.match(error.message, /^Cannot read ".*" as a block id: /);
      assert.ok(error.message.length < 200);
      return true;
    });
  }
  assert.throws(() => blockIdFromBytes(digest.subarray(1)), RangeError);
});

Deno.test("block key: bytes go in and out as copies", () => {
  const bytes = digest.slice();
  const key = BlockKey.fromBytes(bytes);
  bytes.fill(0);
  key.toBytes().fill(0);
  assert.deepEqual(key.toBytes(), digest);
  assert.throws(() => BlockKey.fromBytes(digest.subarray(1)), RangeError);
  assert.throws(() => BlockKey.fromBytes(new Uint8Array(33)), RangeError);
});

Deno.test("block key: equals compares the bytes", () => {
  assert.ok(BlockKey.fromBytes(digest).equals(BlockKey.fromBytes(digest)));
  const other = digest.slice();
  other[31]! ^= 1;
  assert.ok(!BlockKey.fromBytes(digest).equals(BlockKey.fromBytes(other)));
});

Deno.test("block key: prints and serialises as redacted", () => {
  const key = BlockKey.fromBytes(digest);
  const shown = [
    String(key),
    `${key}`,
    JSON.stringify({ key }),
    Deno.inspect({ key }),
    inspect({ key }),
    inspect({ key }, { showHidden: true, depth: null }),
  ].join("\n");
  assert.match(shown, /redacted/);
  assert.ok(!shown.includes(digits.slice(0, 8)));
  assert.ok(!shown.includes("16, 24, 32") && !shown.includes("16,24,32"));
});
