/**
 * Goal: flists by name and tag: who sees them, what is in them, what is refused.
 * Method: real flists, packed here, through the endpoints in this process.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { blockIdsOf, editFlist, packDirectory } from "../../../../mod.ts";
import { HubContent } from "../../../helpers/hub_content.ts";
import { TempFolder } from "../../../helpers/temp_folder.ts";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Packs a small tree into the hub's own store and gives the flist. */
async function pack(
  hub: HubContent,
  folder: TempFolder,
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<{ readonly path: string; readonly bytes: Uint8Array<ArrayBuffer> }> {
  const path = folder.file(`${name}.fl`);
  const store = `dir://${hub.folder}/blocks`;
  await packDirectory(folder.tree(name, files), { meta: path, store });
  return { path, bytes: await Deno.readFile(path) };
}

Deno.test("flists: published, found by those who may, changed, removed, remembered", async () => {
  await using hub = await HubContent.open();
  using folder = new TempFolder();
  const { bytes } = await pack(hub, folder, "one", { "etc/motd": "hello" });
  const path = "/api/v1/flists/alice/debian/12";
  const put = await hub.send("PUT", path, { as: "alice", body: bytes });
  assert.equal(put.status, 201, await put.clone().text());
  const info = await put.json();
  assert.deepEqual(
    [info.user, info.name, info.tag, info.digest, info.size, info.visibility],
    ["alice", "debian", "12", sha256(bytes), bytes.length, "private"],
  );
  for (const as of ["bob", undefined]) {
    const who = as === undefined ? {} : { as };
    for (const hidden of [path, `${path}/tree`, `${path}/inspect`, "/api/v1/flists/alice/debian"]) {
      assert.equal((await hub.send("GET", hidden, who)).status, 404, hidden);
    }
    const digest = await hub.send("GET", `/api/v1/flists/digest/${info.digest}`, who);
    assert.equal(digest.status, 404);
    assert.equal((await (await hub.send("GET", "/api/v1/flists", who)).json()).total, 0);
  }
  assert.equal((await hub.send("PUT", path, { as: "bob", body: bytes })).status, 403);
  assert.equal(
    (await hub.send("PATCH", path, { as: "bob", json: { visibility: "public" } })).status,
    403,
  );
  const open = await hub.send("PATCH", path, { as: "alice", json: { visibility: "public" } });
  assert.equal((await open.json()).visibility, "public");
  const got = await hub.send("GET", path);
  assert.equal(got.headers.get("etag"), `"${info.digest}"`);
  assert.deepEqual(await got.bytes(), bytes);
  const etag = { headers: { "if-none-match": `"${info.digest}"` } };
  assert.equal((await hub.send("GET", path, etag)).status, 304);
  const part = await hub.send("GET", path, { headers: { range: "bytes=0-14" } });
  assert.equal(await part.text(), "SQLite format 3");
  for (const [query, total] of [["debi", 1], ["DEB", 1], ["%", 0], ["_", 0], ["fedora", 0]]) {
    const found = await hub.send("GET", `/api/v1/flists?query=${encodeURIComponent(query!)}`);
    assert.equal((await found.json()).total, total, String(query));
  }

  const second = (await pack(hub, folder, "two", { "etc/motd": "hello again" })).bytes;
  assert.equal((await hub.send("PUT", path, { as: "alice", body: second })).status, 200);
  const history = await (await hub.send("GET", "/api/v1/flists/alice/debian")).json();
  assert.deepEqual(
    history.history.map(({ digest }: { digest: string }) => digest),
    [sha256(second), sha256(bytes)],
  );
  const before = await hub.send("GET", `/api/v1/flists/digest/${sha256(bytes)}`);
  assert.deepEqual(await before.bytes(), bytes);
  assert.equal((await hub.content.usageOf("alice")).bytes, second.length);

  assert.equal((await hub.send("DELETE", path, { as: "bob" })).status, 403);
  assert.equal((await hub.send("DELETE", path, { as: "alice" })).status, 204);
  assert.equal((await hub.send("GET", path)).status, 404);
  assert.equal((await hub.send("GET", `/api/v1/flists/digest/${sha256(bytes)}`)).status, 404);
  assert.deepEqual(await hub.content.usageOf("alice"), { bytes: 0, objects: 0 });
});

Deno.test("flists: what is none is refused, and leaves nothing", async () => {
  await using hub = await HubContent.open();
  using folder = new TempFolder();
  const { path, bytes } = await pack(hub, folder, "tree", { "a": "a" });
  const evil = folder.file("evil.fl");
  await Deno.copyFile(path, evil);
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(evil);
  database.exec("CREATE VIEW v AS SELECT load_extension('x')");
  database.close();
  const bodies: [string, Uint8Array<ArrayBuffer>][] = [
    ["empty", new Uint8Array()],
    ["text", new TextEncoder().encode("no flist")],
    ["cut", bytes.slice(0, bytes.length / 2)],
    ["with a view", await Deno.readFile(evil)],
    ["header alone", bytes.slice(0, 100)],
  ];
  for (const [name, body] of bodies) {
    const answer = await hub.send("PUT", "/api/v1/flists/alice/x/y", { as: "alice", body });
    assert.equal(answer.status, 422, name);
    const problem = await answer.text();
    assert.equal(JSON.parse(problem).code, "flist_invalid");
    assert.ok(!problem.includes(hub.folder), "it names no path of the hub");
  }
  assert.equal((await hub.send("GET", "/api/v1/flists/alice/x/y", { as: "alice" })).status, 404);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${hub.folder}/flists/incoming`)), []);
});

Deno.test("flists: secrets in routes do not stay", async () => {
  await using hub = await HubContent.open();
  using folder = new TempFolder();
  const { path } = await pack(hub, folder, "tree", { "a": "a" });
  const url = "s3s://CANARYKEY:CANARYSECRET@host/bucket";
  await editFlist(path, (flist) => flist.addRoute({ start: 0, end: 255, url }));
  const body = await Deno.readFile(path);
  const put = await hub.send("PUT", "/api/v1/flists/alice/x/y?visibility=public", {
    as: "alice",
    body,
  });
  const info = await put.json();
  assert.notEqual(info.digest, sha256(body));
  const got = await (await hub.send("GET", "/api/v1/flists/alice/x/y")).bytes();
  assert.equal(sha256(got), info.digest);
  assert.ok(!new TextDecoder("latin1").decode(got).includes("CANARY"));
  const inspect = await (await hub.send("GET", "/api/v1/flists/alice/x/y/inspect")).text();
  assert.ok(!inspect.includes("CANARY"));
});

Deno.test("flists: a directory at a time, and in numbers", async () => {
  await using hub = await HubContent.open();
  using folder = new TempFolder();
  const files = Object.fromEntries(
    Array.from({ length: 25 }, (_, index) => [`many/f${String(index).padStart(2, "0")}`, "x"]),
  );
  const { bytes } = await pack(hub, folder, "tree", { ...files, "etc/motd": "hello" });
  const path = "/api/v1/flists/alice/t/v";
  await (await hub.send("PUT", path, { as: "alice", body: bytes })).body?.cancel();
  // deno-lint-ignore no-explicit-any -- JSON
  const tree = async (query: string): Promise<any> => {
    const answer = await hub.send("GET", `${path}/tree?${query}`, { as: "alice" });
    return { status: answer.status, ...await answer.json() };
  };
  const root = await tree("");
  assert.deepEqual(root.entries.map(({ name }: { name: string }) => name), ["etc", "many"]);
  const names: string[] = [];
  for (let cursor = "";;) {
    const page = await tree(`path=/many&per_page=10&cursor=${cursor}`);
    names.push(...page.entries.map(({ name }: { name: string }) => name));
    if (page.cursor === undefined) break;
    cursor = page.cursor;
  }
  assert.deepEqual(names, Object.keys(files).map((name) => name.slice(5)));
  for (const wrong of ["/etc/motd", "/none", "/../etc", "/%00"]) {
    assert.equal((await tree(`path=${wrong}`)).status, 404, wrong);
  }
  assert.equal((await tree("cursor=x")).status, 400);
  const inspect = await (await hub.send("GET", `${path}/inspect`, { as: "alice" })).json();
  assert.deepEqual([inspect.files, inspect.directories, inspect.digest], [26, 3, sha256(bytes)]);
});

Deno.test("flists: keep the blocks that they refer to", async () => {
  let now = Date.now();
  await using hub = await HubContent.open({ now: () => now });
  using folder = new TempFolder();
  const { path, bytes } = await pack(hub, folder, "tree", { "a": "content".repeat(1000) });
  const ids = [...blockIdsOf([path])];
  const blocks = await Promise.all(ids.map(async (id) => ({ id, block: await hub.store.get(id) })));
  await hub.content.blocks.put("alice", blocks);
  const name = "/api/v1/flists/alice/t/v";
  await (await hub.send("PUT", name, { as: "alice", body: bytes })).body?.cancel();
  for (const id of ids) {
    assert.equal((await hub.send("DELETE", `/api/v1/block/${id}`, { as: "alice" })).status, 204);
  }
  now += 86_400_000;
  assert.equal((await hub.content.collectGarbage()).blocks, 0);
  assert.equal((await hub.send("GET", `/api/v1/block/${ids[0]}`)).status, 200);
  await hub.send("DELETE", name, { as: "alice" });
  now += 40 * 86_400_000;
  assert.deepEqual(await hub.content.collectGarbage().then(({ flists }) => flists), 1);
  now += 86_400_000;
  assert.equal((await hub.content.collectGarbage()).blocks, ids.length);
  assert.equal((await hub.send("GET", `/api/v1/block/${ids[0]}`)).status, 404);
});

Deno.test("flists: within one user, a public flist opens its publisher's blocks, no others'", async () => {
  await using hub = await HubContent.open({ dedup: "user" });
  using folder = new TempFolder();
  const { path, bytes } = await pack(hub, folder, "tree", { "a": "content".repeat(1000) });
  const ids = [...blockIdsOf([path])];
  const blocks = await Promise.all(ids.map(async (id) => ({ id, block: await hub.store.get(id) })));
  await hub.content.blocks.put("alice", blocks);
  const publish = async (user: string): Promise<void> => {
    const name = `/api/v1/flists/${user}/t/v?visibility=public`;
    await (await hub.send("PUT", name, { as: user, body: bytes })).body?.cancel();
  };
  await publish("bob");
  assert.equal((await hub.send("GET", `/api/v1/block/${ids[0]}`)).status, 404);
  await publish("alice");
  assert.equal((await hub.send("GET", `/api/v1/block/${ids[0]}`)).status, 200);
});

Deno.test("flists: as rfs lists, shows and serves them", async () => {
  await using hub = await HubContent.open();
  using folder = new TempFolder();
  const { bytes } = await pack(hub, folder, "tree", { "etc/motd": "hello" });
  for (const [name, visibility] of [["web/latest", "public"], ["web/v1-2", "private"]]) {
    const path = `/api/v1/flists/alice/${name}?visibility=${visibility}`;
    await (await hub.send("PUT", path, { as: "alice", body: bytes })).body?.cancel();
  }
  const list = await (await hub.send("GET", "/api/v1/fl")).json();
  assert.deepEqual(list.alice.map(({ name }: { name: string }) => name), ["web.fl"]);
  const own = await (await hub.send("GET", "/api/v1/fl", { as: "alice" })).json();
  assert.deepEqual(own.alice.map(({ name }: { name: string }) => name), ["web.fl", "web-v1-2.fl"]);
  const preview = await hub.send("GET", "/api/v1/fl/preview/flists%2Falice%2Fweb.fl");
  const { content, checksum } = await preview.json();
  assert.deepEqual(content, ["/", "/etc", "/etc/motd"]);
  assert.equal(checksum, sha256(bytes));
  const page = await hub.send("GET", "/flists/alice/");
  assert.match(page.headers.get("content-type")!, /html/);
  assert.match(await page.text(), /href="\.\/web\.fl"/);
  assert.deepEqual(await (await hub.send("GET", "/flists/alice/web.fl")).bytes(), bytes);
  assert.equal((await hub.send("GET", "/flists/alice/web-v1-2.fl")).status, 404);
  const private2 = await hub.send("GET", "/flists/alice/web-v1-2.fl", { as: "alice" });
  assert.deepEqual(await private2.bytes(), bytes);
  for (const trick of ["/flists/..%2f..%2fhub.sqlite", "/flists/alice/..%2f..%2fhub.sqlite"]) {
    assert.ok([404, 308].includes((await hub.send("GET", trick)).status));
  }
  const script = await hub.send("GET", "/flists/%3Cscript%3E/");
  assert.equal(script.status, 404);
  assert.ok(!(await script.text()).includes("<script>"));
});

Deno.test("flists: come in parts as well", async () => {
  await using hub = await HubContent.open();
  using folder = new TempFolder();
  const { bytes } = await pack(hub, folder, "tree", { "a": "a" });
  const json = { size: bytes.length, kind: "flist", name: "alice/p:1", visibility: "public" };
  const start = await hub.send("POST", "/api/v1/uploads", { as: "alice", json });
  const { id } = await start.json();
  const denied = await hub.send("POST", "/api/v1/uploads", { as: "bob", json });
  assert.equal(denied.status, 403);
  await denied.body?.cancel();
  await hub.send("PUT", `/api/v1/uploads/${id}/parts/0`, { as: "alice", body: bytes });
  const commit = await hub.send("POST", `/api/v1/uploads/${id}/commit`, {
    as: "alice",
    json: { sha256: sha256(bytes) },
  });
  assert.equal(commit.status, 201, await commit.clone().text());
  assert.equal((await commit.json()).file_hash, sha256(bytes));
  assert.deepEqual(await (await hub.send("GET", "/api/v1/flists/alice/p/1")).bytes(), bytes);
  assert.deepEqual(await hub.content.usageOf("alice"), { bytes: bytes.length, objects: 1 });
});
