/**
 * Goal: many blocks in one request, both ways, and streams that are not what they should be.
 * Method: the endpoints in this process.
 */

import assert from "node:assert/strict";
import {
  BLOCK_STREAM_MEDIA_TYPE,
  blockFrameHead,
  readBlockStream,
  writeBlockStream,
} from "../../../../lib/hub_api/block_stream.ts";
import type { IncomingBlock } from "../../../../hub/content/blocks.ts";
import { blake3, parseBlockId } from "../../../../mod.ts";
import { HubContent } from "../../../helpers/hub_content.ts";

const blockOf = (index: number, size = 50): IncomingBlock => {
  const block = new Uint8Array(size).fill(index % 256);
  new DataView(block.buffer).setUint32(0, index);
  return { id: parseBlockId(blake3(block).toHex()), block };
};

async function streamOf(blocks: Parameters<typeof writeBlockStream>[0]): Promise<Blob> {
  const parts: BlobPart[] = [];
  for await (const piece of writeBlockStream(blocks)) parts.push(piece as BlobPart);
  return new Blob(parts);
}

const headers = { "content-type": BLOCK_STREAM_MEDIA_TYPE };
const path = "/api/v1/blocks/upload";

Deno.test("block streams: thousands go up, and come down again", async () => {
  await using hub = await HubContent.open();
  const blocks = Array.from({ length: 2500 }, (_, index) => blockOf(index));
  const body = await streamOf([...blocks, blocks[0]!]);
  const up = await hub.send("POST", path, { as: "alice", body, headers });
  assert.deepEqual(await up.json(), { stored: 2500, present: 1, blocks: 2501 });
  const absent = blockOf(9999).id;
  const json = { blocks: [...blocks.map(({ id }) => id), absent] };
  const down = await hub.send("POST", "/api/v1/blocks/download", { json });
  assert.equal(down.headers.get("content-type"), BLOCK_STREAM_MEDIA_TYPE);
  const got = new Map<string, Uint8Array | undefined>();
  for await (const { id, block } of readBlockStream(down.body!, { mayBeAbsent: true })) {
    got.set(id, block);
  }
  assert.equal(got.size, 2501);
  assert.equal(got.get(absent), undefined);
  for (const { id, block } of blocks) assert.deepEqual(got.get(id), block);
});

Deno.test("block streams: broken ones are refused, with what came before them kept", async () => {
  await using hub = await HubContent.open();
  const good = blockOf(1);
  const bodies: [string, BlobPart[], number][] = [
    ["breaks off", [(await streamOf([good])).slice(0, 60)], 400],
    ["breaks off within a head", [new Uint8Array(20)], 400],
    ["a block that is too large", [blockFrameHead(good.id, 0x7fffffff)], 413],
    ["absent in an upload", [blockFrameHead(good.id, undefined)], 413],
    ["empty", [blockFrameHead(good.id, 0)], 400],
    ["another digest", [await streamOf([{ id: good.id, block: blockOf(2).block }])], 422],
  ];
  for (const [name, parts, status] of bodies) {
    const answer = await hub.send("POST", path, { as: "alice", body: new Blob(parts), headers });
    assert.equal(answer.status, status, name);
    assert.match(answer.headers.get("content-type")!, /problem\+json/);
    await answer.body?.cancel();
  }
  const { total } = await (await hub.send("GET", "/api/v1/user/blocks", { as: "alice" })).json();
  assert.equal(total, 0);
  const none = await hub.send("POST", path, { as: "alice", body: new Blob([]), headers });
  assert.deepEqual(await none.json(), { stored: 0, present: 0, blocks: 0 });
});

Deno.test("block streams: who breaks off a download leaves nothing running", async () => {
  await using hub = await HubContent.open();
  const blocks = Array.from({ length: 50 }, (_, index) => blockOf(index, 200_000));
  await hub.content.blocks.put("alice", blocks);
  const json = { blocks: blocks.map(({ id }) => id) };
  const answer = await hub.send("POST", "/api/v1/blocks/download", { json });
  const reader = answer.body!.getReader();
  await reader.read();
  await reader.cancel();
});
