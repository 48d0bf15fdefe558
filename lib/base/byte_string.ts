/**
 * File names are bytes, and need not be UTF-8. myfs holds them as JavaScript strings without loss:
 * valid UTF-8 decodes as usual, and each byte that is not part of valid UTF-8 becomes the lone
 * surrogate U+DC00 + byte, as Python's `surrogateescape` does (PEP 383). Such a string compares,
 * prints and works as a map key like any other, and {@link encodeByteString} gives the bytes back.
 *
 * @module
 */

import { type Bytes, compareBytes } from "./bytes.ts";

const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** First of the surrogates that stand for bytes 0x80–0xff. */
const ESCAPE_BASE = 0xdc00;

/**
 * The string that stands for `bytes`.
 *
 * @example
 * ```ts
 * import { decodeByteString, encodeByteString } from "myfs";
 *
 * const name = decodeByteString(new Uint8Array([0x61, 0xff]));
 * console.assert(name === "a\udcff");
 * console.assert(encodeByteString(name)[1] === 0xff);
 * ```
 */
export function decodeByteString(bytes: Uint8Array): string {
  // Most names are short and ASCII: those take half the time of TextDecoder this way.
  if (bytes.length > 64) return decodeSlowly(bytes);
  for (let i = 0; i < bytes.length; i++) if (bytes[i]! >= 0x80) return decodeSlowly(bytes);
  return String.fromCharCode(...bytes);
}

function decodeSlowly(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    // Not UTF-8: decode the valid sequences one by one and escape the rest.
  }
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes[at]!);
    const sequence = bytes.subarray(at, at + length);
    if (length > 0 && sequence.length === length) {
      try {
        text += strictDecoder.decode(sequence);
        at += length;
        continue;
      } catch {
        // The lead byte promises a sequence that does not follow.
      }
    }
    text += String.fromCharCode(ESCAPE_BASE + bytes[at]!);
    at++;
  }
  return text;
}

/** Length of the UTF-8 sequence that starts with `lead`, or 0 where none can. */
function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  return 0;
}

const hasSurrogate = /[\ud800-\udfff]/;

/**
 * The bytes that `text` stands for.
 *
 * @throws {TypeError} when `text` holds a lone surrogate that stands for no byte.
 */
export function encodeByteString(text: string): Bytes {
  if (!hasSurrogate.test(text) || text.isWellFormed()) return encoder.encode(text);
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code >= 0xd800 && code <= 0xdfff) {
      if (code < ESCAPE_BASE + 0x80 || code > ESCAPE_BASE + 0xff) {
        throw new TypeError(
          `Cannot turn the name into bytes: it holds U+${
            code.toString(16)
          }, which stands for no byte`,
        );
      }
      bytes.push(code - ESCAPE_BASE);
    } else {
      bytes.push(...encoder.encode(character));
    }
  }
  return new Uint8Array(bytes);
}

/** Whether `text` stands for bytes that are valid UTF-8. */
export function isValidUtf8(text: string): boolean {
  return text.isWellFormed();
}

// deno-lint-ignore no-control-regex -- control characters are what this looks for
const needsEscape = /[\u0000-\u001f\u007f-\u009f\\\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * `text` made safe to print: ASCII control characters and bytes that are not UTF-8 as `\xNN`, other
 * control characters and direction marks as `\u{N}`, backslash doubled. Names come from anywhere,
 * and a terminal obeys what is printed on it.
 */
export function displayByteString(text: string): string {
  const escaped = text.replace(needsEscape, (character) => {
    if (character === "\\") return "\\\\";
    const code = character.charCodeAt(0);
    return code < 0x80 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
  if (escaped.isWellFormed()) return escaped;
  let shown = "";
  for (const character of escaped) {
    const code = character.codePointAt(0)!;
    shown += code >= 0xd800 && code <= 0xdfff
      ? `\\x${(code & 0xff).toString(16).padStart(2, "0")}`
      : character;
  }
  return shown;
}

/** Code units from here on do not sort as their bytes do: surrogates stand above U+E000–U+FFFF. */
const sortsApart = /[\ud800-\uffff]/;

/** Sorts byte strings by their bytes, in place. */
export function sortByteStrings(strings: string[]): string[] {
  // The order by code units is the engine's own, and needs no function.
  return strings.some((text) => sortsApart.test(text))
    ? strings.sort(compareByteStrings)
    : strings.sort();
}

/** Order of two byte strings by their bytes, as `memcmp`: negative, zero or positive. */
export function compareByteStrings(left: string, right: string): number {
  if (sortsApart.test(left) || sortsApart.test(right)) {
    return compareBytes(encodeByteString(left), encodeByteString(right));
  }
  return left < right ? -1 : left > right ? 1 : 0;
}
