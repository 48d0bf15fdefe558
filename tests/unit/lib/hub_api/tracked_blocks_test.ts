/**
 * Blocks that are counted and tracked at a hub of rfs and at one of today's.
 */

import assert from "node:assert/strict";
import { toHex } from "../../../../lib/base/bytes.ts";
import { blake2b256 } from "../../../../lib/block/digest.ts";
import { connectHub } from "../../../../lib/hub_api/hub_client.ts";
import { countBlocksAtHub, trackBlocks } from "../../../../lib/hub_api/tracked_blocks.ts";
import { HubServer } from "../../../helpers/hub_server.ts";
import { HUB_TOKEN, RfsHub } from "../../../helpers/rfs_hub.ts";

const UNKNOWN = "ab".repeat(32);

Deno.test("tracked blocks: rfs's hub tells of all of one's own, page after page", async () => {
  await using hub = await RfsHub.start();
  const client = await connectHub(`hub://${hub.host}`, { token: HUB_TOKEN, retries: 0 });
  assert.deepEqual(await Array.fromAsync(trackBlocks(client)), []);
  for (let index = 0; index < 250; index++) {
    const block = Uint8Array.of(index, 1);
    const id = toHex(blake2b256(block));
    hub.blocks.set(id, block);
    hub.downloads.set(id, index);
  }
  assert.deepEqual(await countBlocksAtHub(client), { own: 250, all: 251 });
  const ids = [...hub.blocks.keys()];
  const expected = ids.map((id, downloads) => ({ id, size: 2, downloads }));
  assert.deepEqual(await Array.fromAsync(trackBlocks(client)), expected);
  const some = [ids[3]!, ids[1]!];
  const tracked = await Array.fromAsync(trackBlocks(client, { ids: some }));
  assert.deepEqual(tracked, [expected[3], expected[1]]);
  await assert.rejects(Array.fromAsync(trackBlocks(client, { ids: [ids[0]!, UNKNOWN] })), {
    code: "hub",
    status: 404,
  });
  await assert.rejects(
    Array.fromAsync(trackBlocks(client, { ids: ["../../etc/passwd"] })),
    SyntaxError,
  );
});

Deno.test("tracked blocks: today's hub counts what is downloaded", async () => {
  await using hub = await HubServer.start();
  const { access_token: token } = await hub.signIn("bob");
  const client = await connectHub(hub.hubUrl, { token, retries: 0 });
  const body = Uint8Array.of(1, 2, 3);
  const path = "/api/v1/block?file_hash=&idx=0";
  const { hash: id } = await hub.ask(201, "POST", path, { token, body });
  for (let count = 0; count < 2; count++) {
    await (await hub.send("GET", `/api/v1/block/${id}`)).body?.cancel();
  }
  assert.deepEqual(await countBlocksAtHub(client), { own: 1, all: 1 });
  const tracked = await Array.fromAsync(trackBlocks(client));
  assert.deepEqual(tracked, [{ id, size: 3, downloads: 2 }]);
});
