/** Goal: a body passes unchanged within its bounds, and ends with the reason beyond them. */

import assert from "node:assert/strict";
import { Hono } from "hono";
import type { Hub, HubEnvironment } from "../../../../hub/context.ts";
import {
  type BodyBounds,
  bodyGuardMiddleware,
  guardBody,
} from "../../../../hub/middleware/body_guard.ts";
import { HubProblem } from "../../../../lib/hub_api/problem.ts";

const BOUNDS: BodyBounds = { bytesMax: 100, idleMs: 5000, bytesPerSecondMin: 0 };

type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

/** What came through, or the problem that ended it. */
async function read(body: Body, bounds: Partial<BodyBounds> = {}): Promise<number | string> {
  const problems: HubProblem[] = [];
  const guarded = guardBody(body, { ...BOUNDS, ...bounds }, (problem) => problems.push(problem));
  try {
    const { byteLength } = await new Response(guarded).bytes();
    assert.deepEqual(problems, []);
    return byteLength;
  } catch (error) {
    assert.equal(error, problems[0]);
    assert.equal(problems.length, 1);
    return `${problems[0]!.status} ${problems[0]!.code}`;
  }
}

/** Pieces of some lengths, each after a pause, and whether it was read no further. */
function pieces(lengths: Iterable<number>, pauseMs = 0): { body: Body; state: { ended: boolean } } {
  const iterator = lengths[Symbol.iterator]();
  const state = { ended: false };
  const body: Body = new ReadableStream({
    async pull(controller): Promise<void> {
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      const { value, done } = iterator.next();
      if (state.ended) return;
      if (done) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
    cancel(): void {
      state.ended = true;
    },
  }, { highWaterMark: 0 });
  return { body, state };
}

function* endless(): Generator<number> {
  for (;;) yield 10;
}

Deno.test("body guard: what keeps to the bounds comes through", async () => {
  assert.equal(await read(pieces([]).body), 0);
  assert.equal(await read(pieces([60, 40]).body), 100);
  assert.equal(await read(pieces([1, 1, 1], 20).body), 3);
});

Deno.test("body guard: one byte too many is too many, and no more is read", async () => {
  assert.equal(await read(pieces([60, 41]).body), "413 too_large");
  const { body, state } = pieces(endless());
  assert.equal(await read(body), "413 too_large");
  assert.ok(state.ended);
});

Deno.test("body guard: silence and a trickle end it", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const silent: Body = new ReadableStream({ pull: () => promise });
  assert.equal(await read(silent, { idleMs: 20 }), "408 request_timeout");
  resolve();
  const slow = pieces(endless(), 10);
  const bounds = { bytesMax: 1e9, idleMs: 30, bytesPerSecondMin: 100_000 };
  assert.equal(await read(slow.body, bounds), "408 request_timeout");
  assert.ok(slow.state.ended);
  await new Promise((resolve) => setTimeout(resolve, 20));
});

Deno.test("body guard: a connection that breaks is the client's doing", async () => {
  const broken: Body = new ReadableStream({
    pull(): void {
      throw new Error("aborted");
    },
  });
  assert.equal(await read(broken), "400 bad_request");
});

Deno.test("body guard: who stops reading stops the body", async () => {
  const { body, state } = pieces(endless());
  const reader = guardBody(body, BOUNDS, () => {}).getReader();
  await reader.read();
  await reader.cancel();
  assert.ok(state.ended);
});

Deno.test("body guard: who needs no token may send little JSON, others what is configured", async () => {
  const config = {
    json_bytes_max: 200_000,
    body_bytes_max: 300_000,
    body_idle_seconds: 5,
    body_bytes_per_second_min: 0,
  };
  const app = new Hono<HubEnvironment>();
  app.onError((error, context) => context.text("", (error as HubProblem).status as 413));
  app.use(bodyGuardMiddleware({ config } as Hub));
  app.post("*", async (context) => context.text(`${(await context.req.text()).length}`));
  const cases: readonly [path: string, type: string, length: number, status: number][] = [
    ["/api/v1/signin", "application/json", 65_536, 200],
    ["/api/v1/signin", "application/json", 65_537, 413],
    ["/api/v1/token/refresh", "application/json; charset=utf-8", 65_537, 413],
    ["/api/v1/block/verify", "application/json", 200_000, 200],
    ["/api/v1/block/verify", "application/json", 200_001, 413],
    ["/api/v1/file", "application/octet-stream", 300_000, 200],
  ];
  for (const [path, type, length, status] of cases) {
    // Streamed, so that its length is not said.
    const body = new Blob([new Uint8Array(length)]).stream();
    const answer = await app.request(path, {
      method: "POST",
      headers: { "content-type": type },
      body,
    });
    assert.equal(answer.status, status, `${path} ${length}`);
    await answer.body?.cancel();
  }
});
