/** Goal: connections are used again while they are young, and never more are kept than may be. */

import assert from "node:assert/strict";
import type { HttpConnection } from "../../../../lib/store/http_connection.ts";
import { IdleConnections } from "../../../../lib/store/idle_connections.ts";

interface Fake extends HttpConnection {
  isClosed: boolean;
}

function connection(name: string, idleSince = performance.now()): Fake {
  const fake = {
    origin: { name },
    idleSince,
    isClosed: false,
    [Symbol.dispose](): void {
      fake.isClosed = true;
    },
  };
  return fake as unknown as Fake;
}

Deno.test("idle connections: the one used last comes first, for its server only", () => {
  using idle = new IdleConnections(4);
  const [a1, b, a2] = [connection("a"), connection("b"), connection("a")];
  for (const one of [a1, b, a2]) idle.keep(one);
  assert.deepEqual(["a", "a", "a", "b"].map((name) => idle.take(name)), [a2, a1, undefined, b]);
});

Deno.test("idle connections: old ones and those that are too many are closed", () => {
  using idle = new IdleConnections(2);
  const old = connection("a", performance.now() - 31_000);
  idle.keep(old);
  assert.equal(idle.take("a"), undefined);
  assert.ok(old.isClosed);
  const many = [connection("a"), connection("a"), connection("a")];
  for (const one of many) idle.keep(one);
  assert.deepEqual(many.map(({ isClosed }) => isClosed), [true, false, false]);
});

Deno.test("idle connections: nothing is kept once they are closed", () => {
  const idle = new IdleConnections(2);
  const [before, after] = [connection("a"), connection("a")];
  idle.keep(before);
  idle[Symbol.dispose]();
  idle.keep(after);
  assert.ok(idle.isClosed && before.isClosed && after.isClosed);
  assert.equal(idle.take("a"), undefined);
});
