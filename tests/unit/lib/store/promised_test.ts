/** Goal: results and throws of synchronous work arrive as promises settle. */

import assert from "node:assert/strict";
import { promised } from "../../../../lib/store/promised.ts";

Deno.test("promised: resolves with the result and rejects with what is thrown", async () => {
  assert.equal(await promised(undefined, () => 7), 7);
  const failure = new Error("no");
  await assert.rejects(
    promised(undefined, () => {
      throw failure;
    }),
    (error) => error === failure,
  );
});

Deno.test("promised: does not begin when the signal is aborted", async () => {
  let begun = false;
  await assert.rejects(
    promised(AbortSignal.abort(new Error("stop")), () => {
      begun = true;
    }),
    /stop/,
  );
  assert.equal(begun, false);
});
