/**
 * What foreign text must not do to a terminal or to a line of output. Names inside images go
 * through the library's `displayByteString` as well, which also tells apart bytes that are not UTF-8;
 * this is the last gate that every message passes.
 *
 * @module
 */

// deno-lint-ignore no-control-regex -- control characters are what this looks for
const unsafe = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** `text` on one line, with control characters and direction marks as `\u{N}`. */
export function escapeControls(text: string): string {
  return text.replace(unsafe, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`)
    .toWellFormed();
}

const unsafeInJson = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * `value` as JSON that a terminal can show: what `JSON.stringify` leaves as it is and a terminal
 * would obey becomes `\uNNNN`, which means the same to every parser. Lone surrogates, which stand for
 * the bytes of names that are not UTF-8, come out as `\udcNN`, so that nothing is lost.
 */
export function stringifySafely(value: unknown): string {
  return JSON.stringify(value).replace(
    unsafeInJson,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
