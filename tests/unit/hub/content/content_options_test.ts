/** Goal: options that are not given have their defaults, and lists come in bounded pieces. */

import assert from "node:assert/strict";
import {
  type ContentOptions,
  resolveContentOptions,
  slices,
} from "../../../../hub/content/content_options.ts";

Deno.test("content options: what is left out, or undefined, has its default", () => {
  const given = { flistDirectory: "/f", blockSize: 7, dedup: undefined };
  const options = resolveContentOptions(given as unknown as ContentOptions);
  assert.deepEqual([options.blockSize, options.dedup, options.flistSizeMax], [
    7,
    "users",
    2 ** 30,
  ]);
});

Deno.test("content options: slices are as long as they may be, and all are there", () => {
  assert.deepEqual([...slices([], 2)], []);
  assert.deepEqual([...slices([1, 2, 3, 4, 5], 2)], [[1, 2], [3, 4], [5]]);
  assert.deepEqual([...slices([1, 2], 2)], [[1, 2]]);
});
