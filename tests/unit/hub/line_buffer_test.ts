/** Goal: lines are written together, in their order, soon, and all of them. */

import assert from "node:assert/strict";
import { LineBuffer } from "../../../hub/line_buffer.ts";

Deno.test("line buffer: lines wait for each other, and for a tenth of a second at most", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const buffer = new LineBuffer(resolve);
  const start = performance.now();
  for (const line of ["a\n", "b\n", "c\n"]) buffer.add(line);
  // A timer that does not keep a process alive would let the test end.
  const alive = setTimeout(() => {}, 10_000);
  assert.equal(await promise, "a\nb\nc\n");
  clearTimeout(alive);
  assert.ok(performance.now() - start > 50);
});

Deno.test("line buffer: many lines do not wait, and what waits at the end is written", () => {
  const written: string[] = [];
  const line = `${"x".repeat(999)}\n`;
  {
    using buffer = new LineBuffer((text) => written.push(text));
    for (let count = 0; count < 100; count++) buffer.add(line);
    assert.equal(written.length, 1);
    assert.ok(written[0]!.length < 70_000 && written[0]!.endsWith("\n"));
  }
  assert.equal(written.join(""), line.repeat(100));
});
