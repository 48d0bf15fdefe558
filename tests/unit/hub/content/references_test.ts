/** Goal: a block is garbage exactly when nothing refers to it any more. */

import assert from "node:assert/strict";
import type { BlockId } from "../../../../mod.ts";
import { rfsBlockId } from "../../../../hub/content/blocks.ts";
import { markGarbage, releaseOwner } from "../../../../hub/content/references.ts";
import { HubContent } from "../../../helpers/hub_content.ts";

const NOW = "2026-01-01T00:00:00.000Z";

async function isGarbage(hub: HubContent, id: BlockId): Promise<boolean> {
  const row = await hub.database.selectFrom("block").select("garbage_since")
    .where("id", "=", id).executeTakeFirstOrThrow();
  return row.garbage_since !== null;
}

Deno.test("references: a user's block stays while it was uploaded as such, or a file or upload has it", async () => {
  await using hub = await HubContent.open();
  const { blocks, uploads } = hub.content;
  const block = new TextEncoder().encode("block");
  const id = rfsBlockId(block);
  const file = "f".repeat(64);
  const { state } = await uploads.create("alice", { kind: "file", size: block.length });
  await blocks.put("alice", [{ id, block }], { kind: "file", file, idx: 0 });
  await uploads.putPart(state.id, "alice", 0, ReadableStream.from([block]));
  await blocks.put("alice", [{ id, block }]);
  await blocks.put("bob", [{ id, block }]);
  const { database } = hub;
  const release = (owner: string): Promise<void> => releaseOwner(database, owner, [id], NOW);
  const owners = async (): Promise<string[]> =>
    (await database.selectFrom("block_owner").select("owner").orderBy("owner").execute())
      .map(({ owner }) => owner);

  await release("alice");
  assert.deepEqual(await owners(), ["alice", "bob"]);
  await database.updateTable("block_owner").set({ direct: 0 }).execute();
  await release("alice");
  await database.deleteFrom("file_block").execute();
  await release("alice");
  assert.deepEqual(await owners(), ["alice", "bob"]);
  await database.deleteFrom("upload_block").execute();
  await release("alice");
  assert.deepEqual(await owners(), ["bob"]);
  assert.deepEqual(await hub.content.usageOf("alice"), { bytes: 0, objects: 0 });
  assert.equal(await isGarbage(hub, id), false);
  await release("bob");
  await release("bob");
  assert.deepEqual(await hub.content.usageOf("bob"), { bytes: 0, objects: 0 });
  assert.equal(await isGarbage(hub, id), true);
});

Deno.test("references: what a flist refers to is no garbage, though nobody owns it", async () => {
  await using hub = await HubContent.open();
  const block = new TextEncoder().encode("block");
  const id = rfsBlockId(block);
  await hub.content.blocks.put("alice", [{ id, block }]);
  await hub.database.insertInto("flist_block").values({
    owner: "alice",
    flist: "f".repeat(64),
    block: id,
  })
    .execute();
  await hub.content.blocks.release(id, "alice");
  await markGarbage(hub.database, [id], NOW);
  assert.equal(await isGarbage(hub, id), false);
  await hub.database.deleteFrom("flist_block").execute();
  await markGarbage(hub.database, [id], NOW);
  assert.equal(await isGarbage(hub, id), true);
});
