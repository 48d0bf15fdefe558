/** Goal: bodies are read whole or in pieces, and no byte further than they may be. */

import assert from "node:assert/strict";
import { cutBody, declaredLength, readBody } from "../../../../hub/content/body.ts";

/** A body in pieces of these sizes, and how many of them were taken. */
function body(
  sizes: readonly number[],
): { readonly stream: ReadableStream<Uint8Array>; readonly taken: () => number } {
  let [taken, byte] = [0, 0];
  const stream = new ReadableStream<Uint8Array>({
    pull(controller): void {
      const size = sizes[taken++];
      if (size === undefined) return controller.close();
      controller.enqueue(new Uint8Array(size).map(() => byte++));
    },
  }, { highWaterMark: 0 });
  return { stream, taken: () => taken };
}

Deno.test("body: it comes whole in whatever pieces, or is refused at the first byte too many", async () => {
  for (const sizes of [[], [5], [1, 0, 3, 1], [2, 2]]) {
    const length = sizes.reduce((sum, size) => sum + size, 0);
    const whole = await readBody(body(sizes).stream, 5);
    assert.deepEqual(whole, new Uint8Array(length).map((_, at) => at));
  }
  assert.deepEqual(await readBody(null, 5), new Uint8Array());
  const long = body([3, 3, 3]);
  await assert.rejects(readBody(long.stream, 5), { status: 413, code: "too_large" });
  assert.equal(long.taken(), 2);
  const declared = body([3]);
  await assert.rejects(readBody(declared.stream, 5, 6), { status: 413 });
  assert.equal(declared.taken(), 0);
  await declared.stream.cancel();
});

Deno.test("body: it is cut in pieces of one size, the last one shorter, each of its own", async () => {
  for (const sizes of [[], [4], [4, 4], [1, 1, 1, 1, 1], [9], [3, 6, 2]]) {
    const length = sizes.reduce((sum, size) => sum + size, 0);
    const pieces = await Array.fromAsync(cutBody(body(sizes).stream, 4));
    assert.deepEqual(pieces.map((piece) => piece.length), [
      ...Array.from({ length: Math.floor(length / 4) }, () => 4),
      ...(length % 4 === 0 ? [] : [length % 4]),
    ]);
    const joined = pieces.flatMap((piece) => [...piece]);
    assert.deepEqual(joined, Array.from({ length }, (_, at) => at));
    assert.equal(new Set(pieces.map(({ buffer }) => buffer)).size, pieces.length);
  }
});

Deno.test("body: a length that is none is as if nothing was said", () => {
  assert.equal(declaredLength("0"), 0);
  assert.equal(declaredLength("123"), 123);
  for (const header of [undefined, "", "-1", "1e3", " 1", "0x10", "9".repeat(16), "1,1"]) {
    assert.equal(declaredLength(header), undefined, header);
  }
});
