/**
 * How often a hub lets somebody do something, with a clock of the test's own; and what is left of
 * what was there before: sessions, tokens and users of the configuration.
 */

import assert from "node:assert/strict";
import { HUB_PASSWORDS, HubServer } from "../helpers/hub_server.ts";

const START_MS = Date.parse("2026-01-01T00:00:00Z");
const MINUTE_MS = 60_000;

/** A hub whose time the test sets. */
async function startAt(settings = ""): Promise<{ hub: HubServer; clock: { now: number } }> {
  const clock = { now: START_MS };
  return { hub: await HubServer.start(settings, () => clock.now), clock };
}

async function statusOf(response: Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}

Deno.test("hub limits: each further wrong password waits longer, and the wait ends", async () => {
  const { hub, clock } = await startAt();
  await using _ = hub;
  const signIn = (password: string): Promise<Response> =>
    hub.send("POST", "/api/v1/signin", { json: { username: "alice", password } });
  for (let tries = 0; tries < 5; tries++) assert.equal(await statusOf(signIn("wrong")), 401);
  const waits: number[] = [];
  for (let tries = 0; tries < 4; tries++) {
    const refused = await signIn(HUB_PASSWORDS.alice);
    await refused.body?.cancel();
    assert.equal(refused.status, 429);
    const seconds = Number(refused.headers.get("retry-after"));
    waits.push(seconds);
    clock.now += seconds * 1000;
    assert.equal(await statusOf(signIn("wrong")), 401);
  }
  assert.deepEqual(waits, [1, 2, 4, 8]);
  // Another user is not concerned, and after the wait the right password is good.
  await hub.signIn("bob");
  clock.now += 16_000;
  await hub.signIn("alice");
  assert.equal(await statusOf(signIn("wrong")), 401);
  await hub.signIn("alice");
});

Deno.test("hub limits: an address that tries many names has to wait as well", async () => {
  const { hub, clock } = await startAt();
  await using _ = hub;
  const tryName = (name: string): Promise<number> =>
    statusOf(hub.send("POST", "/api/v1/signin", { json: { username: name, password: "x" } }));
  for (let tries = 0; tries < 30; tries++) assert.equal(await tryName(`user${tries}`), 401);
  assert.equal(await tryName("another"), 429);
  clock.now += 16 * MINUTE_MS;
  assert.equal(await tryName("another"), 401);
});

Deno.test("hub limits: requests beyond the rate are told when to come back, by user and by address", async () => {
  const { hub, clock } = await startAt("rate_limit_per_second = 2\nrate_limit_burst = 5");
  await using _ = hub;
  const { access_token: token } = await hub.signIn("bob");
  const me = (): Promise<Response> => hub.send("GET", "/api/v1/me", { token });
  const statuses: number[] = [];
  for (let count = 0; count < 7; count++) statuses.push(await statusOf(me()));
  assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429, 429]);
  const refused = await me();
  const problem = await refused.json();
  assert.equal(problem.code, "too_many_requests");
  assert.equal(refused.headers.get("retry-after"), "1");
  assert.equal(refused.headers.get("ratelimit-limit"), "5");
  // Who is not signed in has a bucket of the address's own.
  await hub.ask(200, "GET", "/health");
  clock.now += 1000;
  assert.equal(await statusOf(me()), 200);
  assert.equal(await statusOf(me()), 200);
  assert.equal(await statusOf(me()), 429);
});

Deno.test("hub limits: guessing tokens is limited, whatever they look like", async () => {
  const { hub } = await startAt(
    "account_rate_limit_per_second = 0.001\naccount_rate_limit_burst = 4",
  );
  await using _ = hub;
  const guesses = ["Bearer x.y.z", `Bearer myfs_${"0".repeat(24)}_${"A".repeat(43)}`, "Basic eA=="];
  const statuses: number[] = [];
  for (let count = 0; count < 6; count++) {
    const headers = { authorization: guesses[count % guesses.length]! };
    statuses.push(await statusOf(hub.send("GET", "/api/v1/me", { headers })));
  }
  assert.deepEqual(statuses, [401, 401, 401, 401, 429, 429]);
});

Deno.test("hub limits: tokens end when they say, and signing out works with one that has ended", async () => {
  const { hub, clock } = await startAt("refresh_expire_days = 2");
  await using _ = hub;
  const tokens = await hub.signIn("bob");
  const { access_token: token } = tokens;
  const made = await hub.ask(201, "POST", "/api/v1/tokens", {
    token,
    json: { name: "short", scopes: ["read"], expires_in: 90 * 60 },
  });
  clock.now += 61 * MINUTE_MS;
  const { code } = await hub.ask(401, "GET", "/api/v1/me", { token });
  assert.equal(code, "token_expired");
  await hub.ask(200, "GET", "/api/v1/me", { token: made.token });
  clock.now += 30 * MINUTE_MS;
  assert.equal((await hub.ask(401, "GET", "/api/v1/me", { token: made.token })).code, code);

  const refresh = (status: number, refresh_token: string): Promise<{ refresh_token: string }> =>
    hub.ask(status, "POST", "/api/v1/token/refresh", { json: { refresh_token } });
  const next = await refresh(200, tokens.refresh_token);
  const json = { refresh_token: next.refresh_token };
  await hub.ask(204, "POST", "/api/v1/signout", { token, json });
  await refresh(401, next.refresh_token);

  const other = await hub.signIn("bob");
  clock.now += 2 * 24 * 60 * MINUTE_MS + 1;
  await refresh(401, other.refresh_token);
});

Deno.test("hub limits: an API token neither makes nor ends tokens, and stays in its namespace", async () => {
  const { hub } = await startAt();
  await using _ = hub;
  const { access_token: token } = await hub.signIn("alice");
  const make = (json: unknown, as = token, status = 201): Promise<{ token: string; id: string }> =>
    hub.ask(status, "POST", "/api/v1/tokens", { token: as, json });
  const reader = await make({ name: "reader", scopes: ["read"] });
  const admin = await make({ name: "admin", scopes: ["admin"] });
  await make({ name: "more", scopes: ["read"] }, admin.token, 403);
  await hub.ask(403, "DELETE", `/api/v1/tokens/${admin.id}`, { token: reader.token });
  await hub.ask(200, "GET", "/api/v1/users", { token: admin.token });
  await hub.ask(403, "GET", "/api/v1/users", { token: reader.token });
  await make({ name: "both", scopes: ["admin"], namespace: "bob" }, token, 422);
  const bound = await make({ name: "bound", scopes: ["write"], namespace: "bob" });
  const me = await hub.ask(200, "GET", "/api/v1/me", { token: bound.token });
  assert.deepEqual(me, {
    user: "alice",
    role: "admin",
    scopes: ["write"],
    namespace: "bob",
    bytes_used: 0,
    bytes_max: null,
    objects_used: 0,
    objects_max: null,
  });

  // What others have is not there, and who is no administrator makes no token for one.
  const { access_token: bob } = await hub.signIn("bob");
  await hub.ask(404, "DELETE", `/api/v1/tokens/${reader.id}`, { token: bob });
  await make({ name: "up", scopes: ["admin"] }, bob, 403);
  const { tokens } = await hub.ask(200, "GET", "/api/v1/tokens", { token });
  const used = tokens.filter(({ last_used_at }: { last_used_at?: string }) => last_used_at);
  assert.deepEqual(used.map(({ name }: { name: string }) => name).sort(), [
    "admin",
    "bound",
    "reader",
  ]);

  // A role that was taken away is taken from every token.
  await hub.ask(200, "PATCH", "/api/v1/users/bob", { token, json: { role: "admin" } });
  await hub.ask(200, "PATCH", "/api/v1/users/alice", { token, json: { role: "user" } });
  await hub.ask(403, "GET", "/api/v1/users", { token: admin.token });
});

Deno.test("hub limits: there is always an administrator, and a new password ends sessions", async () => {
  const { hub } = await startAt();
  await using _ = hub;
  const { access_token: token } = await hub.signIn("alice");
  for (const json of [{ role: "user" }, { disabled: true }]) {
    const { code } = await hub.ask(409, "PATCH", "/api/v1/users/alice", { token, json });
    assert.equal(code, "conflict");
  }
  await hub.ask(404, "PATCH", "/api/v1/users/nobody", { token, json: { disabled: true } });
  await hub.ask(400, "PATCH", "/api/v1/users/bob", { token, json: { password: "short" } });
  const bob = await hub.signIn("bob");
  const password = "another of bob's";
  await hub.ask(200, "PATCH", "/api/v1/users/bob", { token, json: { password } });
  await hub.ask(401, "GET", "/api/v1/me", { token: bob.access_token });
  const json = { refresh_token: bob.refresh_token };
  await hub.ask(401, "POST", "/api/v1/token/refresh", { json });
  await hub.ask(401, "POST", "/api/v1/signin", {
    json: { username: "bob", password: HUB_PASSWORDS.bob },
  });
  await hub.ask(201, "POST", "/api/v1/signin", { json: { username: "bob", password } });
});

Deno.test("hub limits: the audit log has who, what and where, a page at a time", async () => {
  const { hub } = await startAt();
  await using _ = hub;
  const forged = 'nobody\n{"level":"info","event":"audit","actor":"alice"}\u001b[2J';
  await hub.ask(401, "POST", "/api/v1/signin", { json: { username: forged, password: "x" } });
  const { access_token: token } = await hub.signIn("alice");
  await hub.ask(201, "POST", "/api/v1/users", {
    token,
    json: { name: "carol", password: "carol's password" },
    headers: { "x-request-id": "from-the-proxy" },
  });
  const read = (query: string): Promise<{
    events: Record<string, unknown>[];
    total: number;
  }> => hub.ask(200, "GET", `/api/v1/audit?${query}`, { token });
  const { events: [made] } = await read("action=user.create");
  const { id: _id, ...rest } = made!;
  assert.deepEqual(rest, {
    at: new Date(START_MS).toISOString(),
    actor: "alice",
    action: "user.create",
    object: "carol",
    outcome: "done",
    address: "127.0.0.1",
    request_id: "from-the-proxy",
  });
  const { events: [refused] } = await read("action=signin&per_page=1&page=2");
  assert.equal(refused!["outcome"], "refused");
  // deno-lint-ignore no-control-regex -- they are what must not be there
  assert.ok(!/[\u0000-\u001f]/.test(String(refused!["actor"])));
  assert.ok(
    hub.log.every((line) => line.endsWith("}\n") && line.indexOf("\n") === line.length - 1),
  );
  const all = await read("per_page=1");
  assert.equal(all.events.length, 1);
  assert.ok(all.total > 3);
  await hub.ask(400, "GET", "/api/v1/audit?page=0", { token });
});
