/** Goal: what fails before an answer began is a problem; what fails in it breaks it off, and is noted. */

import assert from "node:assert/strict";
import { Hono } from "hono";
import type { HubContext, HubEnvironment } from "../../../../hub/context.ts";
import { answerStream } from "../../../../hub/endpoints/answer_stream.ts";
import { createLog } from "../../../../hub/log.ts";

/** An application that answers with what `pieces` yields. */
function appOf(pieces: () => AsyncIterable<Uint8Array>): {
  readonly app: Hono<HubEnvironment>;
  readonly lines: string[];
} {
  const lines: string[] = [];
  const log = createLog({ format: "json", write: (line) => lines.push(line) });
  const app = new Hono<HubEnvironment>();
  app.onError((_error, context) => context.text("a problem", 503));
  app.get("/", async (context) => {
    context.set("requestId", "the request");
    return context.body(await answerStream(context as HubContext, pieces(), { log }));
  });
  return { app, lines };
}

Deno.test("answer stream: it has all the pieces, and what made them ends", async () => {
  let isEnded = false;
  const { app, lines } = appOf(async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield Uint8Array.of(1);
      await Promise.resolve();
      yield Uint8Array.of(2, 3);
    } finally {
      isEnded = true;
    }
  });
  assert.deepEqual(await (await app.request("/")).bytes(), Uint8Array.of(1, 2, 3));
  assert.equal(isEnded, true);
  isEnded = false;
  const response = await app.request("/");
  await response.body!.cancel();
  assert.equal(isEnded, true);
  assert.deepEqual(lines, []);
  const { app: empty } = appOf(async function* (): AsyncGenerator<Uint8Array> {});
  assert.equal((await (await empty.request("/")).bytes()).length, 0);
});

Deno.test("answer stream: what fails at once is answered as a problem", async () => {
  // deno-lint-ignore require-yield -- it fails before
  const { app, lines } = appOf(async function* (): AsyncGenerator<Uint8Array> {
    await Promise.reject(new Error("away"));
  });
  assert.equal((await app.request("/")).status, 503);
  assert.deepEqual(lines, []);
});

Deno.test("answer stream: what fails later ends the connection, without a word in the answer", async () => {
  const { app, lines } = appOf(async function* (): AsyncGenerator<Uint8Array> {
    yield Uint8Array.of(1);
    await Promise.reject(new Error("a secret place"));
  });
  let isBroken = false;
  const response = await app.request("/", {}, { breakOff: () => isBroken = true });
  assert.equal(response.status, 200);
  const reader = response.body!.getReader();
  assert.deepEqual((await reader.read()).value, Uint8Array.of(1));
  const next = reader.read();
  while (!isBroken) await new Promise((resolve) => setTimeout(resolve, 1));
  await reader.cancel();
  assert.deepEqual(await next, { done: true, value: undefined });
  assert.equal(lines.length, 1);
  assert.equal(JSON.parse(lines[0]!).request_id, "the request");

  // Where there is no connection to end, the stream fails.
  await assert.rejects((await app.request("/")).bytes(), /^Error: The answer broke off$/);
});
