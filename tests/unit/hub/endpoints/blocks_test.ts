/**
 * Goal: single blocks and lists of them, as rfs's clients and ours ask, and who learns of what.
 * Method: the endpoints in this process, on a database and a directory of their own.
 */

import assert from "node:assert/strict";
import { blake2b256, blake3, parseBlockId } from "../../../../mod.ts";
import { HubContent } from "../../../helpers/hub_content.ts";

const hex = (bytes: Uint8Array): string => bytes.toHex();
const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

Deno.test("blocks: an rfs client's block is stored under its BLAKE2b, once", async () => {
  await using hub = await HubContent.open();
  const body = bytesOf("a block");
  const id = hex(blake2b256(body));
  const path = "/api/v1/block?file_hash=&idx=0";
  const first = await hub.send("POST", path, { as: "alice", body });
  assert.equal(first.status, 201);
  assert.equal((await first.json()).hash, id);
  const second = await hub.send("POST", path, { as: "alice", body });
  assert.equal(second.status, 200);
  await second.body?.cancel();
  const got = await hub.send("GET", `/api/v1/block/${id}`);
  assert.equal(got.headers.get("etag"), `"${id}"`);
  assert.match(got.headers.get("cache-control")!, /immutable/);
  assert.deepEqual(await got.bytes(), body);
});

Deno.test("blocks: PUT takes either digest, and no other", async () => {
  await using hub = await HubContent.open();
  const body = bytesOf("content");
  for (const id of [blake3(body), blake2b256(body)].map(hex)) {
    for (const status of [201, 200]) {
      const answer = await hub.send("PUT", `/api/v1/block/${id}`, { as: "alice", body });
      assert.equal(answer.status, status);
      assert.equal((await answer.json()).hash, id);
    }
  }
  const wrong = await hub.send("PUT", `/api/v1/block/${"0".repeat(64)}`, { as: "alice", body });
  assert.equal(wrong.status, 422);
  assert.equal((await wrong.json()).code, "digest_mismatch");
  const none = await hub.send("PUT", `/api/v1/block/${hex(blake3(body))}`, { body });
  assert.equal(none.status, 401);
  await none.body?.cancel();
});

Deno.test("blocks: bodies that are empty or too large are refused, and leave nothing", async () => {
  await using hub = await HubContent.open();
  const empty = await hub.send("POST", "/api/v1/block?file_hash=&idx=0", {
    as: "alice",
    body: new Uint8Array(),
  });
  assert.equal(empty.status, 400);
  await empty.body?.cancel();
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller): void {
      sent += 2 ** 20;
      controller.enqueue(new Uint8Array(2 ** 20));
    },
  });
  const large = await hub.app.request(
    new Request("http://hub/api/v1/block?file_hash=&idx=0", {
      method: "POST",
      headers: { authorization: "Bearer alice" },
      body: endless,
      duplex: "half",
    } as RequestInit),
  );
  assert.equal(large.status, 413);
  await large.body?.cancel();
  assert.ok(sent < 2 ** 25, "it stops reading");
  const { total } = await (await hub.send("GET", "/api/v1/user/blocks", { as: "alice" })).json();
  assert.equal(total, 0);
});

Deno.test("blocks: ranges, conditions and HEAD", async () => {
  await using hub = await HubContent.open();
  const body = bytesOf("0123456789");
  const path = `/api/v1/block/${hex(blake3(body))}`;
  await (await hub.send("PUT", path, { as: "alice", body })).body?.cancel();
  const ranges: [string, number, string][] = [
    ["bytes=2-4", 206, "234"],
    ["bytes=-3", 206, "789"],
    ["bytes=8-99", 206, "89"],
    ["bytes=4-2", 200, "0123456789"],
    ["bytes=0-1,4-5", 200, "0123456789"],
    ["lines=1-2", 200, "0123456789"],
  ];
  for (const [range, status, expected] of ranges) {
    const answer = await hub.send("GET", path, { headers: { range } });
    assert.equal(answer.status, status, range);
    assert.equal(await answer.text(), expected, range);
  }
  const behind = await hub.send("GET", path, { headers: { range: "bytes=10-" } });
  assert.equal(behind.status, 416);
  assert.equal(behind.headers.get("content-range"), "bytes */10");
  await behind.body?.cancel();
  const etag = `W/"${hex(blake3(body))}"`;
  const same = await hub.send("GET", path, { headers: { "if-none-match": etag } });
  assert.equal(same.status, 304);
  const head = await hub.send("HEAD", path);
  assert.equal(head.status, 200);
  assert.equal(head.headers.get("content-length"), "10");
  assert.equal((await hub.send("HEAD", `/api/v1/block/${"1".repeat(64)}`)).status, 404);
});

Deno.test("blocks: downloads are counted, also over a clean stop", async () => {
  await using hub = await HubContent.open();
  const body = bytesOf("popular");
  const path = `/api/v1/block/${hex(blake3(body))}`;
  await (await hub.send("PUT", path, { as: "alice", body })).body?.cancel();
  for (let at = 0; at < 3; at++) await (await hub.send("GET", path)).bytes();
  const downloads = async (): Promise<number> =>
    (await (await hub.send("GET", `${path}/downloads`)).json()).downloads_count;
  assert.equal(await downloads(), 3);
  await hub.content[Symbol.asyncDispose]();
  assert.equal(await downloads(), 3);
  const row = await hub.database.selectFrom("block").select("downloads").executeTakeFirstOrThrow();
  assert.equal(row.downloads, 3);
});

Deno.test("blocks: a damaged copy is never served", async () => {
  await using hub = await HubContent.open();
  const body = bytesOf("precious");
  const id = parseBlockId(hex(blake3(body)));
  await (await hub.send("PUT", `/api/v1/block/${id}`, { as: "alice", body })).body?.cancel();
  await hub.store.put(id, bytesOf("precioux"), { replace: true });
  const answer = await hub.send("GET", `/api/v1/block/${id}`);
  assert.equal(answer.status, 500);
  assert.doesNotMatch(await answer.text(), /precioux|blocks/);
});

Deno.test("blocks: digests in paths are digests, whatever tricks are tried", async () => {
  await using hub = await HubContent.open();
  const tricks = ["%2Fetc%2Fpasswd", "..%2f..%2fhub.sqlite", "%00", "A".repeat(64), "0".repeat(63)];
  for (const trick of [...tricks, "0".repeat(65), "%2e%2e", "x".repeat(5000)]) {
    for (const method of ["GET", "HEAD", "PUT", "DELETE"]) {
      const answer = await hub.send(method, `/api/v1/block/${trick}`, { as: "alice" });
      assert.ok([400, 404].includes(answer.status), `${method} ${trick}: ${answer.status}`);
      await answer.body?.cancel();
    }
  }
});

Deno.test("blocks: what all need stays until the last gives it up", async () => {
  await using hub = await HubContent.open();
  const body = bytesOf("shared");
  const path = `/api/v1/block/${hex(blake3(body))}`;
  for (const as of ["alice", "bob"]) {
    await (await hub.send("PUT", path, { as, body })).body?.cancel();
  }
  assert.equal((await hub.send("DELETE", path, { as: "alice" })).status, 204);
  assert.equal((await hub.send("DELETE", path, { as: "alice" })).status, 404);
  assert.equal((await hub.send("HEAD", path)).status, 200);
  assert.equal((await hub.send("DELETE", path, { as: "bob" })).status, 204);
  assert.equal((await hub.send("HEAD", path)).status, 404);
  // As new.
  assert.equal((await hub.send("PUT", path, { as: "bob", body })).status, 201);
  assert.equal((await hub.send("HEAD", path)).status, 200);
});

Deno.test("blocks: within one user, nobody learns what others have", async () => {
  await using hub = await HubContent.open({ dedup: "user" });
  const body = bytesOf("a secret everybody could guess");
  const id = hex(blake3(body));
  const path = `/api/v1/block/${id}`;
  assert.equal((await hub.send("PUT", path, { as: "alice", body })).status, 201);
  for (const as of ["bob", undefined]) {
    const who = as === undefined ? {} : { as };
    assert.equal((await hub.send("GET", path, who)).status, 404);
    assert.equal((await hub.send("HEAD", path, who)).status, 404);
    assert.equal((await hub.send("GET", `${path}/downloads`, who)).status, 404);
    assert.equal((await hub.send("GET", `/api/v1/blocks/${id}`, who)).status, 404);
    const condition = { ...who, headers: { "if-none-match": "*" } };
    assert.equal((await hub.send("GET", path, condition)).status, 404);
    const list = await (await hub.send("GET", "/api/v1/blocks", who)).json();
    assert.deepEqual([list.blocks, list.total], [[], 0]);
    const claims = { blocks: [{ block_hash: id, file_hash: "", block_index: 0 }] };
    const verify = await hub.send("POST", "/api/v1/block/verify", { ...who, json: claims });
    assert.deepEqual((await verify.json()).missing, [id]);
  }
  const own = await (await hub.send("GET", "/api/v1/user/blocks", { as: "bob" })).json();
  assert.deepEqual([own.total, own.all_blocks], [0, 0]);
  const json = { blocks: [id] };
  const missing = await hub.send("POST", "/api/v1/blocks/missing", { as: "bob", json });
  assert.deepEqual((await missing.json()).missing, [id]);
  assert.equal((await hub.send("DELETE", path, { as: "bob" })).status, 404);
  // The answer to an upload does not tell either.
  assert.equal((await hub.send("PUT", path, { as: "bob", body })).status, 201);
  assert.equal((await hub.send("PUT", path, { as: "bob", body })).status, 200);
});

Deno.test("blocks: what a user need not upload, the user has", async () => {
  await using hub = await HubContent.open();
  const body = bytesOf("a");
  const [there, not] = [hex(blake3(body)), "2".repeat(64)];
  const path = `/api/v1/block/${there}`;
  await (await hub.send("PUT", path, { as: "alice", body })).body?.cancel();
  const json = { blocks: [there, not, there] };
  const answer = await hub.send("POST", "/api/v1/blocks/missing", { as: "bob", json });
  assert.deepEqual((await answer.json()).missing, [not]);
  assert.equal((await hub.send("DELETE", path, { as: "alice" })).status, 204);
  assert.equal((await hub.send("HEAD", path)).status, 200);
  const many = { blocks: Array.from({ length: 10_001 }, () => not) };
  const tooMany = await hub.send("POST", "/api/v1/blocks/missing", { as: "bob", json: many });
  assert.equal(tooMany.status, 400);
  await tooMany.body?.cancel();
});

Deno.test("blocks: the most ids that a request may name are looked up", async () => {
  await using hub = await HubContent.open();
  const blocks = Array.from({ length: 10_000 }, (_, index) => {
    const block = bytesOf(`block ${index}`);
    return { id: parseBlockId(hex(blake3(block))), block };
  });
  await hub.content.blocks.put("alice", blocks.slice(0, 2000));
  const ids = blocks.map(({ id }) => id);
  assert.deepEqual(await hub.content.blocks.missing("alice", ids), ids.slice(2000));
});

Deno.test("blocks: uploads side by side never get past a quota", async () => {
  await using hub = await HubContent.open();
  await hub.limit("alice", { bytes: 1000, objects: 7 });
  const put = async (index: number): Promise<number> => {
    const body = new Uint8Array(100).fill(index);
    const path = `/api/v1/block/${hex(blake3(body))}`;
    const answer = await hub.send("PUT", path, { as: "alice", body });
    await answer.body?.cancel();
    return answer.status;
  };
  const statuses = await Promise.all(Array.from({ length: 30 }, (_, index) => put(index)));
  assert.equal(statuses.filter((status) => status === 201).length, 7);
  assert.equal(statuses.filter((status) => status === 507).length, 23);
  assert.deepEqual(await hub.content.usageOf("alice"), { bytes: 700, objects: 7 });
  await hub.limit("alice", { bytes: 1000 });
  const more = await Promise.all(Array.from({ length: 30 }, (_, index) => put(index)));
  assert.equal(more.filter((status) => status === 201).length, 3);
  assert.deepEqual(await hub.content.usageOf("alice"), { bytes: 1000, objects: 10 });
});
