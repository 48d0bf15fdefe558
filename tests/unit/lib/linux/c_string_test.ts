/** Goal: what reaches the C library is the name's exact bytes, ended by a NUL. */

import assert from "node:assert/strict";
import { decodeByteString } from "../../../../lib/base/byte_string.ts";
import { CString, EMPTY_C_STRING } from "../../../../lib/linux/c_string.ts";

/** What C would see. */
function seen(buffer: Uint8Array): Uint8Array {
  const end = buffer.indexOf(0);
  assert.ok(end >= 0, "nothing ends the string");
  return buffer.slice(0, end);
}

Deno.test("CString: names of any bytes and length end where they end", () => {
  const string = new CString();
  const names = [
    new TextEncoder().encode("a long name first"),
    new TextEncoder().encode("short"),
    new Uint8Array(),
    new TextEncoder().encode("é😀"),
    Uint8Array.of(0x61, 0xff, 0xfe),
    new Uint8Array(4095).fill(0x78),
    new Uint8Array(4095).fill(0xff),
    new Uint8Array(20_000).fill(0x79),
  ];
  for (const name of names) assert.deepEqual(seen(string.of(decodeByteString(name))), name);
});

Deno.test("CString: a NUL inside is refused, for C would stop there", () => {
  assert.throws(() => new CString().of("/etc/passwd\0.txt"), RangeError);
});

Deno.test("CString: two of them hold two strings", () => {
  const [left, right] = [new CString(), new CString()];
  const [a, b] = [left.of("left"), right.of("right")];
  assert.equal(decodeByteString(seen(a)), "left");
  assert.equal(decodeByteString(seen(b)), "right");
  assert.deepEqual(seen(EMPTY_C_STRING), new Uint8Array());
});
