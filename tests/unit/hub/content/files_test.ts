/**
 * Goal: a file that becomes another user's as well is the same file, whatever that user said of it
 * before. Method: the content of a hub in this process.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { HubContent } from "../../../helpers/hub_content.ts";

Deno.test("files: one that is kept is not what its user claimed of it before", async () => {
  await using hub = await HubContent.open({ blockSize: 4096 });
  const whole = new Uint8Array(5000).fill(9);
  const hash = createHash("sha256").update(whole).digest("hex");
  const send = async (path: string, as: string, body: Uint8Array<ArrayBuffer>): Promise<void> => {
    const answer = await hub.send("POST", path, { as, body });
    assert.equal(answer.status, 201);
    await answer.body?.cancel();
  };
  await send("/api/v1/file", "bob", whole);
  for (const idx of [1, 7]) {
    const path = `/api/v1/block?file_hash=${hash}&idx=${idx}`;
    await send(path, "alice", new Uint8Array(10).fill(idx));
  }
  await hub.content.files.keep(hash, "alice");
  assert.equal((await hub.send("DELETE", `/api/v1/file/${hash}`, { as: "bob" })).status, 204);
  const got = await hub.send("GET", `/api/v1/file/${hash}`);
  assert.deepEqual(await got.bytes(), whole);
  const { blocks } = await (await hub.send("GET", `/api/v1/blocks/${hash}`)).json();
  assert.equal(blocks.length, 2);
  // What was claimed is given up.
  assert.deepEqual(await hub.content.usageOf("alice"), { bytes: 5000, objects: 3 });
});

Deno.test("files: claims about very many files are looked up together", async () => {
  await using hub = await HubContent.open();
  const hex = (number: number): string => number.toString(16).padStart(64, "0");
  const body = new Uint8Array(10);
  const [there, claimed] = [`/api/v1/block?file_hash=${hex(7)}&idx=3`, 7];
  const posted = await hub.send("POST", there, { as: "alice", body });
  const { hash } = await posted.json();
  const { selectFrom } = hub.database;
  let queries = 0;
  hub.database.selectFrom = ((...tables: Parameters<typeof selectFrom>) => {
    queries++;
    return selectFrom.apply(hub.database, tables);
  }) as typeof selectFrom;
  const ask = async (count: number, idx: number, as?: string): Promise<string[]> => {
    const blocks = Array.from({ length: count }, (_, index) => ({
      block_hash: hash,
      file_hash: hex(claimed + index),
      block_index: idx,
    }));
    const who = as === undefined ? {} : { as };
    const answer = await hub.send("POST", "/api/v1/block/verify", { ...who, json: { blocks } });
    return (await answer.json()).missing;
  };
  assert.deepEqual(await ask(1, 3), []);
  assert.deepEqual(await ask(1, 4), [hash]);
  assert.deepEqual(await ask(1, 3, "alice"), []);
  assert.deepEqual(await ask(1, 3, "bob"), [hash]);
  queries = 0;
  assert.deepEqual(await ask(20_000, 3), [hash]);
  assert.ok(queries < 100, `${queries} queries`);
});
