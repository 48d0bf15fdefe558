/**
 * The commands for hubs, as processes against a small hub of the test's own: signing in, publishing
 * a flist and unpacking it by its name, files up and down.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { myfs, myfsJson, myfsOk, type RunOptions } from "./cli_process.ts";

const NOW = "2026-11-24T12:00:00Z";
const DIGEST = "ab".repeat(32);

/** A hub for one user, alice, with one flist and one file. */
class OneUserHub implements AsyncDisposable {
  flist = new Uint8Array();
  readonly #server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => this.#answer(request),
  );

  get url(): string {
    return `hub://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/api/v1/signin") {
      const { password } = await request.json();
      if (password === "pässword") return Response.json({ access_token: "A" }, { status: 201 });
      return Response.json({ title: "Wrong user or password" }, { status: 401 });
    }
    if (request.headers.get("authorization") !== "Bearer A") {
      return Response.json({ title: "Sign in first" }, { status: 401 });
    }
    if (pathname === "/api/v1/signout") return new Response(null, { status: 204 });
    if (pathname === "/api/v1/tokens") {
      const token = { id: "t1", name: "ci", scopes: ["read"], created_at: NOW };
      if (request.method === "GET") return Response.json({ tokens: [token] });
      return Response.json({ ...token, token: "SECRET" }, { status: 201 });
    }
    const info = {
      user: "alice",
      name: "tree",
      tag: "1",
      digest: createHash("sha256").update(this.flist).digest("hex"),
      size: this.flist.length,
      visibility: "public",
      created_at: NOW,
      updated_at: NOW,
    };
    if (pathname === "/api/v1/flists") {
      return Response.json({ flists: [info], total: 1, page: 1, per_page: 100 });
    }
    if (pathname === "/api/v1/flists/alice/tree/1") {
      if (request.method === "GET") {
        return new Response(this.flist, { headers: { ETag: `"${info.digest}"` } });
      }
      this.flist = await request.bytes();
      info.digest = createHash("sha256").update(this.flist).digest("hex");
      return Response.json(info, { status: 201 });
    }
    return Response.json({ title: "Not found" }, { status: 404 });
  }
}

async function place(): Promise<{ folder: string; run: RunOptions }> {
  const folder = await Deno.makeTempDir();
  const env = {
    MYFS_CONFIG_DIR: `${folder}/config`,
    MYFS_CACHE_DIR: `${folder}/cache`,
    MYFS_HUB_PASSWORD: "pässword",
  };
  return { folder, run: { env } };
}

Deno.test("cli hub: a tree is published on a hub and unpacked by its name", async () => {
  await using hub = new OneUserHub();
  const { folder, run } = await place();
  await Deno.mkdir(`${folder}/tree`);
  await Deno.writeTextFile(`${folder}/tree/motd`, "Welcome!\n");
  await myfsOk(["pack", "-m", `${folder}/a.fl`, "-s", `dir://${folder}/b`, `${folder}/tree`], run);
  const name = `${hub.url}/alice/tree:1`;
  const early = await myfs(["flist", "push", `${folder}/a.fl`, name], run);
  assert.equal(early.code, 12, early.stderr);
  assert.match(early.stderr, /myfs login/);

  await myfsOk(["login", hub.url, "--user", "alice"], run);
  const kept = await Deno.stat(`${folder}/config/hubs.json`);
  assert.equal(kept.mode! & 0o777, 0o600);
  await myfsOk(["flist", "push", "--public", `${folder}/a.fl`, name], run);
  assert.deepEqual(hub.flist, await Deno.readFile(`${folder}/a.fl`));

  const found = await myfsOk(["flist", "search", "--hub", hub.url, "tree"], run);
  assert.match(found.stdout, /^alice\/tree:1 [0-9a-f]{64}\n$/);
  await myfsOk(["unpack", name, `${folder}/copy`], run);
  assert.equal(await Deno.readTextFile(`${folder}/copy/motd`), "Welcome!\n");
  assert.match((await myfsOk(["flist", "tree", name], run)).stdout, /motd/);
  await myfsOk(["flist", "pull", name, `${folder}/pulled.fl`], run);
  assert.deepEqual(await Deno.readFile(`${folder}/pulled.fl`), hub.flist);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("cli hub: a wrong password is denied and shown nowhere; signing out forgets", async () => {
  await using hub = new OneUserHub();
  const { folder, run } = await place();
  const wrong = { env: { ...run.env, MYFS_HUB_PASSWORD: "s3cret" } };
  const denied = await myfs(["login", hub.url, "-u", "alice"], wrong);
  assert.equal(denied.code, 12);
  assert.ok(!(denied.stderr + denied.stdout).includes("s3cret"));
  const unasked = await myfs(["login", hub.url, "-u", "alice"], {
    env: { ...run.env, MYFS_HUB_PASSWORD: "" },
  });
  assert.equal(unasked.code, 2);

  await myfsOk(["login", hub.url, "-u", "alice"], run);
  await myfsOk(["logout", hub.url], run);
  assert.equal((await myfs(["logout", hub.url], run)).code, 10);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("cli hub: tokens print their secret once, and JSON is one document", async () => {
  await using hub = new OneUserHub();
  const { folder, run } = await place();
  const env = { ...run.env, MYFS_HUB: hub.url, MYFS_HUB_TOKEN: "A" };
  const made = await myfsOk(["token", "create", "ci", "--scope", "read"], { env });
  assert.equal(made.stdout, "SECRET\n");
  const { document } = await myfsJson(["token", "list"], { env });
  assert.deepEqual((document.tokens as { id: string }[])[0]!.id, "t1");
  const missing = await myfsJson(["exists", DIGEST], { env });
  assert.equal(missing.code, 10);
  assert.equal(missing.document.file, false);
  assert.equal((await myfs(["exists", "./missing"], { env })).code, 10);
  assert.equal((await myfs(["download", "../etc/passwd"], { env })).code, 2);
  assert.equal((await myfs(["token", "list"], run)).code, 2);
  await Deno.remove(folder, { recursive: true });
});
