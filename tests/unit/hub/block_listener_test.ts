/**
 * Goal: a block that is answered before the application is answered as the application does.
 * Method: each request is sent twice to a hub that serves, as it is and with a condition that changes
 * nothing but that the application has to look at it.
 */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { connect } from "node:net";
import { blockListener } from "../../../hub/block_listener.ts";
import { requestBuckets } from "../../../hub/middleware/authentication.ts";
import { blake3, parseBlockId } from "../../../mod.ts";
import { HubServer } from "../../helpers/hub_server.ts";

/** Without `Range` it means nothing. */
const TO_APPLICATION = { "if-range": '"x"' };

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** What a request gets, without what is different each time. */
async function answerOf(
  hub: HubServer,
  id: string,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const response = await hub.send("GET", `/api/v1/block/${id}`, { headers });
  const body = await response.bytes();
  const { date: _date, ...rest } = Object.fromEntries(response.headers);
  const isProblem = rest["content-type"] === "application/problem+json";
  return {
    status: response.status,
    headers: { ...rest, ...(isProblem ? { "content-length": "" } : {}) },
    body: isProblem ? withoutRequestId(new TextDecoder().decode(body)) : body,
  };
}

function withoutRequestId(text: string): unknown {
  const { request_id: _id, ...problem } = JSON.parse(text);
  return problem;
}

async function upload(
  hub: HubServer,
  token: string,
  body: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const id = blake3(body).toHex();
  await hub.ask(201, "PUT", `/api/v1/block/${id}`, { token, body });
  return id;
}

Deno.test("block listener: answers as the application, in every case that a caller can bring about", async () => {
  for (const dedup of ["users", "user"]) {
    await using hub = await HubServer.start(`dedup = "${dedup}"`);
    const { access_token: alice } = await hub.signIn("alice");
    const { access_token: bob } = await hub.signIn("bob");
    const { access_token: gone, refresh_token } = await hub.signIn("bob");
    await hub.ask(204, "POST", "/api/v1/signout", { token: gone, json: { refresh_token } });
    const { token: reader } = await hub.ask(201, "POST", "/api/v1/tokens", {
      token: alice,
      json: { name: "r", scopes: ["read"] },
    });
    const small = await upload(hub, alice, new TextEncoder().encode("a small block"));
    const large = await upload(hub, alice, new Uint8Array(300_000).fill(7));
    const lost = await upload(hub, alice, new TextEncoder().encode("the store loses it"));
    await hub.serving.hub.store.delete!(parseBlockId(lost));
    const bearer = (token: string): Record<string, string> => ({
      authorization: `Bearer ${token}`,
    });
    const statuses = new Set<number>();
    for (const id of [small, large, lost, "0".repeat(64)]) {
      for (
        const headers of [
          {},
          ...[alice, bob, reader, gone, "nonsense", `${alice}x`].map(bearer),
          { authorization: `bearer  ${alice} ` },
          { authorization: "Basic YTpi" },
          { "x-request-id": "from-a-proxy" },
          { "x-request-id": "no id" },
          { "x-forwarded-for": "203.0.113.7" },
          { "accept-encoding": "gzip" },
        ]
      ) {
        const fast = await answerOf(hub, id, headers);
        const slow = await answerOf(hub, id, { ...headers, ...TO_APPLICATION });
        if (headers["x-request-id" as never] !== "from-a-proxy") {
          for (const { headers } of [fast, slow]) {
            assert.match(headers["x-request-id"]!, /^[0-9a-f-]{36}$/);
            delete (headers as Record<string, string>)["x-request-id"];
          }
        }
        assert.deepEqual(fast, slow, `${dedup} ${id} ${JSON.stringify(headers)}`);
        statuses.add(fast.status);
      }
    }
    assert.deepEqual([...statuses].sort(), [200, 401, 404, 500]);
  }
});

Deno.test("block listener: answers whole blocks itself, and leaves all else to the application", async () => {
  await using hub = await HubServer.start();
  const { access_token: token } = await hub.signIn("alice");
  const id = await upload(hub, token, new TextEncoder().encode("whole"));
  const parts = hub.serving.hub;
  let left = 0;
  const listener = blockListener(parts, requestBuckets(parts), (_request, response) => {
    left++;
    response.writeHead(204).end();
  });
  await using stack = new AsyncDisposableStack();
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stack.defer(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.address() as { readonly port: number };
  const isLeft = async (path: string, init: RequestInit = {}): Promise<boolean> => {
    const before = left;
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      ...init,
      headers: { connection: "close", ...init.headers },
    });
    await response.body?.cancel();
    assert.equal(response.status, left === before ? 200 : 204);
    return left > before;
  };
  const path = `/api/v1/block/${id}`;
  assert.equal(await isLeft(path), false);
  assert.equal(await isLeft(path, { headers: { authorization: `Bearer ${token}` } }), false);
  for (const method of ["HEAD", "DELETE", "OPTIONS"]) {
    assert.equal(await isLeft(path, { method }), true);
  }
  for (const headers of [{ range: "bytes=0-1" }, { "if-none-match": "*" }, TO_APPLICATION]) {
    assert.equal(await isLeft(path, { headers: headers as Record<string, string> }), true);
  }
  for (
    const other of [
      `${path}?x=1`,
      `${path}/`,
      `${path}/downloads`,
      `/api/v1/block/${id.toUpperCase()}`,
      `/api/v1/block/${id.slice(1)}`,
      "/api/v1/block/missing",
      "/health",
    ]
  ) assert.equal(await isLeft(other), true, other);
  parts.state.isDraining = true;
  assert.equal(await isLeft(path), true);
});

Deno.test("block listener: what it answers is logged, counted and timed like the rest", async () => {
  await using hub = await HubServer.start();
  const { access_token: token } = await hub.signIn("alice");
  const body = new TextEncoder().encode("counted");
  const id = await upload(hub, token, body);
  const path = `/api/v1/block/${id}`;
  for (const headers of [{}, TO_APPLICATION]) {
    hub.log.length = 0;
    const response = await hub.send("GET", path, { token, headers });
    await response.body?.cancel();
    const { at, ms, request_id, ...line } = JSON.parse(hub.log[0]!);
    assert.ok(at > "2026" && ms >= 0);
    assert.equal(request_id, response.headers.get("x-request-id"));
    const wanted = { level: "info", event: "request", method: "GET", path, status: 200 };
    assert.deepEqual(line, { ...wanted, address: "127.0.0.1", user: "alice" });
  }
  const { downloads_count } = await hub.ask(200, "GET", `${path}/downloads`);
  assert.equal(downloads_count, 2);
  const metrics = await (await hub.send("GET", "/metrics")).text();
  const endpoint = 'endpoint="/api/v1/block/{hash}"';
  assert.match(metrics, new RegExp(`requests_total{method="GET",${endpoint},status="200"} 2\n`));
  assert.match(metrics, new RegExp(`duration_seconds_bucket{${endpoint},le="\\+Inf"} 3\n`));
});

Deno.test("block listener: requests count once against the rate, whoever answers them", async () => {
  let now = Date.now();
  await using hub = await HubServer.start(
    "rate_limit_per_second = 1\nrate_limit_burst = 20",
    () => now,
  );
  const { access_token: token } = await hub.signIn("alice");
  const id = await upload(hub, token, new TextEncoder().encode("limited"));
  // Anybody from this address; the sign-in was one of theirs.
  now += 60_000;
  const send = async (id: string, headers: Record<string, string>): Promise<number> => {
    const response = await hub.send("GET", `/api/v1/block/${id}`, { headers });
    await response.body?.cancel();
    if (response.status === 429) assert.equal(response.headers.get("ratelimit-limit"), "20");
    return response.status;
  };
  const statuses: number[] = [];
  for (let round = 0; round < 8; round++) {
    statuses.push(
      await send(id, {}),
      await send(id, TO_APPLICATION),
      await send("0".repeat(64), {}),
    );
  }
  const expected = Array.from({ length: 24 }, (_, at) => at >= 20 ? 429 : at % 3 === 2 ? 404 : 200);
  assert.deepEqual(statuses, expected);
});

Deno.test("block listener: a token that ends, and a block that is given up, end at once", async () => {
  await using hub = await HubServer.start('dedup = "user"');
  const { access_token: token, refresh_token } = await hub.signIn("alice");
  const { access_token: other } = await hub.signIn("alice");
  const id = await upload(hub, token, new TextEncoder().encode("for a while"));
  const path = `/api/v1/block/${id}`;
  await (await hub.send("GET", path, { token })).body?.cancel();
  await (await hub.send("GET", path, { token: other })).body?.cancel();
  await hub.ask(204, "POST", "/api/v1/signout", { token, json: { refresh_token } });
  await hub.ask(401, "GET", path, { token });
  await hub.ask(204, "DELETE", path, { token: other });
  await hub.ask(404, "GET", path, { token: other });
});

Deno.test("block listener: requests behind each other on one connection are answered in order", async () => {
  await using hub = await HubServer.start();
  const { access_token: token } = await hub.signIn("alice");
  const ids: string[] = [];
  for (let index = 0; index < 6; index++) {
    ids.push(await upload(hub, token, new TextEncoder().encode(`block ${index}`)));
  }
  const { port } = new URL(hub.url);
  const socket = connect({ host: "127.0.0.1", port: Number(port) });
  // Every second one takes the longer way.
  const requests = ids.map((id, index) =>
    `GET /api/v1/block/${id} HTTP/1.1\r\nHost: hub\r\n` +
    `${index % 2 === 0 ? "" : 'If-Range: "x"\r\n'}${index === 5 ? "Connection: close\r\n" : ""}\r\n`
  );
  socket.write(requests.join(""));
  let text = "";
  for await (const piece of socket) text += piece;
  assert.deepEqual(text.match(/block \d/g), ids.map((_, index) => `block ${index}`));
});
