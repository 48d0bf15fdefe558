/**
 * Goal: what a commit checked is what it makes a file of, whatever happens meanwhile; what expires
 * is what rests. Method: the content of a hub in this process, with the moments of a race chosen.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { HubContent } from "../../../helpers/hub_content.ts";

const BLOCK = 4096;
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function* body(bytes: Uint8Array<ArrayBuffer>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  yield await Promise.resolve(bytes);
}

Deno.test("uploads: a part that changes after the check makes no file of that digest", async () => {
  await using hub = await HubContent.open({ blockSize: BLOCK });
  const { uploads, files } = hub.content;
  const [good, evil] = [new Uint8Array(100).fill(1), new Uint8Array(100).fill(2)];
  const { state } = await uploads.create("alice", { kind: "file", size: 100 });
  await uploads.putPart(state.id, "alice", 0, body(good));
  const checked = await uploads.check(state, sha256(good));
  await uploads.putPart(state.id, "alice", 0, body(evil));
  await assert.rejects(uploads.finishFile(state, sha256(good), 100, checked), { status: 409 });
  await assert.rejects(files.find(sha256(good), "bob"), { status: 404 });
  // Nothing is lost: the upload goes on.
  await uploads.putPart(state.id, "alice", 0, body(good));
  const again = await uploads.check(state, sha256(good));
  await uploads.finishFile(state, sha256(good), 100, again);
  const file = await files.find(sha256(good), "bob");
  const [bytes] = await Array.fromAsync(files.read(file, 0, 100));
  assert.deepEqual(new Uint8Array(bytes!), good);
});

Deno.test("uploads: one that goes on while others are cleared away stays", async () => {
  let now = Date.now();
  await using hub = await HubContent.open({
    blockSize: BLOCK,
    uploadLifetimeMs: 1000,
    now: () => now,
  });
  const { uploads } = hub.content;
  const bytes = new Uint8Array(100);
  const rested = (await uploads.create("alice", { kind: "file", size: 100 })).state;
  const { state } = await uploads.create("alice", { kind: "file", size: 100 });
  now += 1001;
  // The database takes turns: a part comes between the look for what expired and its removal.
  const removing = uploads.removeExpired();
  await hub.database.updateTable("upload").where("id", "=", state.id)
    .set({ expires_at: new Date(now + 1000).toISOString() }).execute();
  assert.equal(await removing, 1);
  await uploads.putPart(state.id, "alice", 0, body(bytes));
  await assert.rejects(uploads.get(rested.id, "alice"), { status: 404 });
});

Deno.test("uploads: claims that a file or another claim replaces are given up", async () => {
  await using hub = await HubContent.open({ blockSize: BLOCK });
  const whole = new Uint8Array(100).fill(9);
  const file = sha256(whole);
  for (const byte of [1, 2]) {
    const path = `/api/v1/block?file_hash=${file}&idx=0`;
    const claim = await hub.send("POST", path, {
      as: "alice",
      body: new Uint8Array(10).fill(byte),
    });
    assert.equal(claim.status, 201);
  }
  assert.deepEqual(await hub.content.usageOf("alice"), { bytes: 10, objects: 1 });
  assert.equal((await hub.send("POST", "/api/v1/file", { as: "alice", body: whole })).status, 201);
  assert.deepEqual(await hub.content.usageOf("alice"), { bytes: 100, objects: 2 });
});
