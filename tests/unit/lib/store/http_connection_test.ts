/**
 * Goal: an answer is read whole in each way that HTTP can say where it ends, whatever the pieces in
 * which it comes, and a connection is used again only where that is safe. Method: raw answers.
 */

import assert from "node:assert/strict";
import {
  type HttpAnswer,
  HttpBrokenAnswer,
  HttpConnection,
  type HttpMessage,
  HttpOversizedAnswer,
} from "../../../../lib/store/http_connection.ts";
import { HttpSyntaxError } from "../../../../lib/store/http_message.ts";
import { UntrustedRouteError } from "../../../../lib/base/errors.ts";
import { faultServer } from "../../../helpers/fault_server.ts";

const GET: HttpMessage = { method: "GET", target: "/", fields: "", bodySizeMax: 1000 };

function connect(port: number, hostname = "127.0.0.1"): Promise<HttpConnection> {
  return HttpConnection.open({
    origin: { name: "", secure: false, hostname, port },
    store: "http://store/",
    publicAddressesOnly: false,
  }, undefined);
}

/** What comes of an answer that the server sends as these bytes, and then closes or does not. */
async function exchange(
  bytes: string,
  { close = true, message = GET }: { close?: boolean; message?: HttpMessage } = {},
): Promise<{ answer: HttpAnswer; text: string; reusable: boolean }> {
  await using server = await faultServer({ kind: "raw", bytes, close });
  using connection = await connect(server.port);
  const answer = await connection.exchange(message);
  const text = new TextDecoder().decode(answer.body);
  return { answer, text, reusable: connection.reusable };
}

const OK = "HTTP/1.1 200 OK\r\n";

Deno.test("HTTP connection: a body of a length that is said", async () => {
  const { text, reusable } = await exchange(`${OK}Content-Length: 3\r\n\r\nabc`, { close: false });
  assert.equal(text, "abc");
  assert.equal(reusable, true);
});

Deno.test("HTTP connection: a body that ends with the connection", async () => {
  const { text, reusable } = await exchange(`${OK}\r\n${"abc".repeat(100)}`);
  assert.equal(text, "abc".repeat(100));
  assert.equal(reusable, false);
});

Deno.test("HTTP connection: a body in chunks, with extensions and trailers", async () => {
  const chunks = "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
  const { text, reusable } = await exchange(`${OK}Transfer-Encoding: chunked\r\n\r\n${chunks}`, {
    close: false,
  });
  assert.equal(text, "abc0123456789");
  assert.equal(reusable, true);
});

Deno.test("HTTP connection: an answer that comes a byte at a time", async () => {
  const body = "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n";
  await using server = await faultServer({
    kind: "trickle",
    headers: { "Transfer-Encoding": "chunked" },
    declaredLength: "none",
    body,
    intervalMs: 0,
  });
  using connection = await connect(server.port);
  const { body: bytes } = await connection.exchange(GET);
  assert.equal(new TextDecoder().decode(bytes), "hello!");
});

Deno.test("HTTP connection: no body where there can be none", async () => {
  const message: HttpMessage = { ...GET, method: "HEAD" };
  const head = await exchange(`${OK}Content-Length: 300\r\n\r\n`, { close: false, message });
  assert.equal(head.answer.body.length, 0);
  assert.equal(head.answer.headers.get("content-length"), "300");
  assert.equal(head.reusable, true);
  const none = await exchange("HTTP/1.1 204 No Content\r\n\r\n", { close: false });
  assert.equal(none.answer.status, 204);
});

Deno.test("HTTP connection: answers that only say go on are passed over", async () => {
  const { answer, text } = await exchange(
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}\r\nabc`,
  );
  assert.equal(answer.status, 200);
  assert.equal(text, "abc");
});

Deno.test("HTTP connection: a long head is read, an endless one is not", async () => {
  const field = `X: ${"x".repeat(1000)}\r\n`;
  const { text } = await exchange(`${OK}${field.repeat(30)}\r\nabc`);
  assert.equal(text, "abc");
  await assert.rejects(exchange(OK + field.repeat(100)), HttpSyntaxError);
});

Deno.test("HTTP connection: bytes behind the answer make it useless for another request", async () => {
  const { text, reusable } = await exchange(`${OK}Content-Length: 2\r\n\r\nabcdef`, {
    close: false,
  });
  assert.equal(text, "ab");
  assert.equal(reusable, false);
});

Deno.test("HTTP connection: a large body of success is refused before or while it is read", async () => {
  await assert.rejects(exchange(`${OK}Content-Length: 1001\r\n\r\n`), HttpOversizedAnswer);
  await assert.rejects(exchange(`${OK}\r\n${"x".repeat(1001)}`), HttpOversizedAnswer);
  const chunk = "400\r\n" + "x".repeat(0x400) + "\r\n";
  const chunked = `${OK}Transfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`;
  await assert.rejects(exchange(chunked), HttpOversizedAnswer);
  const { text } = await exchange(`${OK}\r\n${"x".repeat(1000)}`);
  assert.equal(text.length, 1000);
});

Deno.test("HTTP connection: of a large body of a refusal the beginning is enough", async () => {
  const refusal = "HTTP/1.1 403 Forbidden\r\n\r\n" + "x".repeat(100_000);
  const { answer, reusable } = await exchange(refusal);
  assert.equal(answer.status, 403);
  assert.equal(answer.body.length, 64 * 1024);
  assert.equal(reusable, false);
});

Deno.test("HTTP connection: an answer that is cut off, or none, fails", async () => {
  const broken = [
    "",
    "HTTP/1.1 200",
    `${OK}Content-Le`,
    `${OK}Content-Length: 10\r\n\r\nabc`,
    `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nab`,
    `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n`,
    `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n`,
  ];
  for (const bytes of broken) {
    await assert.rejects(exchange(bytes), HttpBrokenAnswer, JSON.stringify(bytes));
  }
});

Deno.test("HTTP connection: chunks that make no sense fail", async () => {
  for (const chunks of ["x\r\n", "-1\r\n", "123456789\r\n", "2\r\nabc\r\n0\r\n\r\n", "\r\n"]) {
    const bytes = `${OK}Transfer-Encoding: chunked\r\n\r\n${chunks}`;
    await assert.rejects(exchange(bytes), HttpSyntaxError, JSON.stringify(chunks));
  }
});

Deno.test("HTTP connection: sends head and body, and several requests after each other", async () => {
  await using server = await faultServer(({ body }) => ({
    kind: "http",
    body: `${body.length}`,
  }));
  using connection = await connect(server.port);
  for (const size of [1, 20_000, 3_000_000]) {
    const { body } = await connection.exchange({
      method: "POST",
      target: "/a?b=c",
      fields: `Host: h\r\nContent-Length: ${size}\r\n`,
      body: new Uint8Array(size),
      bodySizeMax: 100,
    });
    assert.equal(new TextDecoder().decode(body), `${size}`);
    assert.equal(connection.reusable, true);
  }
  assert.equal(server.connectionCount, 1);
  const [{ method, target, headers }] = server.requests as [(typeof server.requests)[0]];
  assert.deepEqual([method, target, headers.get("host")], ["POST", "/a?b=c", "h"]);
});

Deno.test("HTTP connection: a refusal that comes before all is sent is read", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const refusing = (async () => {
    using server = await listener.accept();
    await server.read(new Uint8Array(1000));
    await server.write(new TextEncoder().encode("HTTP/1.1 413 X\r\nContent-Length: 0\r\n\r\n"));
    await server.closeWrite();
    while (await server.read(new Uint8Array(65536)) !== null);
  })();
  {
    using connection = await connect(listener.addr.port);
    const { status } = await connection.exchange({
      ...GET,
      method: "POST",
      fields: "Content-Length: 50000000\r\n",
      body: new Uint8Array(50_000_000),
    });
    assert.equal(status, 413);
    assert.equal(connection.reusable, false);
  }
  await refusing.catch(() => {});
  listener.close();
});

Deno.test("HTTP connection: where only public addresses are allowed, others are not connected to", async () => {
  await using server = await faultServer({ kind: "close" });
  for (const hostname of ["127.0.0.1", "[::1]", "localhost"]) {
    await assert.rejects(
      HttpConnection.open({
        origin: { name: "", secure: false, hostname, port: server.port },
        store: "http://store/",
        publicAddressesOnly: true,
      }, undefined),
      (error) => error instanceof UntrustedRouteError && error.url === "http://store/",
    );
  }
  assert.equal(server.connectionCount, 0);
});

Deno.test("HTTP connection: connects to names and to IPv6", async () => {
  await using server = await faultServer({ kind: "http", body: "x" });
  using connection = await connect(server.port, "localhost");
  assert.equal((await connection.exchange(GET)).status, 200);
  const listener = Deno.listen({ hostname: "::1", port: 0 });
  (await connect(listener.addr.port, "[::1]"))[Symbol.dispose]();
  (await listener.accept()).close();
  listener.close();
});

Deno.test("HTTP connection: failures to connect have the system's code", async () => {
  const gone = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = gone.addr;
  gone.close();
  await assert.rejects(connect(port), { code: "ECONNREFUSED" });
  await assert.rejects(connect(80, "name.invalid"), (error) => {
    // Without a network the resolver cannot say that there is no such name.
    return /^(ENOTFOUND|EAI_AGAIN)$/.test((error as { code?: string }).code ?? "");
  });
});
