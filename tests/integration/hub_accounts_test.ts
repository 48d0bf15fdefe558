/**
 * Who may do what at a hub, over real connections: signing in, tokens, users, limits, and what
 * clients do that mean no good.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { ConfigError, exampleConfig, loadConfig } from "../../hub/mod.ts";
import { HUB_ENDPOINTS } from "../../lib/hub_api/endpoints.ts";
import { HUB_PASSWORDS, HubServer } from "../helpers/hub_server.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

Deno.test("hub accounts: a wrong password and an unknown user get the same answer, and are counted", async () => {
  await using hub = await HubServer.start();
  const failed = async (username: string): Promise<Record<string, unknown>> => {
    const json = { username, password: "wrong" };
    const { request_id: _, ...problem } = await hub.ask(401, "POST", "/api/v1/signin", { json });
    return problem;
  };
  assert.deepEqual(await failed("alice"), await failed("nobody"));
  // Enough of them, and even the right password has to wait.
  let status = 401;
  let retryAfter: string | null = null;
  for (let tries = 0; status === 401 && tries < 30; tries++) {
    const json = { username: "alice", password: "wrong" };
    const response = await hub.send("POST", "/api/v1/signin", { json });
    await response.body?.cancel();
    status = response.status;
    retryAfter = response.headers.get("retry-after");
  }
  assert.equal(status, 429);
  assert.ok(Number(retryAfter) > 0);
});

Deno.test("hub accounts: a refresh token is good once, and its second use ends the sign-in", async () => {
  await using hub = await HubServer.start();
  const first = await hub.signIn("bob");
  const refresh = (token: string): Promise<Response> =>
    hub.send("POST", "/api/v1/token/refresh", { json: { refresh_token: token } });
  const renewed = await refresh(first.refresh_token);
  assert.ok(renewed.ok);
  const second = await renewed.json();
  await hub.ask(200, "GET", "/api/v1/me", { token: second.access_token });
  const reused = await refresh(first.refresh_token);
  await reused.body?.cancel();
  assert.equal(reused.status, 401);
  const after = await refresh(second.refresh_token);
  await after.body?.cancel();
  assert.equal(after.status, 401);
  await hub.ask(401, "GET", "/api/v1/me", { token: second.access_token });
});

Deno.test("hub accounts: an API token does what its scopes say until it is revoked", async () => {
  await using hub = await HubServer.start();
  const { access_token: token } = await hub.signIn("bob");
  const made = await hub.ask(201, "POST", "/api/v1/tokens", {
    token,
    json: { name: "reader", scopes: ["read"] },
  });
  const reader = made.token as string;
  await hub.ask(200, "GET", "/api/v1/me", { token: reader });
  const body = new TextEncoder().encode("some bytes");
  await hub.ask(403, "POST", "/api/v1/file", { token: reader, body });
  await hub.ask(201, "POST", "/api/v1/file", { token, body });
  const { tokens } = await hub.ask(200, "GET", "/api/v1/tokens", { token });
  assert.equal(tokens.length, 1);
  assert.ok(!JSON.stringify(tokens).includes(reader));
  await hub.ask(403, "GET", "/api/v1/users", { token });
  await hub.ask(204, "DELETE", `/api/v1/tokens/${made.id}`, { token });
  await hub.ask(401, "GET", "/api/v1/me", { token: reader });
});

Deno.test("hub accounts: an administrator makes and disables users, and the audit log says so", async () => {
  await using hub = await HubServer.start();
  const { access_token: token } = await hub.signIn("alice");
  const user = { name: "carol", password: "carol's password" };
  await hub.ask(201, "POST", "/api/v1/users", { token, json: user });
  await hub.ask(409, "POST", "/api/v1/users", { token, json: user });
  const json = { username: user.name, password: user.password };
  const { access_token: carol } = await hub.ask(201, "POST", "/api/v1/signin", { json });
  await hub.ask(200, "PATCH", "/api/v1/users/carol", { token, json: { disabled: true } });
  await hub.ask(401, "GET", "/api/v1/me", { token: carol });
  await hub.ask(401, "POST", "/api/v1/signin", { json });
  const audit = JSON.stringify(await hub.ask(200, "GET", "/api/v1/audit", { token }));
  assert.match(audit, /carol/);
  assert.ok(!audit.includes(user.password));
});

Deno.test("hub accounts: bad tokens and other schemes are refused", async () => {
  await using hub = await HubServer.start();
  const { access_token: token } = await hub.signIn("bob");
  const [header, payload, signature] = token.split(".") as [string, string, string];
  const none = btoa('{"alg":"none","typ":"JWT"}').replaceAll("=", "");
  const forged = btoa(atob(payload).replace("bob", "alice")).replaceAll("=", "");
  for (
    const bad of [
      `Bearer ${none}.${payload}.`,
      `Bearer ${header}.${forged}.${signature}`,
      `Bearer ${token}x`,
      `Basic ${token}`,
      token,
    ]
  ) {
    await hub.ask(401, "GET", "/api/v1/me", { headers: { authorization: bad } });
  }
});

Deno.test("hub: what is wrong with a request is a problem document, and no more", async () => {
  await using hub = await HubServer.start("json_bytes_max = 2048");
  const { access_token: token } = await hub.signIn("bob");
  const cases: [number, string, string, string?, string?][] = [
    [404, "GET", "/nothing/here"],
    [404, "GET", "/server.toml"],
    [405, "DELETE", "/health"],
    // Another request has a parameter where this path has a word.
    [405, "GET", "/api/v1/blocks/missing"],
    [415, "POST", "/api/v1/signin", "username=alice", "application/x-www-form-urlencoded"],
    [415, "POST", "/api/v1/signin", "{}", "text/json"],
    [400, "POST", "/api/v1/signin", "{not json"],
    [413, "POST", "/api/v1/signin", JSON.stringify({ username: "x".repeat(4096) })],
  ];
  for (const [status, method, path, body, type = "application/json"] of cases) {
    const response = await hub.send(method, path, {
      ...(body === undefined ? {} : { body, headers: { "content-type": type } }),
    });
    const problem = await response.json();
    assert.equal(response.status, status, `${method} ${path}: ${JSON.stringify(problem)}`);
    assert.match(response.headers.get("content-type") ?? "", /application\/problem\+json/);
    assert.equal(problem.status, status);
    assert.equal(typeof problem.code, "string");
    assert.ok(!/\.ts:|at /.test(problem.detail ?? ""));
    if (status === 405) {
      const allowed = path === "/health" ? "GET, HEAD" : "POST";
      assert.equal(response.headers.get("allow"), allowed);
    }
  }
  for (const hash of ["%2Fetc%2Fpasswd", "..%2f..%2fhub.sqlite", "%00", "x".repeat(64), "ab"]) {
    const response = await hub.send("GET", `/api/v1/block/${hash}`, { token });
    await response.body?.cancel();
    assert.ok([400, 404].includes(response.status), `${hash}: ${response.status}`);
  }
});

Deno.test("hub: every request of the table is served and documented, and nothing else is", async () => {
  await using hub = await HubServer.start();
  const document = await hub.ask(200, "GET", "/api-docs/openapi.json");
  assert.match(document.openapi, /^3\.1/);
  const documented = Object.entries(document.paths as Record<string, object>).flatMap(
    ([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`),
  );
  const promised = Object.values(HUB_ENDPOINTS).map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(documented.sort(), promised.sort());
  for (const { method, path } of Object.values(HUB_ENDPOINTS)) {
    const real = path.replaceAll(/\{\w+\}/g, "x");
    const response = await hub.send(method.toUpperCase(), real);
    await response.body?.cancel();
    assert.ok(response.status !== 405 && response.status < 500, `${method} ${real}`);
  }
  const page = await hub.send("GET", "/swagger-ui");
  assert.ok(!/https?:\/\//.test(await page.text()));
  assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'/);
});

Deno.test("hub: neither database nor log has a password or a token", async () => {
  await using hub = await HubServer.start();
  const { access_token, refresh_token } = await hub.signIn("alice");
  const made = await hub.ask(201, "POST", "/api/v1/tokens", {
    token: access_token,
    json: { name: "ci", scopes: ["read"] },
  });
  const secrets = [...Object.values(HUB_PASSWORDS), access_token, refresh_token, made.token];
  const log = hub.log.join("\n");
  assert.match(log, /signin/);
  for (const line of hub.log) JSON.parse(line);
  using database = new DatabaseSync(hub.folder.file("data/hub.sqlite"), { readOnly: true });
  const hashes = database.prepare("SELECT password_hash FROM account").all();
  assert.equal(hashes.length, 2);
  for (const { password_hash } of hashes) assert.match(`${password_hash}`, /^\$argon2id\$/);
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  const dump = JSON.stringify(
    tables.map(({ name }) => database.prepare(`SELECT * FROM "${name}"`).all()),
  );
  for (const secret of secrets) {
    assert.ok(!log.includes(secret), "in the log");
    assert.ok(!dump.includes(secret), "in the database");
  }
});

Deno.test("hub config: the example is good, and a mistake is told with its line", async () => {
  using folder = new TempFolder();
  const path = folder.file("server.toml");
  await Deno.writeTextFile(path, exampleConfig());
  await loadConfig({ path, read: (name) => name === "HOME" ? folder.path : undefined });
  await Deno.writeTextFile(path, '# a hub\nport = 99999\nstorge_dir = "/x"\n');
  await assert.rejects(loadConfig({ path, read: () => undefined }), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /line 2/);
    assert.match(error.message, /line 3.*storge_dir.*storage_dir/s);
    return true;
  });
  await Deno.writeTextFile(path, `port = 1\ndata_dir = "${folder.path}"\n`);
  await Deno.writeTextFile(folder.file("secret"), `${"s".repeat(40)}\n`);
  const environment: Record<string, string> = {
    MYFS_HUB_PORT: "2",
    MYFS_HUB_JWT_SECRET_FILE: folder.file("secret"),
  };
  const config = await loadConfig({ path, read: (name) => environment[name] });
  assert.equal(config.port, 2);
  assert.equal(config.jwt_secret, "s".repeat(40));
});
