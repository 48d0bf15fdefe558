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
