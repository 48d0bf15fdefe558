/**
 * The client of a hub, against servers that say what each test wants: who it sends tokens to, what
 * it tries again, and what it makes of refusals.
 */

import assert from "node:assert/strict";
import { HubCredentials } from "../../../../lib/hub_api/credentials.ts";
import { connectHub, type ConnectHubOptions } from "../../../../lib/hub_api/hub_client.ts";
import { parseHubFlist } from "../../../../lib/hub_api/hub_address.ts";
import { HubError, StoreDeniedError, StoreUnavailableError } from "../../../../lib/base/errors.ts";

/** A hub that answers with `handler`, and what it was asked. */
function serve(handler: (request: Request, index: number) => Response | Promise<Response>): {
  readonly url: string;
  readonly requests: string[];
  [Symbol.asyncDispose](): Promise<void>;
} {
  const requests: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const { pathname, search } = new URL(request.url);
    const token = request.headers.get("authorization") ?? "-";
    requests.push(`${request.method} ${pathname}${search} ${token}`);
    return handler(request, requests.length - 1);
  });
  return {
    url: `hub://127.0.0.1:${server.addr.port}`,
    requests,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const problem = (status: number, code: string, headers: HeadersInit = {}): Response =>
  Response.json({ title: "Refused", status, code, detail: "so there" }, { status, headers });

const ME = { user: "alice", role: "user", scopes: ["read"] };
const FAST: ConnectHubOptions = { token: "T", retries: 0 };

Deno.test("hub client: signing in sends the password once and the token after", async () => {
  await using hub = serve(async (request, index) => {
    if (index > 0) return Response.json(ME);
    assert.deepEqual(await request.json(), { username: "alice", password: "pw" });
    return Response.json({ access_token: "A" }, { status: 201 });
  });
  const client = await connectHub(hub.url, { user: "alice", password: "pw" });
  assert.equal((await client.me()).user, "alice");
  assert.deepEqual(hub.requests, ["POST /api/v1/signin -", "GET /api/v1/me Bearer A"]);
});

Deno.test("hub client: a wrong password is denied, not tried again, and not shown", async () => {
  await using hub = serve(() => problem(401, "sign_in_failed"));
  await assert.rejects(
    connectHub(hub.url, { user: "alice", password: "s3cret" }),
    (error: Error) => {
      assert.ok(error instanceof StoreDeniedError && !error.message.includes("s3cret"));
      assert.match(error.message, /Refused: so there/);
      return true;
    },
  );
  assert.equal(hub.requests.length, 1);
});

Deno.test("hub client: requests at once with an ended token refresh it once, and it is kept", async () => {
  await using hub = serve((request) => {
    if (request.url.endsWith("/token/refresh")) {
      return Response.json({ access_token: "NEW", refresh_token: "R2" });
    }
    const fresh = request.headers.get("authorization") === "Bearer NEW";
    return fresh ? Response.json(ME) : problem(401, "token_expired");
  });
  const folder = await Deno.makeTempDir();
  const credentials = new HubCredentials(`${folder}/hubs.json`);
  const client = await connectHub(hub.url, { credentials });
  await credentials.set(client.hub, { user: "alice", accessToken: "OLD", refreshToken: "R1" });
  await Promise.all([client.me(), client.me(), client.me()]);
  assert.equal(hub.requests.filter((line) => line.includes("refresh")).length, 1);
  const kept = await credentials.get(client.hub);
  assert.deepEqual(kept, { user: "alice", accessToken: "NEW", refreshToken: "R2" });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("hub client: gives its token to others, and the next one where that was refused", async () => {
  await using hub = serve((_, index) =>
    index === 0
      ? Response.json({ access_token: "NEW", refresh_token: "R2" })
      : problem(401, "token_invalid")
  );
  const folder = await Deno.makeTempDir();
  const credentials = new HubCredentials(`${folder}/hubs.json`);
  const client = await connectHub(hub.url, { credentials });
  await credentials.set(client.hub, { user: "alice", accessToken: "OLD", refreshToken: "R1" });
  const other = await connectHub(hub.url, { credentials });
  assert.equal(await client.accessToken(), "OLD");
  assert.equal(await other.accessToken(), "OLD");
  assert.equal(await client.accessToken("OLD"), "NEW");
  assert.equal(await client.accessToken("OLD"), "NEW");
  // The refresh token was used up by the first, which has kept what it got.
  assert.equal(await other.accessToken("OLD"), "NEW");
  assert.equal(hub.requests.length, 1);
  assert.equal(await other.accessToken("NEW"), undefined);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("hub client: a hub that is away while the token is to be refreshed may come back", async () => {
  const folder = await Deno.makeTempDir();
  const credentials = new HubCredentials(`${folder}/hubs.json`);
  const client = await connectHub("hub://127.0.0.1:1", { credentials });
  await credentials.set(client.hub, { user: "alice", accessToken: "OLD", refreshToken: "R1" });
  await assert.rejects(
    client.accessToken("OLD"),
    (error: Error) => error instanceof StoreUnavailableError && error.retryable,
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("hub client: a token that cannot be refreshed is denied after one attempt", async () => {
  await using hub = serve(() => problem(401, "token_invalid"));
  await assert.rejects((await connectHub(hub.url, { token: "T" })).me(), StoreDeniedError);
  assert.equal(hub.requests.length, 1);
});

Deno.test("hub client: what fails for the moment is tried again, other failures are not", async () => {
  {
    await using hub = serve((_, index) =>
      index < 2 ? problem(503, "unavailable", { "Retry-After": "0" }) : Response.json(ME)
    );
    await (await connectHub(hub.url, { token: "T" })).me();
    assert.equal(hub.requests.length, 3);
  }
  await using hub = serve(() => problem(409, "conflict"));
  await assert.rejects((await connectHub(hub.url, { token: "T" })).me(), (error: Error) => {
    assert.ok(error instanceof HubError);
    assert.deepEqual([error.status, error.problem], [409, "conflict"]);
    return true;
  });
  assert.equal(hub.requests.length, 1);
});

Deno.test("hub client: redirects are not followed", async () => {
  await using other = serve(() => Response.json(ME));
  await using hub = serve(() => Response.redirect(`http${other.url.slice(3)}/api/v1/me`, 307));
  await assert.rejects((await connectHub(hub.url, FAST)).me(), /redirects are not followed/);
  assert.deepEqual(other.requests, []);
});

Deno.test("hub client: answers that are not a hub's are refused", async () => {
  for (const body of ["<html>", "{}", '{"user":1}', ""]) {
    await using hub = serve(() => new Response(body));
    await assert.rejects((await connectHub(hub.url, FAST)).me(), /not what a hub says/);
  }
});

Deno.test("hub client: a silent hub is given up, and so is one that is away", async () => {
  {
    const done = Promise.withResolvers<Response>();
    await using hub = serve(() => done.promise);
    const client = await connectHub(hub.url, { ...FAST, timeoutMs: 30 });
    await assert.rejects(client.me(), /no answer within 30 ms/);
    done.resolve(new Response());
  }
  const client = await connectHub("hub://127.0.0.1:1", FAST);
  await assert.rejects(
    client.me(),
    (error: Error) => error instanceof StoreUnavailableError && error.retryable,
  );
});

Deno.test("hub client: an abort ends the waiting between attempts with its reason", async () => {
  const controller = new AbortController();
  await using hub = serve(() => {
    setTimeout(() => controller.abort(new Error("enough")), 5);
    return problem(503, "unavailable", { "Retry-After": "60" });
  });
  const client = await connectHub(hub.url, { token: "T", signal: controller.signal });
  await assert.rejects(client.me(), /^Error: enough/);
});

Deno.test("hub client: what a hub says cannot command a terminal", async () => {
  await using hub = serve(() => Response.json({ title: "\x1b[2Jhi\u202e" }, { status: 418 }));
  await assert.rejects((await connectHub(hub.url, FAST)).me(), (error: Error) => {
    // deno-lint-ignore no-control-regex -- these are what may not be there
    assert.doesNotMatch(error.message, /[\u001b\u202e]/);
    return true;
  });
});

Deno.test("hub client: tokens are made, listed and revoked; signing out forgets", async () => {
  const info = { id: "t1", name: "ci", scopes: ["read"], created_at: "2026-11-24T12:00:00Z" };
  await using hub = serve((request) => {
    if (request.method === "DELETE") return new Response(null, { status: 204 });
    if (request.url.endsWith("/signout")) return new Response(null, { status: 204 });
    if (request.method === "POST") return Response.json({ ...info, token: "S" }, { status: 201 });
    return Response.json({ tokens: [info] });
  });
  const client = await connectHub(hub.url, { token: "T" });
  assert.equal((await client.createToken({ name: "ci", scopes: ["read"] })).token, "S");
  assert.deepEqual(await client.tokens(), [info]);
  await client.revokeToken("a/b");
  assert.equal(hub.requests.at(-1), "DELETE /api/v1/tokens/a%2Fb Bearer T");
  assert.equal(await client.signOut(), true);
  assert.equal(await client.signOut(), false);
});

Deno.test("hub client: flists are listed, and one that is missing is named", async () => {
  await using hub = serve((request) => {
    if (request.url.includes("?")) {
      return Response.json({ flists: [], total: 0, page: 1, per_page: 100 });
    }
    if (request.url.endsWith("/al/deb")) {
      return Response.json({ user: "al", name: "deb", tags: [], history: [] });
    }
    return problem(404, "flist_not_found");
  });
  const client = await connectHub(hub.url, FAST);
  assert.equal((await client.flists({ query: "a b" })).total, 0);
  assert.match(hub.requests[0]!, /\?query=a\+b&per_page=100 /);
  assert.deepEqual((await client.flistHistory("al", "deb")).tags, []);
  const reference = parseHubFlist(`${hub.url}/al/deb:1`);
  await assert.rejects(client.fetchFlist(reference), { code: "flist_not_found" });
});

Deno.test("hub client: a body may take its time, as long as it goes on", async () => {
  await using hub = serve(async (request) =>
    Response.json({ size: (await request.bytes()).length })
  );
  const client = await connectHub(hub.url, { ...FAST, timeoutMs: 1000 });
  const response = await client.request({
    method: "PUT",
    path: "api/v1/uploads/1/parts/0",
    body: () =>
      ReadableStream.from((async function* (): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < 30; at++) {
          await new Promise((resolve) => setTimeout(resolve, 50));
          yield new Uint8Array(100);
        }
      })()),
    task: "send it",
  });
  assert.equal((await response.json()).size, 3000);
});

Deno.test("hub client: what a hub has to look at gives it time, and no more than that", async () => {
  const ended = Promise.withResolvers<void>();
  await using hub = serve(async (_, index) => {
    await (index === 0 ? new Promise((resolve) => setTimeout(resolve, 300)) : ended.promise);
    return Response.json(ME);
  });
  const client = await connectHub(hub.url, { ...FAST, timeoutMs: 50 });
  const request = { method: "POST", path: "api/v1/x", task: "have it looked at" } as const;
  try {
    const response = await client.request({ ...request, workBytes: 2 ** 30 });
    await response.body?.cancel();
    await assert.rejects(client.request({ ...request, workBytes: 100 }), /no answer within 50 ms/);
  } finally {
    ended.resolve();
  }
});
