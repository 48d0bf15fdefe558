/**
 * The last gate before a terminal: nothing that it obeys passes, and JSON still means the same.
 */

import assert from "node:assert/strict";
import { escapeControls, stringifySafely } from "../../../../cli/output/escape.ts";

// deno-lint-ignore no-control-regex -- control characters are what this looks for
const obeyed = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

const hostile = "a\x1b[31mb\rc\nd\x07\x7f\x9b\u2028\u202e\u2066";

Deno.test("escape: no control character or direction mark reaches a message", () => {
  const shown = escapeControls(hostile);
  assert.ok(!obeyed.test(shown), shown);
  assert.ok(shown.startsWith("a\\u{1b}[31mb\\u{d}c"));
});

Deno.test("escape: what has been escaped for display stays as it is", () => {
  assert.equal(escapeControls("na\\xffme \\\\ é 漢"), "na\\xffme \\\\ é 漢");
});

Deno.test("escape: a lone surrogate in a message becomes printable", () => {
  assert.equal(escapeControls("a\udcff"), "a\ufffd");
});

Deno.test("escape: JSON holds nothing that a terminal obeys and parses back to the same value", () => {
  const value = { [hostile]: [hostile, "\udcff", "\u{1f600}"] };
  const json = stringifySafely(value);
  assert.ok(!obeyed.test(json), json);
  assert.ok(json.includes("\\udcff"));
  assert.deepEqual(JSON.parse(json), value);
});
