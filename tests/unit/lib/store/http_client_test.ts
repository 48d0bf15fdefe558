/**
 * Goal: connections are shared and bounded, redirects lead only where they may, and credentials go
 * to one server alone. Method: servers that record what they are asked.
 */

import assert from "node:assert/strict";
import { UntrustedRouteError } from "../../../../lib/base/errors.ts";
import {
  HttpClient,
  type HttpClientOptions,
  type HttpRequest,
} from "../../../../lib/store/http_client.ts";
import type { HttpAnswer } from "../../../../lib/store/http_connection.ts";
import { HttpRedirectError } from "../../../../lib/store/http_redirect.ts";
import { type FaultAnswer, faultServer } from "../../../helpers/fault_server.ts";

const PLAIN: FaultAnswer = { kind: "http", body: "plain" };

function makeClient(url: string, options: Partial<HttpClientOptions> = {}): HttpClient {
  return new HttpClient({ store: "http://store/", base: new URL(url), ...options });
}

function get(
  client: HttpClient,
  target = "/",
  more: Partial<HttpRequest> = {},
): Promise<HttpAnswer> {
  return client.request({ method: "GET", target, bodySizeMax: 1000, ...more });
}

function redirect(location: string, status = 302): FaultAnswer {
  return { kind: "http", status, headers: { Location: location } };
}

Deno.test("HTTP client: keeps connections, and makes no more than are needed", async () => {
  await using server = await faultServer(PLAIN);
  await using client = makeClient(server.url);
  for (let i = 0; i < 5; i++) await get(client);
  assert.equal(server.connectionCount, 1);
  await Promise.all(Array.from({ length: 400 }, () => get(client)));
  assert.ok(server.connectionCount <= 256, `${server.connectionCount} connections`);
  assert.equal(server.requests.length, 405);
});

Deno.test("HTTP client: a connection that was made ahead is used", async () => {
  await using server = await faultServer(PLAIN);
  await using client = makeClient(server.url);
  await client.connect();
  await get(client);
  assert.equal(server.connectionCount, 1);
});

Deno.test("HTTP client: says who it is and what it wants, and no more", async () => {
  await using server = await faultServer(PLAIN);
  await using client = makeClient(server.url);
  await get(client, "/a%20b?c=d&e");
  const [{ target, headers }] = server.requests as [(typeof server.requests)[0]];
  assert.equal(target, "/a%20b?c=d&e");
  assert.deepEqual(Object.fromEntries(headers), {
    "accept": "*/*",
    "accept-encoding": "identity",
    "host": `127.0.0.1:${server.port}`,
    "user-agent": "myfs",
  });
});

Deno.test("HTTP client: asks once more where a kept connection was closed meanwhile", async () => {
  await using server = await faultServer([
    { kind: "raw", bytes: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", close: true },
    PLAIN,
  ]);
  await using client = makeClient(server.url);
  await get(client);
  assert.equal(new TextDecoder().decode((await get(client)).body), "plain");
  assert.deepEqual(server.requests.map(({ connection }) => connection), [0, 1]);
});

Deno.test("HTTP client: does not ask again where a new connection fails, or an answer had begun", async () => {
  for (const kind of ["close", "reset"] as const) {
    await using server = await faultServer({ kind });
    await using client = makeClient(server.url);
    await assert.rejects(get(client));
    assert.equal(server.connectionCount, 1, kind);
  }
  let count = 0;
  await using server = await faultServer(() =>
    count++ === 0 ? PLAIN : { kind: "http", body: "abc", declaredLength: 5 }
  );
  await using client = makeClient(server.url);
  await get(client);
  await assert.rejects(get(client));
  assert.equal(server.requests.length, 2);
});

Deno.test("HTTP client: follows redirects, to relative and other places", async () => {
  await using other = await faultServer(({ target }) =>
    target === "/final?x" ? PLAIN : redirect("/final?x", 308)
  );
  await using server = await faultServer(({ target }) =>
    target === "/a/b" ? redirect("../c", 301) : redirect(`${other.url}/d`, 307)
  );
  await using client = makeClient(server.url);
  const answer = await get(client, "/a/b");
  assert.equal(new TextDecoder().decode(answer.body), "plain");
  assert.deepEqual(server.requests.map(({ target }) => target), ["/a/b", "/c"]);
  assert.deepEqual(other.requests.map(({ target }) => target), ["/d", "/final?x"]);
});

Deno.test("HTTP client: credentials go to their own server alone", async () => {
  await using other = await faultServer(PLAIN);
  await using server = await faultServer(({ target }) =>
    target === "/1" ? redirect("/2") : redirect(`${other.url.replace("//", "//user:s3cr3t@")}/3`)
  );
  const authorization = "Basic dTpw";
  await using client = makeClient(server.url, { authorization });
  await get(client, "/1");
  const sent = server.requests.map(({ headers }) => headers.get("authorization"));
  assert.deepEqual(sent, [authorization, authorization]);
  assert.equal(other.requests[0]!.headers.has("authorization"), false);
});

Deno.test("HTTP client: redirects end after five", async () => {
  await using server = await faultServer(redirect("/again"));
  await using client = makeClient(server.url);
  await assert.rejects(get(client), HttpRedirectError);
  assert.equal(server.requests.length, 6);
});

Deno.test("HTTP client: what is sent is not sent elsewhere", async () => {
  await using server = await faultServer(redirect("/elsewhere", 307));
  await using client = makeClient(server.url);
  const body = new Uint8Array(3);
  await assert.rejects(get(client, "/", { method: "POST", body }), HttpRedirectError);
  assert.equal(server.requests.length, 1);
});

Deno.test("HTTP client: does not follow to what is no web address", async () => {
  for (const location of ["ftp://host/", "file:///etc/passwd", "http://", "https://:x/"]) {
    await using server = await faultServer(redirect(location));
    await using client = makeClient(server.url);
    await assert.rejects(get(client), HttpRedirectError, location);
  }
});

Deno.test("HTTP client: a redirect that names no place is an answer", async () => {
  await using server = await faultServer({ kind: "http", status: 302 });
  await using client = makeClient(server.url);
  assert.equal((await get(client)).status, 302);
});

Deno.test("HTTP client: where only public addresses are allowed, nothing is asked", async () => {
  await using server = await faultServer(PLAIN);
  await using client = makeClient(server.url, { publicAddressesOnly: true });
  await assert.rejects(get(client), UntrustedRouteError);
  await assert.rejects(client.connect(), UntrustedRouteError);
  assert.equal(server.connectionCount, 0);
});

Deno.test("HTTP client: an aborted request ends with the reason and closes its connection", async () => {
  const reason = new Error("enough");
  await using server = await faultServer({ kind: "silence" });
  await using client = makeClient(server.url);
  for (const after of [0, 20]) {
    const controller = new AbortController();
    const request = get(client, "/", { signal: controller.signal });
    setTimeout(() => controller.abort(reason), after);
    await assert.rejects(request, (error) => error === reason);
  }
  const aborted = get(client, "/", { signal: AbortSignal.abort(reason) });
  await assert.rejects(aborted, (error) => error === reason);
  while (server.openCount > 0) await new Promise((resolve) => setTimeout(resolve, 1));
});

Deno.test("HTTP client: an abort also ends the waiting for a free connection", async () => {
  const reason = new Error("enough");
  await using server = await faultServer({ kind: "silence" });
  await using client = makeClient(server.url);
  const controller = new AbortController();
  const requests = Array.from(
    { length: 270 },
    () => assert.rejects(get(client, "/", { signal: controller.signal })),
  );
  while (server.requests.length < 256) await new Promise((resolve) => setTimeout(resolve, 1));
  controller.abort(reason);
  await Promise.all(requests);
  assert.equal(server.requests.length, 256);
});

Deno.test("HTTP client: closing it ends requests under way", async () => {
  await using server = await faultServer({ kind: "silence" });
  const client = makeClient(server.url);
  const request = assert.rejects(get(client));
  while (server.requests.length < 1) await new Promise((resolve) => setTimeout(resolve, 1));
  await client[Symbol.asyncDispose]();
  await request;
});
