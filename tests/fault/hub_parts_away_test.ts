/**
 * Goal: while a hub's store, its flists or its database are away, whoever needs them is told to come
 * back, everybody else is served, and all that was acknowledged is there afterwards; no answer shows
 * where the parts are or how they are reached.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { packDirectory } from "../../mod.ts";
import { loadConfig } from "../../hub/mod.ts";
import { openHub } from "../../hub/open_hub.ts";
import { Gate } from "../helpers/gate.ts";
import { type HubRequest, HubServer } from "../helpers/hub_server.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { ZdbServer } from "../helpers/zdb_server.ts";

const CANARY = "canary-0123456789";

/** A hub, and what it is asked for while something is away. */
class Asked {
  readonly hub: HubServer;
  readonly token: string;

  constructor(hub: HubServer, token: string) {
    this.hub = hub;
    this.token = token;
  }

  /** Has to be told to come back, in a problem that shows nothing. */
  async away(method: string, path: string, request: HubRequest = {}): Promise<void> {
    const response = await this.hub.send(method, path, { token: this.token, ...request });
    const text = await response.text();
    assert.equal(response.status, 503, `${method} ${path}: ${text}`);
    assert.equal(response.headers.get("retry-after"), "5");
    if (method === "HEAD") return;
    assert.match(response.headers.get("content-type")!, /^application\/problem\+json/);
    const { code, status, request_id: _, ...rest } = JSON.parse(text);
    assert.deepEqual([code, status], ["unavailable", 503]);
    const shown = JSON.stringify(rest);
    for (const hidden of [CANARY, this.hub.folder.path, ".ts", " at ", "zdb:", "dir:", "SQLITE"]) {
      assert.ok(!shown.includes(hidden), `${hidden}: ${shown}`);
    }
  }

  /** Has to be answered with `status`. */
  async answers(
    status: number,
    method: string,
    path: string,
    request: HubRequest = {},
  ): Promise<Response> {
    const response = await this.hub.send(method, path, { token: this.token, ...request });
    const body = await response.bytes();
    const text = new TextDecoder().decode(body);
    assert.equal(response.status, status, `${method} ${path}: ${text}`);
    return new Response(status === 204 ? null : body, { status, headers: response.headers });
  }
}

function noSecretIn(hub: HubServer): void {
  const log = hub.log.join("");
  assert.ok(!log.includes(CANARY));
  for (const line of hub.log) JSON.parse(line);
}

Deno.test("hub: while its store is away, who needs no block is served, and then all blocks are there", async () => {
  await using zdb = new ZdbServer({ namespaces: { ns: { password: CANARY } } });
  await using gate = await Gate.to(zdb.port);
  const store = `store_url = ["zdb://:${CANARY}@127.0.0.1:${gate.port}/ns"]`;
  await using hub = await HubServer.start(store);
  const { access_token: token } = await hub.signIn("bob");
  const asked = new Asked(hub, token);
  const body = new Uint8Array(3 * 2 ** 20 + 1).map((_, at) => at >> 8);
  const { file_hash } = await hub.ask(201, "POST", "/api/v1/file", { token, body });
  const block = `/api/v1/block?file_hash=${"a".repeat(64)}&idx=0`;
  const { hash } = await hub.ask(201, "POST", block, { token, body: "a block" });
  const json = { size: 4 };
  const { id } = await hub.ask(201, "POST", "/api/v1/uploads", { token, json });

  await gate.shut();
  await Promise.all([
    asked.away("GET", `/api/v1/block/${hash}`),
    asked.away("GET", `/api/v1/file/${file_hash}`),
    asked.away("GET", `/api/v1/file/${file_hash}`, { headers: { range: "bytes=5-9" } }),
    asked.away("POST", "/api/v1/file", { body: "another" }),
    asked.away("POST", block.replace("idx=0", "idx=1"), { body: "another" }),
    asked.away("PUT", `/api/v1/uploads/${id}/parts/0`, { body: "part" }),
    asked.away("POST", "/api/v1/blocks/download", { json: { blocks: [hash] } }),
    asked.answers(200, "GET", "/health"),
    asked.answers(200, "GET", "/api/v1/me"),
    asked.answers(200, "HEAD", `/api/v1/block/${hash}`),
    asked.answers(200, "GET", `/api/v1/blocks/${file_hash}`),
    asked.answers(200, "POST", "/api/v1/blocks/missing", { json: { blocks: [hash] } }),
    asked.answers(503, "GET", "/ready").then(async (response) => {
      const checks = { database: "ok", store: "failed" };
      assert.deepEqual(await response.json(), { status: "not_ready", checks });
    }),
  ]);
  noSecretIn(hub);

  await gate.open();
  const got = await asked.answers(200, "GET", `/api/v1/file/${file_hash}`);
  assert.deepEqual(await got.bytes(), body);
  assert.equal(await (await asked.answers(200, "GET", `/api/v1/block/${hash}`)).text(), "a block");
  // What was refused was not kept by half: it can be sent again.
  await asked.answers(204, "PUT", `/api/v1/uploads/${id}/parts/0`, { body: "part" });
  await asked.answers(201, "POST", "/api/v1/file", { body: "another" });
  await asked.answers(200, "GET", "/ready");
});

Deno.test("hub: a folder that is gone is away, not empty: nothing is lost, and nothing put in its place", async () => {
  await using hub = await HubServer.start();
  const { access_token: token } = await hub.signIn("bob");
  const asked = new Asked(hub, token);
  using source = new TempFolder();
  await Deno.writeTextFile(source.file("a"), "something");
  const flist = hub.folder.file("tree.fl");
  await packDirectory(source.path, { meta: flist, store: [`dir://${hub.folder.file("blocks")}`] });
  const body = await Deno.readFile(flist);
  const { digest } = await hub.ask(201, "PUT", "/api/v1/flists/bob/tree/1", { token, body });
  const { file_hash } = await hub.ask(201, "POST", "/api/v1/file", { token, body: "a file" });
  const folders = ["data/flists", "data/storage/blocks"].map((name) => hub.folder.file(name));

  for (const path of folders) await Deno.rename(path, `${path}.away`);
  await asked.away("GET", "/api/v1/flists/bob/tree/1");
  await asked.away("GET", `/api/v1/flists/digest/${digest}`);
  await asked.away("GET", "/api/v1/flists/bob/tree/1/tree?path=/");
  await asked.away("GET", "/flists/bob/tree-1.fl");
  await asked.away("PUT", "/api/v1/flists/bob/tree/2", { body });
  await asked.away("GET", `/api/v1/file/${file_hash}`);
  await asked.away("POST", "/api/v1/file", { body: "another file" });
  await asked.answers(200, "GET", "/api/v1/flists/bob/tree");
  for (const path of folders) await assert.rejects(Deno.lstat(path), Deno.errors.NotFound);
  noSecretIn(hub);

  for (const path of folders) await Deno.rename(`${path}.away`, path);
  const got = await asked.answers(200, "GET", "/api/v1/flists/bob/tree/1");
  assert.equal(got.headers.get("etag"), `"${digest}"`);
  await asked.answers(200, "GET", `/api/v1/file/${file_hash}`);
  await asked.answers(201, "PUT", "/api/v1/flists/bob/tree/2", { body });
});

Deno.test("hub: a database that another program holds is waited for, and then told of", async () => {
  await using hub = await HubServer.start();
  const { access_token: token } = await hub.signIn("bob");
  const asked = new Asked(hub, token);
  const { file_hash } = await hub.ask(201, "POST", "/api/v1/file", { token, body: "a file" });
  using other = new DatabaseSync(hub.folder.file("data/hub.sqlite"));
  const file = `/api/v1/file/${file_hash}`;

  // A short wait nobody notices, and who only reads does not wait for it.
  other.exec("BEGIN IMMEDIATE");
  const waiting = asked.answers(201, "POST", "/api/v1/file", { body: "another file" });
  await asked.answers(200, "GET", "/health");
  await new Promise((resolve) => setTimeout(resolve, 100));
  other.exec("ROLLBACK");
  await waiting;

  other.exec("BEGIN IMMEDIATE");
  await asked.away("POST", "/api/v1/file", { body: "a third file" });
  await asked.answers(200, "GET", file);
  await asked.answers(200, "GET", "/ready");
  await asked.away("DELETE", file);
  await asked.away("POST", "/api/v1/signin", {
    json: { username: "bob", password: CANARY },
  });
  other.exec("ROLLBACK");
  noSecretIn(hub);
  await asked.answers(201, "POST", "/api/v1/file", { body: "a third file" });
  assert.equal(await (await asked.answers(200, "GET", file)).text(), "a file");
});

Deno.test("hub: a database that was moved away takes nothing, and has all that it took", async () => {
  await using hub = await HubServer.start();
  const { access_token: token } = await hub.signIn("bob");
  const asked = new Asked(hub, token);
  const { file_hash } = await hub.ask(201, "POST", "/api/v1/file", { token, body: "a file" });
  const names = ["hub.sqlite", "hub.sqlite-wal", "hub.sqlite-shm"]
    .map((name) => hub.folder.file(`data/${name}`));
  for (const name of names) await Deno.rename(name, `${name}.away`);
  await asked.away("POST", "/api/v1/file", { body: "another file" });
  await asked.away("DELETE", `/api/v1/file/${file_hash}`);
  const ready = await asked.answers(503, "GET", "/ready");
  assert.equal((await ready.json()).checks.database, "failed");
  await assert.rejects(Deno.lstat(names[0]!), Deno.errors.NotFound);

  for (const name of names) await Deno.rename(`${name}.away`, name);
  await asked.answers(200, "GET", "/ready");
  await asked.answers(201, "POST", "/api/v1/file", { body: "another file" });
  // Another process of the hub finds the same.
  const path = hub.folder.file("server.toml");
  await using beside = await openHub(await loadConfig({ path, read: () => undefined }), {
    writeLog: () => {},
  });
  assert.equal((await beside.content.files.find(file_hash, "bob")).size, 6);
});

Deno.test("hub: a store that goes away while a file is sent breaks the answer off", async () => {
  await using zdb = new ZdbServer();
  await using gate = await Gate.to(zdb.port);
  await using hub = await HubServer.start(`store_url = ["zdb://127.0.0.1:${gate.port}"]`);
  const { access_token: token } = await hub.signIn("bob");
  const body = new Uint8Array(64 * 2 ** 20).map((_, at) => at >> 16);
  const { file_hash } = await hub.ask(201, "POST", "/api/v1/file", { token, body });
  const response = await hub.send("GET", `/api/v1/file/${file_hash}`, { token });
  assert.equal(response.status, 200);
  const received: Uint8Array[] = [];
  let at = 0;
  await assert.rejects(async () => {
    for await (const piece of response.body!) {
      if (at === 0) await gate.shut();
      received.push(piece);
      at += piece.length;
    }
  });
  // What came is the file's beginning, and nothing that is not of the file.
  assert.ok(at > 0 && at < body.length);
  const whole = await new Blob(received as BlobPart[]).bytes();
  assert.ok(Buffer.compare(whole, body.subarray(0, at)) === 0);
  const lines = hub.log.filter((line) => line.includes("answer broke off"));
  assert.equal(lines.length, 1);
  assert.match(JSON.parse(lines[0]!).request_id, /./);
});
