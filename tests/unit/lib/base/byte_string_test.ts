/** Goal: names survive exactly, whatever their bytes, and do nothing to the terminal they are shown on. */

import assert from "node:assert/strict";
import {
  compareByteStrings,
  decodeByteString,
  displayByteString,
  encodeByteString,
  isValidUtf8,
  sortByteStrings,
} from "../../../../lib/base/byte_string.ts";
import { SeededRandom, takeSeed } from "../../../helpers/seeded_random.ts";

const encoder = new TextEncoder();

Deno.test("byte strings: text that is UTF-8 decodes as itself", () => {
  for (
    const text of ["", "plain", "\ufeffmark first", "ünï", "😀", "\uffff", "x".repeat(300) + "é"]
  ) {
    assert.equal(decodeByteString(encoder.encode(text)), text);
    assert.deepEqual(encodeByteString(text), encoder.encode(text));
    assert.ok(isValidUtf8(text));
  }
});

Deno.test("byte strings: what is not UTF-8 decodes as Python's surrogateescape does", () => {
  // From Python: bytes.fromhex(…).decode("utf-8", "surrogateescape").
  const vectors: readonly [string, string][] = [
    ["61ff62", "a\udcffb"],
    ["c3", "\udcc3"],
    ["c3a9c3", "é\udcc3"],
    ["eda080", "\udced\udca0\udc80"],
    ["c080", "\udcc0\udc80"],
    ["f09f98", "\udcf0\udc9f\udc98"],
    ["f09f9880ff", "😀\udcff"],
    ["f5808080", "\udcf5\udc80\udc80\udc80"],
    ["e28261", "\udce2\udc82a"],
  ];
  for (const [hex, text] of vectors) {
    const bytes = Uint8Array.fromHex(hex);
    assert.equal(decodeByteString(bytes), text, hex);
    assert.deepEqual(encodeByteString(text), bytes, hex);
    assert.ok(!isValidUtf8(text), hex);
  }
});

Deno.test("byte strings: any bytes come back, and no two names become one", () => {
  const seed = takeSeed();
  const random = new SeededRandom(seed);
  const seen = new Map<string, string>();
  for (let i = 0; i < 3000; i++) {
    const bytes = random.bytes(random.below(i % 10 === 0 ? 200 : 8));
    const text = decodeByteString(bytes);
    const hex = bytes.toHex();
    assert.equal(encodeByteString(text).toHex(), hex, `SEED=${seed}`);
    assert.equal(seen.get(text) ?? hex, hex, `SEED=${seed}`);
    seen.set(text, hex);
  }
});

Deno.test("byte strings: a lone surrogate that stands for no byte is a TypeError", () => {
  for (const text of ["\ud800", "a\udc00", "\udc7f", "\udd00b", "\udbff\udbff"]) {
    assert.throws(() => encodeByteString(text), TypeError, escape(text));
  }
});

Deno.test("byte strings: nothing that a terminal obeys is left in a name shown", () => {
  const shown: readonly [string, string][] = [
    ["plain ünï 😀", "plain ünï 😀"],
    ["\x1b[31mred", "\\x1b[31mred"],
    ["new\nline\ttab\r", "new\\x0aline\\x09tab\\x0d"],
    ["\x7f\0", "\\x7f\\x00"],
    ["back\\slash", "back\\\\slash"],
    // A C1 control character, and the byte that is not UTF-8: not the same name.
    ["\u0085", "\\u{85}"],
    [decodeByteString(Uint8Array.of(0x85)), "\\x85"],
    ["abc\u202egnp.exe", "abc\\u{202e}gnp.exe"],
    ["\u2066\u2069", "\\u{2066}\\u{2069}"],
    ["\u061c\u200e\u200f", "\\u{61c}\\u{200e}\\u{200f}"],
    ["\u2028", "\\u{2028}"],
    ["😀\udcff", "😀\\xff"],
  ];
  for (const [name, text] of shown) assert.equal(displayByteString(name), text);
});

Deno.test("byte strings: they sort as their bytes do", () => {
  const seed = takeSeed();
  const random = new SeededRandom(seed);
  const fixed = ["", "a", "ab", "b", "é", "\uffff", "😀", "\udc80", "\udcff"];
  const names = [
    ...fixed.map(encodeByteString),
    ...Array.from({ length: 300 }, () => random.bytes(random.below(5))),
  ];
  const hexes = names.map((bytes) => bytes.toHex());
  const sorted = names.map(decodeByteString).sort(compareByteStrings)
    .map((text) => encodeByteString(text).toHex());
  // Hexadecimal of equal case sorts as bytes do.
  assert.deepEqual(sorted, hexes.toSorted(), `SEED=${seed}`);
  assert.equal(compareByteStrings("😀", "😀"), 0);
});

Deno.test("byte strings: a sort is by bytes, whatever is among them", () => {
  const plain = ["b", "a/", "a", "", "ä", "Z"];
  assert.deepEqual(sortByteStrings([...plain]), ["", "Z", "a", "a/", "b", "ä"]);
  // By code units U+1F600 (surrogates) comes before U+FF00, by bytes after it.
  assert.deepEqual(sortByteStrings(["\u{1f600}", "\uff00", "a"]), ["a", "\uff00", "\u{1f600}"]);
});
