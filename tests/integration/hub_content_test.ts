/**
 * A hub with real clients: ours, as processes, and one that does what rfs's client does.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { blake2b256 } from "../../lib/block/digest.ts";
import { HUB_PASSWORDS, HubServer } from "../helpers/hub_server.ts";
import { runProgram } from "../helpers/run_program.ts";
import { myfs, myfsJson, myfsOk } from "./cli_process.ts";

const hex = (bytes: Uint8Array): string => bytes.toHex();
const sha256 = (bytes: Uint8Array | string): string =>
  createHash("sha256").update(bytes).digest("hex");

Deno.test("hub: a tree is packed to it, published, found, and unpacked by its name", async () => {
  await using hub = await HubServer.start();
  const place = hub.folder;
  const options = {
    cwd: place.path,
    env: {
      MYFS_CONFIG_DIR: place.file("config"),
      MYFS_CACHE_DIR: place.file("cache"),
      MYFS_HUB: hub.hubUrl,
    },
  };
  const env = { ...options.env, MYFS_HUB_PASSWORD: HUB_PASSWORDS.alice };
  await myfsOk(["login", hub.hubUrl, "-u", "alice"], { ...options, env });
  await Deno.mkdir(place.file("tree/sub"), { recursive: true });
  await Deno.writeTextFile(place.file("tree/hello.txt"), "hello");
  await Deno.writeFile(place.file("tree/sub/large"), noise(3_000_000));

  const { access_token: token } = await hub.signIn("alice");
  const packed = await myfsJson(
    ["pack", "-m", "tree.fl", "-s", `${hub.hubUrl}?token=${token}`, "tree"],
    options,
  );
  assert.equal(packed.code, 0);
  assert.ok((packed.document["blocksStored"] as number) > 1);
  const name = `${hub.hubUrl}/alice/tree:1.0`;
  await myfsOk(["flist", "push", "tree.fl", name], options);
  assert.match((await myfsOk(["flist", "search", "tree"], options)).stdout, /^alice\/tree:1\.0 /);
  await myfsOk(["unpack", name, "out"], options);
  await runProgram("diff", "-r", place.file("tree"), place.file("out"));
  assert.match((await myfsOk(["flist", "ls", name], options)).stdout, /hello\.txt/);

  // What is packed once more is there already.
  const again = await myfsJson(
    ["pack", "-m", "again.fl", "-s", `${hub.hubUrl}?token=${token}`, "tree"],
    options,
  );
  assert.equal(again.document["blocksStored"], 0);

  const file = noise(2_500_000);
  await Deno.writeFile(place.file("file"), file);
  const uploaded = await myfsOk(["upload", "file"], options);
  assert.equal(uploaded.stdout.trim(), sha256(file));
  await myfsOk(["download", sha256(file), "-o", "back"], options);
  assert.ok(Buffer.compare(await Deno.readFile(place.file("back")), file) === 0);
  assert.equal((await myfs(["exists", sha256(file)], options)).code, 0);
  assert.equal((await myfs(["exists", sha256("nothing")], options)).code, 10);
  await myfsOk(["logout", hub.hubUrl], options);
  assert.equal((await myfs(["upload", "tree.fl"], options)).code, 12);
});

Deno.test("hub: rfs's client signs in, uploads a file in blocks, and downloads it", async () => {
  await using hub = await HubServer.start();
  const { access_token: token } = await hub.signIn("bob");
  const [, payload] = token.split(".");
  assert.equal(JSON.parse(atob(payload!)).username, "bob");

  const blocks = [noise(1024 * 1024), noise(1024 * 1024), noise(1000)];
  const hashes = blocks.map((block) => hex(blake2b256(block)));
  const fileHash = sha256(hashes.join(""));
  const verify = {
    blocks: hashes.map((block_hash, block_index) => ({
      block_hash,
      file_hash: fileHash,
      block_index,
    })),
  };
  const before = await hub.ask(200, "POST", "/api/v1/block/verify", { json: verify });
  assert.deepEqual(before, { missing: hashes });
  for (const [index, block] of blocks.entries()) {
    const path = `/api/v1/block?file_hash=${fileHash}&idx=${index}`;
    const body = new Uint8Array(block);
    const { hash } = await hub.ask(201, "POST", path, { token, body });
    assert.equal(hash, hashes[index]);
    await hub.ask(200, "POST", path, { token, body });
  }
  const after = await hub.ask(200, "POST", "/api/v1/block/verify", { json: verify });
  assert.deepEqual(after, { missing: [] });
  const listed = await hub.ask(200, "GET", `/api/v1/blocks/${fileHash}`);
  assert.deepEqual(listed.blocks, hashes.map((hash, index) => [hash, index]));
  for (const [index, hash] of hashes.entries()) {
    const response = await hub.send("GET", `/api/v1/block/${hash}`);
    assert.equal(response.status, 200);
    assert.match(response.headers.get("cache-control") ?? "", /immutable/);
    assert.ok(Buffer.compare(await response.bytes(), blocks[index]!) === 0);
  }
  const mine = await hub.ask(200, "GET", "/api/v1/user/blocks?page=1&per_page=50", { token });
  assert.equal(mine.total, 3);
  await hub.ask(401, "POST", `/api/v1/block?file_hash=${fileHash}&idx=0`, { body: blocks[2]! });
  const whole = await hub.ask(201, "POST", "/api/v1/file", { token, body: blocks[0]! });
  assert.equal(whole.file_hash, sha256(blocks[0]!));
});

Deno.test("hub: a private flist is its owner's alone, and nobody writes to another's name", async () => {
  await using hub = await HubServer.start();
  const [alice, bob] = await Promise.all([hub.signIn("alice"), hub.signIn("bob")]);
  await Deno.mkdir(hub.folder.file("tree"));
  await Deno.writeTextFile(hub.folder.file("tree/a"), "a");
  const meta = hub.folder.file("a.fl");
  const secret = "s3cretkey";
  await myfsOk([
    ...["pack", "-m", meta, "--no-strip-password"],
    ...["-s", `dir://${hub.folder.file("blocks")}`, hub.folder.file("tree")],
  ]);
  await myfsOk([
    ...["config", "--meta", meta, "store", "add", "--no-strip-password"],
    `s3://id:${secret}@127.0.0.1:1/bucket`,
  ]);
  const flist = await Deno.readFile(meta);
  const path = "/api/v1/flists/bob/tree/latest";
  await hub.ask(403, "PUT", path, { token: await apiToken(hub, alice.access_token), body: flist });
  await hub.ask(201, "PUT", path, { token: bob.access_token, body: flist });
  const patch = { token: bob.access_token, json: { visibility: "private" } };
  await hub.ask(200, "PATCH", path, patch);
  await hub.ask(404, "GET", path);
  const { flists } = await hub.ask(200, "GET", "/api/v1/flists");
  assert.deepEqual(flists, []);
  const own = await hub.send("GET", path, { token: bob.access_token });
  const bytes = await own.bytes();
  assert.equal(own.status, 200);
  assert.equal(own.headers.get("etag"), `"${sha256(bytes)}"`);
  assert.ok(!Buffer.from(bytes).includes(secret));
  await hub.ask(422, "PUT", "/api/v1/flists/bob/bad/latest", {
    token: bob.access_token,
    body: new TextEncoder().encode("SQLite format 3\0 and nothing behind it"),
  });
});

/** A token of alice's that is good for her own namespace alone. */
async function apiToken(hub: HubServer, token: string): Promise<string> {
  const json = { name: "own", scopes: ["write"], namespace: "alice" };
  return (await hub.ask(201, "POST", "/api/v1/tokens", { token, json })).token;
}

function noise(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  return bytes;
}
