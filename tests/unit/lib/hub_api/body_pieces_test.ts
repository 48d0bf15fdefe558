/**
 * Bodies come whole, or it is said that they do not; nobody waits for one without end.
 */

import assert from "node:assert/strict";
import { bodyPieces, BrokenBodyError } from "../../../../lib/hub_api/body_pieces.ts";

/** A body that gives these pieces and then does as `end` says; and whether it was cancelled. */
function body(
  pieces: readonly string[],
  end: "close" | "error" | "silence",
): { readonly response: Response; readonly cancelled: Promise<void> } {
  const cancelled = Promise.withResolvers<void>();
  const left = [...pieces];
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => {
      const piece = left.shift();
      if (piece !== undefined) return controller.enqueue(new TextEncoder().encode(piece));
      if (end === "close") return controller.close();
      if (end === "error") return controller.error(new TypeError("connection reset"));
      return new Promise(() => {});
    },
    cancel: () => cancelled.resolve(),
  }, { highWaterMark: 0 });
  return { response: new Response(stream), cancelled: cancelled.promise };
}

async function textOf(
  response: Response,
  options: { readonly silenceMaxMs: number; readonly signal?: AbortSignal },
): Promise<string> {
  let text = "";
  for await (const piece of bodyPieces(response, options)) text += new TextDecoder().decode(piece);
  return text;
}

Deno.test("body pieces: a body comes whole, and an answer may have none", async () => {
  const { response } = body(["a", "b", "c"], "close");
  assert.equal(await textOf(response, { silenceMaxMs: 1000 }), "abc");
  assert.equal(await textOf(new Response(null), { silenceMaxMs: 1000 }), "");
});

Deno.test("body pieces: one that breaks off is no end", async () => {
  const { response } = body(["a"], "error");
  await assert.rejects(textOf(response, { silenceMaxMs: 1000 }), (error: Error) => {
    assert.ok(error instanceof BrokenBodyError && error.cause instanceof TypeError);
    return true;
  });
});

Deno.test("body pieces: a server that falls silent is given up, and hears of it", async () => {
  const { response, cancelled } = body(["a"], "silence");
  await assert.rejects(textOf(response, { silenceMaxMs: 5 }), {
    name: "BrokenBodyError",
    message: /silent for 5 ms/,
  });
  await cancelled;
});

Deno.test("body pieces: an abort ends it with its reason, early and on the way", async () => {
  const reason = new Error("enough");
  const early = body(["a"], "silence");
  const aborted = { silenceMaxMs: 60_000, signal: AbortSignal.abort(reason) };
  await assert.rejects(textOf(early.response, aborted), reason);
  await early.cancelled;

  const controller = new AbortController();
  const late = body(["a"], "silence");
  setTimeout(() => controller.abort(reason), 5);
  const { signal } = controller;
  await assert.rejects(textOf(late.response, { silenceMaxMs: 60_000, signal }), reason);
  await late.cancelled;
});

Deno.test("body pieces: who breaks off releases the connection", async () => {
  const { response, cancelled } = body(["a", "b"], "silence");
  for await (const _ of bodyPieces(response, { silenceMaxMs: 60_000 })) break;
  await cancelled;
});
