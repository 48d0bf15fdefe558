/** Goal: ranges and conditions as RFC 9110 has them. */

import assert from "node:assert/strict";
import { isNotModified, parseByteRange } from "../../../../hub/content/byte_range.ts";

const ETAG = '"tag"';

Deno.test("byte range: which part of ten bytes a header asks for", () => {
  const cases: [string | undefined, [number, number] | "all" | 416][] = [
    [undefined, "all"],
    ["bytes=0-0", [0, 1]],
    ["bytes=0-9", [0, 10]],
    ["bytes=3-", [3, 10]],
    ["bytes=9-9", [9, 10]],
    ["bytes=0-99", [0, 10]],
    ["bytes=-1", [9, 10]],
    ["bytes=-99", [0, 10]],
    ["Bytes = 1-2", "all"],
    ["BYTES=1-2", [1, 3]],
    ["bytes=10-", 416],
    ["bytes=10-12", 416],
    ["bytes=-0", 416],
    ["bytes=99999999999999999999-", 416],
    ["bytes=5-4", "all"],
    ["bytes=-", "all"],
    ["bytes=", "all"],
    ["bytes=a-b", "all"],
    ["bytes=0-1,3-4", "all"],
    ["items=0-1", "all"],
  ];
  for (const [header, expected] of cases) {
    const parse = (): unknown => parseByteRange(header, 10, ETAG, undefined);
    if (expected === 416) assert.throws(parse, { status: 416 }, header);
    else {
      const range = expected === "all" ? undefined : { start: expected[0], end: expected[1] };
      assert.deepEqual(parse(), range, header);
    }
  }
  assert.throws(() => parseByteRange("bytes=0-", 0, ETAG, undefined), { status: 416 });
});

Deno.test("byte range: If-Range gets all of what has changed", () => {
  assert.deepEqual(parseByteRange("bytes=1-2", 10, ETAG, ETAG), { start: 1, end: 3 });
  for (const other of ['"other"', `W/${ETAG}`, "Tue, 24 Nov 2026 00:00:00 GMT", ""]) {
    assert.equal(parseByteRange("bytes=1-2", 10, ETAG, other), undefined, other);
  }
});

Deno.test("byte range: who has it already, by any way to say so", () => {
  for (const header of [ETAG, `W/${ETAG}`, `"a", ${ETAG}`, "*", ` ${ETAG} `]) {
    assert.equal(isNotModified(header, ETAG), true, header);
  }
  for (const header of [undefined, "", '"a"', "tag", '"tag']) {
    assert.equal(isNotModified(header, ETAG), false, header);
  }
});
