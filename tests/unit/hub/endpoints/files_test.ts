/**
 * Goal: files, whole and in parts, and those of rfs's clients; whose they are, and what is left when
 * they break off. Method: the endpoints in this process, with small blocks.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { blake2b256 } from "../../../../mod.ts";
import { HubContent } from "../../../helpers/hub_content.ts";

const BLOCK = 4096;
const sha256 = (bytes: Uint8Array | string): string =>
  createHash("sha256").update(bytes).digest("hex");

function content(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let state = seed;
  for (let at = 0; at < size; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state;
  }
  return bytes;
}

/** Uploads as rfs's client does: asks, then posts what is missing. */
async function rfsUpload(hub: HubContent, as: string, bytes: Uint8Array): Promise<string> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < bytes.length; at += BLOCK) pieces.push(bytes.slice(at, at + BLOCK));
  const ids = pieces.map((piece) => blake2b256(piece).toHex());
  const file = sha256(ids.join(""));
  const blocks = ids.map((block_hash, block_index) => ({
    block_hash,
    file_hash: file,
    block_index,
  }));
  const verify = await hub.send("POST", "/api/v1/block/verify", { as, json: { blocks } });
  const { missing } = await verify.json() as { missing: string[] };
  for (const [idx, id] of ids.entries()) {
    if (!missing.includes(id)) continue;
    const path = `/api/v1/block?file_hash=${file}&idx=${idx}`;
    const answer = await hub.send("POST", path, { as, body: pieces[idx]! });
    assert.ok([200, 201].includes(answer.status));
    assert.equal((await answer.json()).hash, id);
  }
  return file;
}

/** Downloads as rfs's client does. */
async function rfsDownload(hub: HubContent, hash: string): Promise<Uint8Array> {
  const { blocks } = await (await hub.send("GET", `/api/v1/blocks/${hash}`)).json() as {
    blocks: [string, number][];
  };
  const parts: BlobPart[] = [];
  for (const [id] of blocks.toSorted((left, right) => left[1] - right[1])) {
    parts.push(await (await hub.send("GET", `/api/v1/block/${id}`)).bytes());
  }
  return await new Blob(parts).bytes();
}

Deno.test("files: of any size come back, whole and in part", async () => {
  await using hub = await HubContent.open({ blockSize: BLOCK });
  for (const size of [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 7]) {
    const body = content(size);
    const answer = await hub.send("POST", "/api/v1/file", { as: "alice", body });
    assert.equal(answer.status, 201);
    const { file_hash } = await answer.json();
    assert.equal(file_hash, sha256(body));
    const path = `/api/v1/file/${file_hash}`;
    const got = await hub.send("GET", path);
    assert.match(got.headers.get("content-disposition")!, /^attachment/);
    assert.equal(got.headers.get("content-length"), String(size));
    assert.deepEqual(await got.bytes(), body);
    if (size < 3) continue;
    for (const [start, end] of [[0, 1], [size - 2, size - 1], [1, size - 2]] as const) {
      const part = await hub.send("GET", path, { headers: { range: `bytes=${start}-${end}` } });
      assert.equal(part.status, 206);
      assert.deepEqual(await part.bytes(), body.slice(start, end + 1));
    }
  }
});

Deno.test("files: an rfs client's come back, also when two upload the same at once", async () => {
  await using hub = await HubContent.open({ blockSize: BLOCK });
  const bytes = content(10 * BLOCK + 100);
  const hashes = await Promise.all(["alice", "bob"].map((user) => rfsUpload(hub, user, bytes)));
  assert.equal(hashes[0], hashes[1]);
  assert.deepEqual(await rfsDownload(hub, hashes[0]!), bytes);
  const whole = await hub.send("GET", `/api/v1/file/${hashes[0]}`, { as: "bob" });
  assert.deepEqual(await whole.bytes(), bytes);
  assert.equal(
    (await hub.send("DELETE", `/api/v1/file/${hashes[0]}`, { as: "alice" })).status,
    204,
  );
  assert.deepEqual(await rfsDownload(hub, hashes[0]!), bytes);
  assert.deepEqual(await hub.content.usageOf("alice"), { bytes: 0, objects: 0 });
});

Deno.test("files: nobody changes another's, and half a file is none", async () => {
  await using hub = await HubContent.open({ blockSize: BLOCK });
  const bytes = content(3 * BLOCK);
  const file = await rfsUpload(hub, "alice", bytes);
  const body = content(BLOCK, 7);
  const evil = await hub.send("POST", `/api/v1/block?file_hash=${file}&idx=1`, { as: "bob", body });
  assert.equal(evil.status, 201);
  await evil.body?.cancel();
  assert.deepEqual(await rfsDownload(hub, file), bytes);
  const claim = sha256("what is claimed");
  const half = `/api/v1/block?file_hash=${claim}&idx=0`;
  await (await hub.send("POST", half, { as: "bob", body })).body?.cancel();
  for (const path of [`/api/v1/file/${claim}`, `/api/v1/blocks/${claim}`]) {
    assert.equal((await hub.send("GET", path, { as: "bob" })).status, 404);
  }
});

Deno.test("files: what breaks off leaves nothing behind", async () => {
  await using hub = await HubContent.open({ blockSize: BLOCK });
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller): void {
      if (sent++ < 4000) controller.enqueue(content(BLOCK, sent));
      else controller.error(new Error("gone"));
    },
  });
  const answer = await hub.app.request(
    new Request("http://hub/api/v1/file", {
      method: "POST",
      headers: { authorization: "Bearer alice" },
      body,
      duplex: "half",
    } as RequestInit),
  );
  assert.ok(answer.status >= 400);
  await answer.body?.cancel();
  assert.deepEqual(await hub.content.usageOf("alice"), { bytes: 0, objects: 0 });
  const { total } = await (await hub.send("GET", "/api/v1/blocks")).json();
  assert.equal(total, 0);
});

Deno.test("uploads: parts in any order, over a restart, make a file", async () => {
  await using first = await HubContent.open({ blockSize: BLOCK });
  const bytes = content(20 * 2 ** 20 + 5);
  const digest = sha256(bytes);
  const json = { size: bytes.length, sha256: digest, name: 'a"b\r\nX: y\u00fc.bin' };
  const started = await first.send("POST", "/api/v1/uploads", { as: "alice", json });
  assert.equal(started.status, 201);
  const { id, part_size } = await started.json();
  const part = (n: number): Uint8Array<ArrayBuffer> =>
    bytes.slice(n * part_size, (n + 1) * part_size);
  const path = `/api/v1/uploads/${id}`;
  const put = async (
    hub: HubContent,
    n: number,
    body: Uint8Array<ArrayBuffer>,
  ): Promise<number> => {
    const answer = await hub.send("PUT", `${path}/parts/${n}`, { as: "alice", body });
    await answer.body?.cancel();
    return answer.status;
  };
  assert.equal(await put(first, 2, part(2)), 204);
  assert.equal(await put(first, 0, part(0).slice(1)), 400);
  assert.equal(await put(first, 2, part(0)), 413);
  assert.equal(await put(first, 3, part(0)), 422);
  assert.equal(await put(first, 2, part(2)), 204);
  await first.content[Symbol.asyncDispose]();

  await using hub = await HubContent.open({ blockSize: BLOCK, folder: first.folder });
  const again = await hub.send("POST", "/api/v1/uploads", { as: "alice", json });
  assert.equal(again.status, 200);
  const state = await again.json();
  assert.deepEqual([state.id, state.parts], [id, [2]]);
  assert.equal((await hub.send("GET", path, { as: "bob" })).status, 404);
  const commit = async (sha: string): Promise<Response> =>
    await hub.send("POST", `${path}/commit`, { as: "alice", json: { sha256: sha } });
  assert.equal((await commit(digest)).status, 409);
  assert.equal(await put(hub, 1, part(1)), 204);
  assert.equal(await put(hub, 0, part(1)), 204);
  assert.equal((await commit(digest)).status, 422);
  assert.equal((await hub.send("GET", `/api/v1/file/${digest}`)).status, 404);
  // Which part was wrong nobody knows: all have to come again.
  assert.deepEqual((await (await hub.send("GET", path, { as: "alice" })).json()).parts, []);
  for (const n of [0, 1, 2]) assert.equal(await put(hub, n, part(n)), 204);
  assert.equal((await commit("3".repeat(64))).status, 422);
  const done = await commit(digest);
  assert.equal(done.status, 201);
  await done.body?.cancel();
  const got = await hub.send("GET", `/api/v1/file/${digest}`, { as: "alice" });
  const disposition = got.headers.get("content-disposition")!;
  assert.match(disposition, /filename\*=UTF-8''a%22b%0D%0AX%3A%20y%C3%BC\.bin$/);
  assert.equal(got.headers.get("x"), null);
  assert.equal(sha256(await got.bytes()), digest);
  assert.equal((await hub.send("GET", path, { as: "alice" })).status, 404);
  assert.equal((await hub.content.usageOf("alice")).bytes, bytes.length);
  assert.equal((await hub.send("DELETE", `/api/v1/file/${digest}`, { as: "alice" })).status, 204);
  assert.deepEqual(await hub.content.usageOf("alice"), { bytes: 0, objects: 0 });
});

Deno.test("uploads: those that rest too long, or are given up, free their room", async () => {
  let now = Date.now();
  await using hub = await HubContent.open({ blockSize: BLOCK, now: () => now });
  await hub.limit("alice", { bytes: 100_000 });
  const bytes = content(2 * BLOCK);
  const start = async (size: number): Promise<{ status: number; id: string }> => {
    const json = { size };
    const answer = await hub.send("POST", "/api/v1/uploads", { as: "alice", json });
    return { status: answer.status, id: (await answer.json()).id as string };
  };
  assert.equal((await start(100_001)).status, 507);
  const { id } = await start(bytes.length);
  const part = await hub.send("PUT", `/api/v1/uploads/${id}/parts/0`, { as: "alice", body: bytes });
  assert.equal(part.status, 204);
  assert.equal((await hub.content.usageOf("alice")).bytes, bytes.length);
  now += 8 * 86_400_000;
  assert.equal((await hub.send("GET", `/api/v1/uploads/${id}`, { as: "alice" })).status, 404);
  assert.equal((await hub.content.collectGarbage({ dryRun: true })).uploads, 1);
  assert.equal((await hub.content.collectGarbage()).uploads, 1);
  assert.deepEqual(await hub.content.usageOf("alice"), { bytes: 0, objects: 0 });
  const other = await start(bytes.length);
  assert.equal(
    (await hub.send("DELETE", `/api/v1/uploads/${other.id}`, { as: "bob" })).status,
    404,
  );
  const gone = await hub.send("DELETE", `/api/v1/uploads/${other.id}`, { as: "alice" });
  assert.equal(gone.status, 204);
});

Deno.test("files: what somebody else has becomes a user's as well, and counts", async () => {
  await using hub = await HubContent.open({ blockSize: BLOCK });
  const body = content(3 * BLOCK + 1);
  await (await hub.send("POST", "/api/v1/file", { as: "alice", body })).body?.cancel();
  const path = `/api/v1/file/${sha256(body)}`;
  const keep = async (as: string): Promise<number> => {
    const answer = await hub.send("POST", `${path}/keep`, { as });
    await answer.body?.cancel();
    return answer.status;
  };
  await hub.limit("bob", { bytes: body.length - 1 });
  assert.equal(await keep("bob"), 507);
  assert.deepEqual(await hub.content.usageOf("bob"), { bytes: 0, objects: 0 });
  await hub.limit("bob", { bytes: body.length, objects: 5 });
  for (const as of ["bob", "bob", "alice"]) assert.equal(await keep(as), 200);
  assert.deepEqual(await hub.content.usageOf("bob"), { bytes: body.length, objects: 5 });
  assert.deepEqual(await hub.content.usageOf("alice"), { bytes: body.length, objects: 5 });
  // It stays when the first owner gives it up, until the second does.
  assert.equal((await hub.send("DELETE", path, { as: "alice" })).status, 204);
  assert.deepEqual(await (await hub.send("GET", path, { as: "bob" })).bytes(), body);
  assert.equal((await hub.send("DELETE", path, { as: "bob" })).status, 204);
  assert.equal(await keep("bob"), 404);
  assert.deepEqual(await hub.content.usageOf("bob"), { bytes: 0, objects: 0 });
});

Deno.test("files: within one user, a digest is no proof of having the file", async () => {
  await using hub = await HubContent.open({ blockSize: BLOCK, dedup: "user" });
  const body = content(BLOCK);
  await (await hub.send("POST", "/api/v1/file", { as: "alice", body })).body?.cancel();
  const path = `/api/v1/file/${sha256(body)}/keep`;
  const answers = await Promise.all(
    [path, `/api/v1/file/${"0".repeat(64)}/keep`].map(async (asked) => {
      const answer = await hub.send("POST", asked, { as: "bob" });
      return [answer.status, await answer.text()];
    }),
  );
  assert.equal(answers[0]![0], 404);
  assert.deepEqual(answers[0], answers[1]);
  assert.equal((await hub.send("POST", path, { as: "alice" })).status, 200);
});

Deno.test("garbage: what nobody needs leaves the store after its time of grace", async () => {
  let now = Date.now();
  await using hub = await HubContent.open({ blockSize: BLOCK, now: () => now });
  const [kept, dropped] = [content(2 * BLOCK, 3), content(3 * BLOCK, 4)];
  for (const body of [kept, dropped]) {
    await (await hub.send("POST", "/api/v1/file", { as: "alice", body })).body?.cancel();
  }
  const orphan = content(100, 5);
  const { parseBlockId } = await import("../../../../mod.ts");
  await hub.store.put(parseBlockId(blake2b256(orphan).toHex()), orphan);
  await hub.send("DELETE", `/api/v1/file/${sha256(dropped)}`, { as: "alice" });
  const early = await hub.content.collectGarbage({ orphans: true });
  assert.deepEqual([early.blocks, early.orphans], [0, 1]);
  assert.deepEqual([early.waitingBlocks, early.waitingBytes], [4, dropped.length + 100]);
  now += 2 * 3_600_000;
  const expected = {
    blocks: 4,
    blockBytes: dropped.length + 100,
    flists: 0,
    uploads: 0,
    orphans: 0,
    waitingBlocks: 0,
    waitingBytes: 0,
  };
  assert.deepEqual(await hub.content.collectGarbage({ dryRun: true }), expected);
  assert.deepEqual(await hub.content.collectGarbage(), expected);
  const ids = await Array.fromAsync(hub.store.list!());
  assert.equal(ids.length, 2);
  assert.deepEqual(await (await hub.send("GET", `/api/v1/file/${sha256(kept)}`)).bytes(), kept);
});
