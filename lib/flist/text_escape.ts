/**
 * Bytes as one word of readable text and back: what the text form of a flist is made of.
 *
 * @module
 */

import { decodeByteString, encodeByteString } from "../base/byte_string.ts";
import type { Bytes } from "../base/bytes.ts";

/**
 * What is written as escapes: control and format characters, spaces of all kinds, the backslash,
 * and bytes that are not UTF-8. A list instead of Unicode's properties, which change with its
 * versions. [F62]
 */
const unsafe = new RegExp(
  "[\\u0000-\\u0020\\\\\\u007f-\\u00a0\\u00ad\\u061c\\u1680\\u180e\\u2000-\\u200f\\u2028-\\u202f" +
    "\\u205f-\\u206f\\u3000\\ud800-\\udfff\\ue000-\\uf8ff\\ufeff\\ufff0-\\uffff\\u{e0000}-\\u{e007f}]",
  "u",
);

/**
 * A byte string as one word.
 *
 * @param alsoEscaped One more character to write as an escape. @default {none}
 */
export function escapeText(text: string, alsoEscaped = ""): string {
  if (!unsafe.test(text) && !(alsoEscaped !== "" && text.includes(alsoEscaped))) return text;
  let word = "";
  for (const character of text) {
    if (unsafe.test(character) || character === alsoEscaped) {
      for (const byte of encodeByteString(character)) {
        word += `\\x${byte.toString(16).padStart(2, "0")}`;
      }
    } else {
      word += character;
    }
  }
  return word;
}

/** Bytes as one word. */
export function escapeBytes(bytes: Uint8Array): string {
  return escapeText(decodeByteString(bytes));
}

/**
 * The bytes that a word stands for.
 *
 * @throws {SyntaxError} when a backslash begins no escape.
 */
export function unescapeBytes(word: string): Bytes {
  const encoded = encodeByteString(word);
  const bytes = new Uint8Array(encoded.length);
  let length = 0;
  for (let at = 0; at < encoded.length; at++) {
    if (encoded[at] !== BACKSLASH) {
      bytes[length++] = encoded[at]!;
      continue;
    }
    const digits = String.fromCharCode(...encoded.subarray(at + 1, at + 4));
    if (!/^x[0-9a-f]{2}$/.test(digits)) {
      throw new SyntaxError(`Cannot read "\\${digits}" as an escape: only \\xNN is one`);
    }
    bytes[length++] = Number.parseInt(digits.slice(1), 16);
    at += 3;
  }
  return bytes.slice(0, length);
}

/** The byte string that a word stands for. @throws {SyntaxError} as {@link unescapeBytes}. */
export function unescapeText(word: string): string {
  return decodeByteString(unescapeBytes(word));
}

const BACKSLASH = 0x5c;
