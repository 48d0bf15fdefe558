/**
 * Goal: the fault server misbehaves exactly as told. Method: raw connections and `fetch`.
 */

import assert from "node:assert/strict";
import { type FaultAnswer, faultServer } from "../../helpers/fault_server.ts";

/** All that a server sends to one request before it closes, or within `waitMs`. */
async function rawAnswer(port: number, request: string, waitMs = 2000): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(request));
  let text = "";
  const timer = setTimeout(() => connection.close(), waitMs);
  try {
    const buffer = new Uint8Array(4096);
    for (let length; (length = await connection.read(buffer)) !== null;) {
      text += new TextDecoder().decode(buffer.subarray(0, length));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.Interrupted || error instanceof Deno.errors.BadResource)) {
      throw error;
    }
    text += "(still open)";
  } finally {
    clearTimeout(timer);
  }
  return text;
}

const GET = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

Deno.test("fault server: answers as told and records what it was asked", async () => {
  await using server = await faultServer({
    kind: "http",
    status: 418,
    headers: { "Retry-After": "3" },
    body: "short",
  });
  const response = await fetch(`${server.url}/pot?x=1`, { method: "POST", body: "tea" });
  assert.equal(response.status, 418);
  assert.equal(response.headers.get("retry-after"), "3");
  assert.equal(await response.text(), "short");
  const [request] = server.requests;
  assert.equal(request!.method, "POST");
  assert.equal(request!.target, "/pot?x=1");
  assert.equal(new TextDecoder().decode(request!.body), "tea");
});

Deno.test("fault server: gives each connection of a list its answer, the last one to all after", async () => {
  const answers: FaultAnswer[] = [
    { kind: "http", body: "one", close: true },
    { kind: "raw", bytes: "two", close: true },
    { kind: "close" },
  ];
  await using server = await faultServer(answers);
  assert.match(await rawAnswer(server.port, GET), /Content-Length: 3\r\n\r\none$/);
  assert.equal(await rawAnswer(server.port, GET), "two");
  assert.equal(await rawAnswer(server.port, GET), "");
  assert.equal(await rawAnswer(server.port, GET), "");
  assert.deepEqual(server.requests.map(({ connection }) => connection), [0, 1, 2, 3]);
});

Deno.test("fault server: lies about lengths", async () => {
  await using server = await faultServer([
    { kind: "http", body: "abc", declaredLength: 10 },
    { kind: "http", body: "abcdef", declaredLength: 2 },
    { kind: "http", body: "abc", declaredLength: "none" },
  ]);
  assert.match(await rawAnswer(server.port, GET), /Content-Length: 10\r\n\r\nabc$/);
  assert.match(await rawAnswer(server.port, GET), /Content-Length: 2\r\n\r\nabcdef$/);
  assert.match(await rawAnswer(server.port, GET), /OK|Status\r\n\r\nabc$/);
});

Deno.test("fault server: is silent, stops in the header, or sends a byte at a time", async () => {
  await using server = await faultServer([
    { kind: "silence" },
    { kind: "half-header" },
    { kind: "trickle", body: "abc", intervalMs: 1, close: true },
    { kind: "trickle", body: "abc" },
  ]);
  assert.equal(await rawAnswer(server.port, GET, 20), "(still open)");
  assert.equal(await rawAnswer(server.port, GET, 20), "HTTP/1.1 200 OK\r\nContent-Le(still open)");
  assert.match(await rawAnswer(server.port, GET), /\r\n\r\nabc$/);
  assert.match(await rawAnswer(server.port, GET, 50), /\r\n\r\na\(still open\)$/);
});

Deno.test("fault server: resets a connection", async () => {
  await using server = await faultServer({ kind: "reset" });
  await assert.rejects(rawAnswer(server.port, GET), Deno.errors.ConnectionReset);
});

Deno.test("fault server: sends an endless body as long as it is read", async () => {
  await using server = await faultServer({ kind: "endless" });
  const response = await fetch(server.url);
  const reader = response.body!.getReader();
  let length = 0;
  while (length < 3_000_000) length += (await reader.read()).value!.length;
  await reader.cancel();
});

Deno.test("fault server: speaks other protocols a read at a time", async () => {
  await using server = await faultServer(({ body }) => ({
    kind: "raw",
    bytes: new TextDecoder().decode(body).toUpperCase(),
    close: true,
  }), { protocol: "tcp" });
  assert.equal(await rawAnswer(server.port, "ping"), "PING");
});
