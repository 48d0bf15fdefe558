/**
 * Goal: what a quota has no room for never reaches the store, and nobody is told the ids of others'
 * blocks. Method: the content of a hub in this process.
 */

import assert from "node:assert/strict";
import { blake3 } from "../../../../mod.ts";
import { HubContent } from "../../../helpers/hub_content.ts";

function blockOf(byte: number): { readonly path: string; readonly body: Uint8Array<ArrayBuffer> } {
  const body = new Uint8Array(100).fill(byte);
  return { path: `/api/v1/block/${blake3(body).toHex()}`, body };
}

Deno.test("blocks: what has no room is not stored, and what the user has needs none", async () => {
  await using hub = await HubContent.open();
  await hub.limit("alice", { bytes: 150, objects: 1 });
  const put = async (byte: number): Promise<number> => {
    const { path, body } = blockOf(byte);
    const answer = await hub.send("PUT", path, { as: "alice", body });
    await answer.body?.cancel();
    return answer.status;
  };
  assert.equal(await put(1), 201);
  assert.equal(await put(2), 507);
  await hub.limit("alice", { bytes: 150, objects: 9 });
  assert.equal(await put(2), 507);
  assert.equal((await Array.fromAsync(hub.store.list!())).length, 1, "only the first is stored");
  await hub.limit("alice", { bytes: 100, objects: 1 });
  assert.equal(await put(1), 200);
});

Deno.test("blocks: where they are shared, an id is still only told to those who may know it", async () => {
  await using hub = await HubContent.open();
  const { path, body } = blockOf(1);
  assert.equal((await hub.send("PUT", path, { as: "alice", body })).status, 201);
  const listed = async (as?: string): Promise<number> => {
    const who = as === undefined ? {} : { as };
    const { total } = await (await hub.send("GET", "/api/v1/blocks", who)).json();
    return total;
  };
  assert.deepEqual([await listed("alice"), await listed("bob"), await listed()], [1, 0, 0]);
  // Whoever knows the id has it, as rfs's clients do.
  const got = await hub.send("GET", path);
  assert.deepEqual(await got.bytes(), body);
});
