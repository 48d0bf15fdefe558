/** Goal: any bytes come back from one printable word. Method: all single bytes, odd sequences. */

import assert from "node:assert/strict";
import {
  escapeBytes,
  escapeText,
  unescapeBytes,
  unescapeText,
} from "../../../../lib/flist/text_escape.ts";

Deno.test("text escape: every byte and pair of bytes comes back from one word", () => {
  for (let first = 0; first < 256; first++) {
    for (const second of [0, 0x20, 0x41, 0x5c, 0x80, 0xa9, 0xc3, 0xff]) {
      const bytes = new Uint8Array([first, second]);
      const word = escapeBytes(bytes);
      assert.match(word, /^[^\s]+$/);
      assert.deepEqual(unescapeBytes(word), bytes);
    }
  }
});

Deno.test("text escape: letters of all scripts stay, what a terminal obeys does not", () => {
  assert.equal(escapeText("naïve 文件 😀"), "naïve\\x20文件\\x20😀");
  assert.equal(escapeText("\x1b[2J\u202e\u0085"), "\\x1b[2J\\xe2\\x80\\xae\\xc2\\x85");
  assert.equal(escapeText("a=b", "="), "a\\x3db");
  assert.equal(unescapeText(escapeText("a\udcff\\x41")), "a\udcff\\x41");
  assert.equal(escapeText(""), "");
});

Deno.test("text escape: a backslash that begins no escape is refused", () => {
  for (const word of ["\\", "a\\x4", "\\n", "\\x4G", "\\xAB"]) {
    assert.throws(() => unescapeBytes(word), SyntaxError);
  }
});
